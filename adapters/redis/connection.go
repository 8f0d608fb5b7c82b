package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"
	"go.opentelemetry.io/otel/trace"

	"github.com/devicegate/devicegate/adapters/deadline"
	"github.com/devicegate/devicegate/adapters/tracing"
)

const (
	// opTimeout bounds what a person or a device waits for one command.
	opTimeout = 300 * time.Millisecond
	// dialTimeout is spent in the background, except for the part of it that
	// falls into the opTimeout of a command.
	dialTimeout = 2 * time.Second
	// reconnectInterval is the time between attempts to use the server again.
	reconnectInterval = 250 * time.Millisecond
	// repeatInterval is the time before the same refusal is logged again.
	repeatInterval = time.Minute
)

// ErrDown says that the server is known to be of no use; nothing was tried.
var ErrDown = errors.New("redis: the server is down or refuses commands")

// State says whether the server can be used.
type State string

// The states.
const (
	Up       State = "ok"
	Down     State = "unreachable"
	Refusing State = "refusing" // it answers, but it refuses commands: NOPERM, OOM, MISCONF, READONLY …
)

// Connection is the way to the server, whether the server is up or not.
type Connection struct {
	options rueidis.ClientOption
	tracer  *tracing.Tracer
	observe Observer // nil: none
	log     *slog.Logger
	limit   *deadline.Limit // opTimeout

	closing context.Context
	close   context.CancelFunc
	running sync.WaitGroup // what runs in the background

	mu       sync.Mutex
	client   rueidis.Client // nil before the first success
	state    State
	code     string    // of the refusal, for example OOM
	logged   string    // the last refusal that was logged
	loggedAt time.Time // when
}

// Open returns a connection, also when the server does not answer or refuses
// commands: it is then tried again until it is of use. An error is one of the
// configuration.
func Open(cfg Config, log *slog.Logger) (*Connection, error) {
	options, err := cfg.options()
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	c := &Connection{options: options, tracer: cfg.Tracer, observe: cfg.Observer, log: log, limit: deadline.NewLimit(opTimeout), state: Up}
	c.closing, c.close = context.WithCancel(context.Background())
	if client, err := c.connect(); err != nil {
		c.markDown(err)
	} else {
		c.client = client
	}
	return c, nil
}

// Close ends the connection. Commands after it fail.
func (c *Connection) Close() {
	c.mu.Lock()
	c.close()
	c.mu.Unlock()
	c.running.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client.Close()
	}
	c.client, c.state = nil, Down
}

// State returns the state and, when the server refuses commands, its code.
func (c *Connection) State() (State, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, c.code
}

// Ready returns nil if the server answers and takes commands.
func (c *Connection) Ready(ctx context.Context) error { return c.do(ctx, "probe", probe) }

// do runs one command, which has a name for operators. A cancelled caller says
// nothing about the server.
func (c *Connection) do(ctx context.Context, name string, command func(context.Context, rueidis.Client) error) error {
	return c.observed(ctx, name, func(ctx context.Context) error { return c.run(ctx, command) })
}

// observed tells operators of a command.
func (c *Connection) observed(ctx context.Context, name string, command func(context.Context) error) error {
	ctx, span := c.tracer.Within(ctx, "redis", trace.SpanKindClient)
	began := time.Now()
	err := command(ctx)
	if c.observe != nil {
		c.observe.ObserveCommand(name, time.Since(began), err)
	}
	if !span.IsZero() {
		describe(span, name, err)
	}
	return err
}

func describe(span tracing.Span, name string, err error) {
	span.Name("redis " + name)
	span.Set("db.system.name", "redis")
	span.Set("db.operation.name", name)
	switch {
	case err == nil, rueidis.IsRedisNil(err):
	case errors.Is(err, ErrDown):
		span.Fail("down")
	default:
		span.Fail(cmp.Or(refusal(err), "unreachable"))
	}
	span.End()
}

func (c *Connection) run(ctx context.Context, command func(context.Context, rueidis.Client) error) error {
	c.mu.Lock()
	client, state := c.client, c.state
	c.mu.Unlock()
	if state != Up || client == nil {
		return ErrDown
	}
	limited, cancel := c.limit.Context(ctx)
	defer cancel()
	err := command(limited, client)
	if err == nil || rueidis.IsRedisNil(err) {
		return err
	}
	if ctx.Err() == nil && !concernsOneKey(err) {
		c.markDown(err)
	}
	return fmt.Errorf("redis: %w", err)
}

// clustered reports whether keys lie on several servers.
func (c *Connection) clustered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.client != nil && c.client.Mode() == rueidis.ClientModeCluster
}

// concernsOneKey reports whether the server refused because of a key's own
// state, which says nothing about other keys.
func concernsOneKey(err error) bool {
	reply, is := rueidis.IsRedisErr(err)
	return is && strings.HasPrefix(reply.Error(), "WRONGTYPE")
}

var codeForm = regexp.MustCompile(`^[A-Z]+$`)

// refusal returns the code of an error reply, for example NOPERM, or "" if err
// is not a reply. What a script is refused has the code inside of its text
// (Redis 6), or none (NOPERM, Redis 7 and Valkey).
func refusal(err error) string {
	reply, is := rueidis.IsRedisErr(err)
	if !is {
		return ""
	}
	text := reply.Error()
	if strings.Contains(text, "user executing the script") || strings.HasPrefix(text, "ACL failure in script") {
		return "NOPERM"
	}
	if first, _, _ := strings.Cut(text, " "); codeForm.MatchString(first) && first != "ERR" {
		return first
	}
	for _, code := range []string{"OOM", "NOPERM", "MISCONF", "READONLY"} {
		if strings.Contains(text, code+" ") {
			return code
		}
	}
	return "ERR"
}

// markDown makes every command fail at once until the server is of use again.
func (c *Connection) markDown(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != Up || c.closing.Err() != nil {
		return
	}
	c.note(cause)
	c.running.Go(c.reconnectLoop)
}

// background runs fn, for whose end [Connection.Close] waits.
func (c *Connection) background(fn func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != Up || c.closing.Err() != nil {
		return ErrDown
	}
	c.running.Go(fn)
	return nil
}

// pause waits, but not while the connection is being closed.
func (c *Connection) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.closing.Done():
	case <-timer.C:
	}
}

// note keeps the problem of the server and logs it if it is new.
func (c *Connection) note(cause error) {
	c.state, c.code = Down, refusal(cause)
	if c.code != "" {
		c.state = Refusing
	}
	problem := string(c.state) + c.code
	if problem == c.logged && time.Since(c.loggedAt) < repeatInterval {
		return
	}
	c.logged, c.loggedAt = problem, time.Now()
	if c.state == Refusing {
		c.log.Warn("redis refuses commands; this process counts for itself", "code", c.code, "error", cause)
	} else {
		c.log.Warn("redis does not answer; this process counts for itself", "error", cause)
	}
}

func (c *Connection) reconnectLoop() {
	tick := time.NewTicker(reconnectInterval)
	defer tick.Stop()
	for {
		select {
		case <-c.closing.Done():
			return
		case <-tick.C:
		}
		client, err := c.connect()
		c.mu.Lock()
		if c.client = client; err == nil {
			c.state, c.code = Up, ""
			c.mu.Unlock()
			c.log.Info("redis is back")
			return
		}
		c.note(err)
		c.mu.Unlock()
	}
}

// connect returns a client, new or not, and whether the server is of use.
func (c *Connection) connect() (rueidis.Client, error) {
	c.mu.Lock()
	client := c.client
	c.mu.Unlock()
	if client == nil {
		var err error
		if client, err = rueidis.NewClient(c.options); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(c.closing, dialTimeout)
	defer cancel()
	return client, probe(ctx, client)
}

var probeScript = rueidis.NewLuaScript(`
redis.call('SET', KEYS[1], '', 'NX', 'PX', 1000)
redis.call('DEL', KEYS[1])
redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], 1000)
redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
redis.call('SADD', KEYS[1], 'x')
redis.call('SISMEMBER', KEYS[1], 'x')
redis.call('SCARD', KEYS[1])
redis.call('PTTL', KEYS[1])
redis.call('TYPE', KEYS[1])
redis.call('DEL', KEYS[1])
return 1`)

const probeKey = "devicegate:probe"

// probe runs the commands that this package uses: a server can answer PING and
// refuse to write. It leaves no key behind.
func probe(ctx context.Context, r rueidis.Client) error {
	if err := probeScript.Exec(ctx, r, []string{probeKey}, nil).Error(); err != nil {
		return err
	}
	set := r.Do(ctx, r.B().Set().Key(probeKey).Value("").Nx().Px(time.Second).Build()).Error()
	if set != nil && !rueidis.IsRedisNil(set) { // nil: another replica probes, too
		return set
	}
	return r.Do(ctx, r.B().Del().Key(probeKey).Build()).Error()
}
