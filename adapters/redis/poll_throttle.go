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
// Each code has at most two keys: the set of pollers known to wait on it, and a
// mark that lives until the next poll is due.
type PollThrottle struct{ redis *Connection }

// NewPollThrottle uses c.
func NewPollThrottle(c *Connection) *PollThrottle { return &PollThrottle{c} }

// keysOf returns the keys of a code: the set of pollers and the mark.
func keysOf(code secret.Digest) []string {
	tag := "devicegate:{" + code.Hex() + "}"
	return []string{tag + ":waiting", tag + ":polled"}
}

var checkPendingScript = rueidis.NewLuaScript(`
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 then return 'unknown' end
if redis.call('SET', KEYS[2], '', 'NX', 'PX', ARGV[2]) then return 'due' end
return 'early'`)

// CheckPending keeps ports.PollThrottle.
func (p *PollThrottle) CheckPending(ctx context.Context, code secret.Digest, poller string, gap time.Duration) (pending, due bool, err error) {
	var said string
	err = p.redis.do(ctx, func(ctx context.Context, r rueidis.Client) (err error) {
		said, err = checkPendingScript.Exec(ctx, r, keysOf(code), []string{shortDigest(poller), milliseconds(gap)}).ToString()
		return err
	})
	return said == "due" || said == "early", said == "due", err
}

// allowScript keeps the hint with the mark. The first hint's expiry stays.
var allowScript = rueidis.NewLuaScript(`
if not redis.call('SET', KEYS[2], '', 'NX', 'PX', ARGV[1]) then return 0 end
redis.call('SADD', KEYS[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1`)

// Allow keeps ports.PollThrottle.
func (p *PollThrottle) Allow(ctx context.Context, code secret.Digest, gap time.Duration, hint ports.PendingHint) (bool, error) {
	if hint.TTL <= 0 {
		return p.allow(ctx, code, gap)
	}
	var due int64
	err := p.redis.do(ctx, func(ctx context.Context, r rueidis.Client) (err error) {
		args := []string{milliseconds(gap), shortDigest(hint.Poller), milliseconds(hint.TTL)}
		due, err = allowScript.Exec(ctx, r, keysOf(code), args).AsInt64()
		return err
	})
	return due == 1, err
}

// allow is Allow without a hint.
func (p *PollThrottle) allow(ctx context.Context, code secret.Digest, gap time.Duration) (bool, error) {
	err := p.redis.do(ctx, func(ctx context.Context, r rueidis.Client) error {
		return r.Do(ctx, r.B().Set().Key(keysOf(code)[1]).Value("").Nx().Px(max(gap, time.Millisecond)).Build()).Error()
	})
	if rueidis.IsRedisNil(err) {
		return false, nil
	}
	return err == nil, err
}

// Invalidate keeps ports.PollThrottle.
func (p *PollThrottle) Invalidate(ctx context.Context, code secret.Digest) error {
	return p.redis.do(ctx, func(ctx context.Context, r rueidis.Client) error {
		return r.Do(ctx, r.B().Del().Key(keysOf(code)[0]).Build()).Error()
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
