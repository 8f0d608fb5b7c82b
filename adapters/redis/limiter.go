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
type Limiter struct {
	redis *Connection
	steps *scriptBatch
}

// NewLimiter counts through c.
func NewLimiter(c *Connection) *Limiter {
	return &Limiter{c, newScriptBatch(c, "count", limiterText, answersPerStep)}
}

func windowKey(limit quota.Limit, key string) string {
	b := append(make([]byte, 0, 128), "devicegate:limit:"...)
	b = append(append(b, limit.Name...), ':')
	return string(appendDigest(b, key))
}

// limiterText performs steps on as many windows. Each has four arguments: the
// call, the window's length in milliseconds, the limit and, for distinct tries,
// the digest of the thing. It answers three numbers for each: the count, the
// milliseconds until the window ends, and 1 if the try fits the limit.
//
// A set has no more members than its limit says, whatever is tried.
const limiterText = `
local answer = {}
for i, key in ipairs(KEYS) do
  local call, per, max, thing = unpack(ARGV, 4*i-3, 4*i)
  max = tonumber(max)
  local count, fits, ends = 0, 1, nil
  local begins = false
  if call == 'take' then
    count = redis.call('INCR', key)
    fits = count <= max and 1 or 0
    begins = count == 1
  elseif call == 'distinct' then
    count = redis.call('SCARD', key)
    begins = count == 0
    if count < max then
      count = count + redis.call('SADD', key, thing)
    else
      fits = redis.call('SISMEMBER', key, thing)
    end
  else
    local kind = redis.call('TYPE', key).ok
    if kind == 'string' then count = tonumber(redis.call('GET', key)) end
    if kind == 'set' then count = redis.call('SCARD', key) end
    fits = count < max and 1 or 0
    if kind == 'none' then ends = per end
  end
  if not ends then
    ends = begins and -1 or redis.call('PTTL', key)
    if ends < 0 then
      ends = per
      if call ~= 'peek' then redis.call('PEXPIRE', key, per) end
    end
  end
  answer[3*i-2], answer[3*i-1], answer[3*i] = count, tonumber(ends), fits
end
return answer`

const answersPerStep = 3

var callNames = map[ports.LimiterCall]string{ports.Take: "take", ports.TakeDistinct: "distinct", ports.Peek: "peek"}

func appendArguments(args []string, s ports.LimiterStep) []string {
	thing := ""
	if s.Call == ports.TakeDistinct {
		thing = string(appendDigest(make([]byte, 0, 64), s.Thing))
	}
	return append(args, callNames[s.Call], milliseconds(s.Limit.Per), strconv.Itoa(s.Limit.Max), thing)
}

// Take implements ports.Limiter.
func (l *Limiter) Take(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error) {
	return l.one(ctx, ports.LimiterStep{Call: ports.Take, Limit: limit, Key: key})
}

// TakeDistinct implements ports.Limiter.
func (l *Limiter) TakeDistinct(ctx context.Context, limit quota.Limit, key, thing string) (quota.Allowance, error) {
	return l.one(ctx, ports.LimiterStep{Call: ports.TakeDistinct, Limit: limit, Key: key, Thing: thing})
}

// Peek implements ports.Limiter.
func (l *Limiter) Peek(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error) {
	return l.one(ctx, ports.LimiterStep{Call: ports.Peek, Limit: limit, Key: key})
}

func (l *Limiter) one(ctx context.Context, step ports.LimiterStep) (quota.Allowance, error) {
	allowances, err := l.Batch(ctx, step)
	return allowances[0], err
}

// Batch implements ports.Limiter.
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
	answers, err := l.perform(ctx, steps, counted)
	if err != nil {
		return allowances, err
	}
	for n, i := range counted {
		allowances[i] = allowance(steps[i].Limit, answers[answersPerStep*n:])
	}
	return allowances, nil
}

// perform returns the script's numbers for the counted steps. In a cluster the
// windows lie on different nodes: a script for each is pipelined, with its text,
// because a pipeline cannot load a script that a node has not seen.
func (l *Limiter) perform(ctx context.Context, steps []ports.LimiterStep, counted []int) (numbers []int64, err error) {
	keys, args := make([]string, len(counted)), make([]string, 0, 4*len(counted))
	for n, i := range counted {
		keys[n] = windowKey(steps[i].Limit, steps[i].Key)
		args = appendArguments(args, steps[i])
	}
	if len(counted) == 1 || !l.redis.clustered() {
		return l.steps.exec(ctx, keys, args)
	}
	err = l.redis.do(ctx, "count", func(ctx context.Context, r rueidis.Client) error {
		commands := make(rueidis.Commands, len(counted))
		for n, key := range keys {
			commands[n] = r.B().Eval().Script(limiterText).Numkeys(1).Key(key).Arg(args[4*n : 4*n+4]...).Build()
		}
		for _, answer := range r.DoMulti(ctx, commands...) {
			of, err := answer.AsIntSlice()
			if err == nil && len(of) != answersPerStep {
				err = fmt.Errorf("a script answered %d numbers for a step", len(of))
			}
			if err != nil {
				return err
			}
			numbers = append(numbers, of...)
		}
		return nil
	})
	return numbers, err
}

func allowance(limit quota.Limit, n []int64) quota.Allowance {
	return quota.Allowance{
		Limit:     limit,
		Remaining: int(max(int64(limit.Max)-n[0], 0)),
		Reset:     time.Duration(n[1]) * time.Millisecond,
		Exceeded:  n[2] == 0,
	}
}
