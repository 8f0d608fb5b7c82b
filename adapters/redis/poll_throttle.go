package redis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

// PollThrottle is ports.PollThrottle in Redis.
//
// Each code has at most three keys: the set of pollers known to wait on it, a
// mark that lives until the next poll is due, and one that keeps late hints out
// once the code is decided.
type PollThrottle struct {
	redis *Connection
	later *writer
}

// NewPollThrottle uses c.
func NewPollThrottle(c *Connection) *PollThrottle { return &PollThrottle{c, newWriter(c)} }

// keysOf are the keys of a code. In a cluster they lie on one node.
type keysOf struct{ waiting, polled, decided string }

func keysFor(code secret.Digest) keysOf {
	tag := "devicegate:{" + code.Hex() + "}"
	return keysOf{tag + ":waiting", tag + ":polled", tag + ":decided"}
}

var checkPendingScript = rueidis.NewLuaScript(`
local pending = redis.call('SISMEMBER', KEYS[1], ARGV[1])
if redis.call('SET', KEYS[2], '', 'NX', 'PX', ARGV[2]) then return pending + 2 end
return pending`)

// CheckPending keeps ports.PollThrottle.
func (p *PollThrottle) CheckPending(ctx context.Context, code secret.Digest, poller string, gap time.Duration) (pending, due bool, err error) {
	k := keysFor(code)
	var said int64
	err = p.redis.do(ctx, "check_poll", func(ctx context.Context, r rueidis.Client) (err error) {
		said, err = checkPendingScript.Exec(ctx, r, []string{k.waiting, k.polled}, []string{shortDigest(poller), milliseconds(gap)}).AsInt64()
		return err
	})
	return said&1 != 0, said&2 != 0, err
}

// cacheScript leaves the expiry of the first hint as it is.
const cacheScript = `
if redis.call('GET', KEYS[2]) then return 0 end
redis.call('SADD', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1`

// CachePending keeps ports.PollThrottle. The device's next poll is seconds away:
// hints wait for each other and share a round trip.
func (p *PollThrottle) CachePending(_ context.Context, code secret.Digest, hint ports.PendingHint) error {
	if hint.TTL <= 0 {
		return nil
	}
	k := keysFor(code)
	args := []string{shortDigest(hint.Poller), milliseconds(hint.TTL)}
	return p.later.add(func(b rueidis.Builder) rueidis.Completed {
		return b.Eval().Script(cacheScript).Numkeys(2).Key(k.waiting, k.decided).Arg(args...).Build()
	})
}

// Release keeps ports.PollThrottle.
func (p *PollThrottle) Release(_ context.Context, code secret.Digest) error {
	k := keysFor(code)
	return p.later.add(func(b rueidis.Builder) rueidis.Completed { return b.Del().Key(k.polled).Build() })
}

var invalidateScript = rueidis.NewLuaScript(`
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], '', 'PX', ARGV[1])
return 1`)

// Invalidate keeps ports.PollThrottle.
func (p *PollThrottle) Invalidate(ctx context.Context, code secret.Digest) error {
	k := keysFor(code)
	return p.redis.do(ctx, "invalidate_poll", func(ctx context.Context, r rueidis.Client) error {
		return invalidateScript.Exec(ctx, r, []string{k.waiting, k.decided}, []string{milliseconds(ports.HintInTransit)}).Error()
	})
}

// milliseconds is how scripts are told a duration; Redis knows no shorter one.
func milliseconds(d time.Duration) string {
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10)
}

// shortDigest names a member of one code's set; 128 bits tell its few apart.
func shortDigest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return string(sum[:16])
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
