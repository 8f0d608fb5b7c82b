package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/devicegate/devicegate/domain/quota"
)

// Limiter is ports.Limiter in Redis.
//
// Each window is one key that lives as long as the window: a number, or, where
// a thing counts once, the set of the things.
type Limiter struct{ redis *Connection }

// NewLimiter counts through c.
func NewLimiter(c *Connection) *Limiter { return &Limiter{c} }

func windowKey(limit quota.Limit, key string) string {
	return "devicegate:limit:" + limit.Name + ":" + digest(key)
}

var takeScript = rueidis.NewLuaScript(`
local count = redis.call('INCR', KEYS[1])
local ends = redis.call('PTTL', KEYS[1])
if ends < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  ends = tonumber(ARGV[1])
end
return {count, ends}`)

// Take keeps ports.Limiter.
func (l *Limiter) Take(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error) {
	if limit.Max <= 0 {
		return quota.Allowance{}, nil
	}
	n, err := l.count(ctx, takeScript, 2, windowKey(limit, key), milliseconds(limit.Per))
	if err != nil {
		return quota.Allowance{}, err
	}
	return allowance(limit, n[0], n[1], n[0] > int64(limit.Max)), nil
}

// A set has no more members than its argument says, whatever is tried.
var takeDistinctScript = rueidis.NewLuaScript(`
local fits = redis.call('SISMEMBER', KEYS[1], ARGV[2])
local count = redis.call('SCARD', KEYS[1])
if fits == 0 and count < tonumber(ARGV[3]) then
  fits = redis.call('SADD', KEYS[1], ARGV[2])
  count = count + 1
end
local ends = redis.call('PTTL', KEYS[1])
if ends < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  ends = tonumber(ARGV[1])
end
return {count, ends, fits}`)

// TakeDistinct keeps ports.Limiter.
func (l *Limiter) TakeDistinct(ctx context.Context, limit quota.Limit, key, thing string) (quota.Allowance, error) {
	if limit.Max <= 0 {
		return quota.Allowance{}, nil
	}
	n, err := l.count(ctx, takeDistinctScript, 3, windowKey(limit, key), milliseconds(limit.Per), digest(thing), strconv.Itoa(limit.Max))
	if err != nil {
		return quota.Allowance{}, err
	}
	return allowance(limit, n[0], n[1], n[2] == 0), nil
}

var peekScript = rueidis.NewLuaScript(`
local count = 0
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'string' then count = tonumber(redis.call('GET', KEYS[1])) end
if kind == 'set' then count = redis.call('SCARD', KEYS[1]) end
return {count, redis.call('PTTL', KEYS[1])}`)

// Left keeps ports.Limiter.
func (l *Limiter) Peek(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error) {
	if limit.Max <= 0 {
		return quota.Allowance{}, nil
	}
	n, err := l.count(ctx, peekScript, 2, windowKey(limit, key))
	if err != nil {
		return quota.Allowance{}, err
	}
	if n[1] < 0 {
		n[1] = limit.Per.Milliseconds()
	}
	return allowance(limit, n[0], n[1], n[0] >= int64(limit.Max)), nil
}

func (l *Limiter) count(ctx context.Context, script *rueidis.Lua, answers int, key string, args ...string) (n []int64, err error) {
	err = l.redis.do(ctx, func(ctx context.Context, r rueidis.Client) (err error) {
		n, err = script.Exec(ctx, r, []string{key}, args).AsIntSlice()
		return err
	})
	if err == nil && len(n) != answers {
		err = fmt.Errorf("redis: a script answered %d numbers, not %d", len(n), answers)
	}
	return n, err
}

func allowance(limit quota.Limit, count, ends int64, exceeded bool) quota.Allowance {
	return quota.Allowance{
		Limit:     limit,
		Remaining: int(max(int64(limit.Max)-count, 0)),
		Reset:     time.Duration(ends) * time.Millisecond,
		Exceeded:  exceeded,
	}
}
