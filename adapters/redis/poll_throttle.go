package redis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/devicegate/devicegate/domain/secret"
)

// Pace is ports.Pace in Redis.
//
// Of each code there are at most two keys: the set of those who are known to
// wait on it, and a mark that lives until the next poll is due.
type PollThrottle struct{ redis *Connection }

// NewPace keeps pace through c.
func NewPollThrottle(c *Connection) *PollThrottle { return &PollThrottle{c} }

func waitingKey(code secret.Digest) string { return "devicegate:{" + code.Hex() + "}:waiting" }
func polledKey(code secret.Digest) string  { return "devicegate:{" + code.Hex() + "}:polled" }

var checkPendingScript = rueidis.NewLuaScript(`
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 then return 'unknown' end
if redis.call('SET', KEYS[2], '', 'NX', 'PX', ARGV[2]) then return 'due' end
return 'early'`)

// Ask keeps ports.Pace.
func (p *PollThrottle) CheckPending(ctx context.Context, code secret.Digest, who string, gap time.Duration) (pending, due bool, err error) {
	var said string
	err = p.redis.do(ctx, func(ctx context.Context, r rueidis.Client) (err error) {
		said, err = checkPendingScript.Exec(ctx, r, []string{waitingKey(code), polledKey(code)}, []string{digest(who), milliseconds(gap)}).ToString()
		return err
	})
	return said == "due" || said == "early", said == "due", err
}

// Claim keeps ports.Pace.
func (p *PollThrottle) Allow(ctx context.Context, code secret.Digest, gap time.Duration) (bool, error) {
	err := p.redis.do(ctx, func(ctx context.Context, r rueidis.Client) error {
		return r.Do(ctx, r.B().Set().Key(polledKey(code)).Value("").Nx().Px(max(gap, time.Millisecond)).Build()).Error()
	})
	if rueidis.IsRedisNil(err) {
		return false, nil
	}
	return err == nil, err
}

// The first one's end stays: nobody's hint outlives what he was promised.
var cachePendingScript = rueidis.NewLuaScript(`
redis.call('SADD', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 'kept'`)

// Remember keeps ports.Pace.
func (p *PollThrottle) CachePending(ctx context.Context, code secret.Digest, who string, life time.Duration) error {
	if life <= 0 {
		return nil
	}
	return p.redis.do(ctx, func(ctx context.Context, r rueidis.Client) error {
		return cachePendingScript.Exec(ctx, r, []string{waitingKey(code)}, []string{digest(who), milliseconds(life)}).Error()
	})
}

// Wake keeps ports.Pace.
func (p *PollThrottle) Invalidate(ctx context.Context, code secret.Digest) error {
	return p.redis.do(ctx, func(ctx context.Context, r rueidis.Client) error {
		return r.Do(ctx, r.B().Del().Key(waitingKey(code)).Build()).Error()
	})
}

// milliseconds is how scripts are told a duration; Redis knows no shorter one.
func milliseconds(d time.Duration) string {
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
