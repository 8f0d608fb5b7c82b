package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/ports"
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

const takeScript = `
local count = redis.call('INCR', KEYS[1])
local ends = redis.call('PTTL', KEYS[1])
if ends < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  ends = tonumber(ARGV[1])
end
return {count, ends, count <= tonumber(ARGV[2]) and 1 or 0}`

// A set has no more members than its argument says, whatever is tried.
const takeDistinctScript = `
local fits = redis.call('SISMEMBER', KEYS[1], ARGV[3])
local count = redis.call('SCARD', KEYS[1])
if fits == 0 and count < tonumber(ARGV[2]) then
  fits = redis.call('SADD', KEYS[1], ARGV[3])
  count = count + 1
end
local ends = redis.call('PTTL', KEYS[1])
if ends < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  ends = tonumber(ARGV[1])
end
return {count, ends, fits}`

const peekScript = `
local count = 0
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'string' then count = tonumber(redis.call('GET', KEYS[1])) end
if kind == 'set' then count = redis.call('SCARD', KEYS[1]) end
local ends = redis.call('PTTL', KEYS[1])
if ends < 0 then ends = tonumber(ARGV[1]) end
return {count, ends, count < tonumber(ARGV[2]) and 1 or 0}`

// limiterScript is called with a window's key, its length in milliseconds, its
// limit and, for distinct tries, the digest of the thing. It answers the count,
// the milliseconds until the window ends, and 1 if the try fits the limit.
type limiterScript struct {
	text string
	lua  *rueidis.Lua
}

var limiterScripts = map[ports.LimiterCall]limiterScript{
	ports.Take:         {takeScript, rueidis.NewLuaScript(takeScript)},
	ports.TakeDistinct: {takeDistinctScript, rueidis.NewLuaScript(takeDistinctScript)},
	ports.Peek:         {peekScript, rueidis.NewLuaScript(peekScript)},
}

func argumentsOf(s ports.LimiterStep) []string {
	args := []string{milliseconds(s.Limit.Per), strconv.Itoa(s.Limit.Max)}
	if s.Call == ports.TakeDistinct {
		args = append(args, digest(s.Thing))
	}
	return args
}

// Take keeps ports.Limiter.
func (l *Limiter) Take(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error) {
	return l.one(ctx, ports.LimiterStep{Call: ports.Take, Limit: limit, Key: key})
}

// TakeDistinct keeps ports.Limiter.
func (l *Limiter) TakeDistinct(ctx context.Context, limit quota.Limit, key, thing string) (quota.Allowance, error) {
	return l.one(ctx, ports.LimiterStep{Call: ports.TakeDistinct, Limit: limit, Key: key, Thing: thing})
}

// Peek keeps ports.Limiter.
func (l *Limiter) Peek(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error) {
	return l.one(ctx, ports.LimiterStep{Call: ports.Peek, Limit: limit, Key: key})
}

func (l *Limiter) one(ctx context.Context, step ports.LimiterStep) (a quota.Allowance, err error) {
	if step.Limit.Max <= 0 {
		return quota.Allowance{}, nil
	}
	err = l.redis.do(ctx, func(ctx context.Context, r rueidis.Client) (err error) {
		answer := limiterScripts[step.Call].lua.Exec(ctx, r, []string{windowKey(step.Limit, step.Key)}, argumentsOf(step))
		a, err = allowance(step.Limit, answer)
		return err
	})
	return a, err
}

// Batch keeps ports.Limiter. The windows lie in different slots of a cluster, so
// no single script can read them all: the scripts are pipelined, with their text,
// because a pipeline cannot load a script that the server has not seen.
func (l *Limiter) Batch(ctx context.Context, steps ...ports.LimiterStep) ([]quota.Allowance, error) {
	allowances := make([]quota.Allowance, len(steps))
	counted := make([]int, 0, len(steps)) // the steps that have a limit
	for i, step := range steps {
		if step.Limit.Max > 0 {
			counted = append(counted, i)
		}
	}
	if len(counted) == 0 {
		return allowances, nil
	}
	err := l.redis.do(ctx, func(ctx context.Context, r rueidis.Client) error {
		commands := make(rueidis.Commands, len(counted))
		for n, i := range counted {
			commands[n] = r.B().Eval().Script(limiterScripts[steps[i].Call].text).Numkeys(1).
				Key(windowKey(steps[i].Limit, steps[i].Key)).Arg(argumentsOf(steps[i])...).Build()
		}
		for n, answer := range r.DoMulti(ctx, commands...) {
			var err error
			if allowances[counted[n]], err = allowance(steps[counted[n]].Limit, answer); err != nil {
				return err
			}
		}
		return nil
	})
	return allowances, err
}

func allowance(limit quota.Limit, answer rueidis.RedisResult) (quota.Allowance, error) {
	n, err := answer.AsIntSlice()
	if err != nil {
		return quota.Allowance{}, err
	}
	if len(n) != 3 {
		return quota.Allowance{}, fmt.Errorf("a script answered %d numbers, not 3", len(n))
	}
	return quota.Allowance{
		Limit:     limit,
		Remaining: int(max(int64(limit.Max)-n[0], 0)),
		Reset:     time.Duration(n[1]) * time.Millisecond,
		Exceeded:  n[2] == 0,
	}, nil
}
