package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

const (
	// patience is what a person or a device is made to wait for a hint.
	opTimeout = 300 * time.Millisecond
	// dialPatience is spent in the background, except for what of it falls
	// into somebody's patience.
	dialTimeout = 2 * time.Second
	// lookAgain is how often a server that is away is looked for.
	reconnectInterval = 250 * time.Millisecond
)

// ErrAway says that the server is known not to answer; nothing was tried.
var ErrDown = errors.New("redis: the server is away")

// Connection is the way to the server, whether it is there or not.
type Connection struct {
	options rueidis.ClientOption
	log     *slog.Logger

	closing      context.Context
	close        context.CancelFunc
	reconnecting sync.WaitGroup

	mu     sync.Mutex
	client rueidis.Client // nil before the first success
	down   bool
}

// Open returns a connection, also when the server does not answer: it is then
// looked for until it does. An error is one of the configuration.
func Open(cfg Config, log *slog.Logger) (*Connection, error) {
	options, err := cfg.options()
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	c := &Connection{options: options, log: log, down: true}
	c.closing, c.close = context.WithCancel(context.Background())
	if err := c.ping(); err != nil {
		log.Warn("redis does not answer; going on without", "error", err)
		c.reconnecting.Go(c.reconnectLoop)
	}
	return c, nil
}

// Close ends the connection. What is asked of it later fails.
func (c *Connection) Close() {
	c.close()
	c.reconnecting.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client.Close()
	}
	c.client, c.down = nil, true
}

// Ready returns nil if the server answers.
func (c *Connection) Ready(ctx context.Context) error {
	return c.do(ctx, func(ctx context.Context, r rueidis.Client) error {
		return r.Do(ctx, r.B().Ping().Build()).Error()
	})
}

// do runs one command. An error of the server itself is one, too, but no sign
// that it is away; nor is a caller who does not wait.
func (c *Connection) do(ctx context.Context, command func(context.Context, rueidis.Client) error) error {
	c.mu.Lock()
	client, away := c.client, c.down
	c.mu.Unlock()
	if away {
		return ErrDown
	}
	limited, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	err := command(limited, client)
	if err == nil || rueidis.IsRedisNil(err) {
		return err
	}
	if _, answered := rueidis.IsRedisErr(err); !answered && ctx.Err() == nil {
		c.markDown(err)
	}
	return fmt.Errorf("redis: %w", err)
}

// lost has everybody fail at once until the server answers again.
func (c *Connection) markDown(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down || c.closing.Err() != nil {
		return
	}
	c.down = true
	c.log.Warn("redis went away; going on without", "error", cause)
	c.reconnecting.Go(c.reconnectLoop)
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
		if c.ping() == nil {
			c.log.Info("redis is back")
			return
		}
	}
}

// reach connects, or makes sure of the connection there is.
func (c *Connection) ping() error {
	c.mu.Lock()
	client := c.client
	c.mu.Unlock()
	if client == nil {
		var err error
		if client, err = rueidis.NewClient(c.options); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(c.closing, dialTimeout)
	defer cancel()
	err := client.Do(ctx, client.B().Ping().Build()).Error()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.client, c.down = client, err != nil
	return err
}
