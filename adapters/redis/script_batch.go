package redis

import (
	"context"
	"fmt"

	"github.com/redis/rueidis"

	"github.com/devicegate/devicegate/adapters/batching"
)

// scriptTrips is how many round trips with calls of one script are under way at a
// time. Redis does one thing at a time, so more would only be smaller.
const scriptTrips = 2

// scriptBatch lets calls of a script share round trips. The script takes any number
// of keys, with the same number of arguments and of answers, which are numbers, for
// each.
type scriptBatch struct {
	redis   *Connection
	script  *rueidis.Lua
	name    string // for operators
	answers int    // numbers for each key
	batcher *batching.Batcher[scriptCall]
}

// scriptCall is a call of a script, and where its numbers go.
type scriptCall struct {
	keys, args []string
	into       *[]int64
}

func newScriptBatch(c *Connection, name string, text string, answers int) *scriptBatch {
	s := &scriptBatch{redis: c, script: rueidis.NewLuaScript(text), name: name, answers: answers}
	s.batcher = batching.New(scriptTrips, opTimeout, batching.Sender[scriptCall](s))
	return s
}

// exec returns the script's numbers for keys. A call that can be cancelled goes
// alone, because others should not depend on it, and so does each in a cluster,
// where the keys lie on different nodes.
func (s *scriptBatch) exec(ctx context.Context, keys, args []string) (numbers []int64, err error) {
	call := scriptCall{keys, args, &numbers}
	err = s.redis.observed(ctx, s.name, func(ctx context.Context) error {
		if ctx.Done() != nil || s.redis.clustered() {
			return s.SendOne(ctx, call)
		}
		return s.batcher.Do(ctx, call)
	})
	return numbers, err
}

// SendOne implements [batching.Sender].
func (s *scriptBatch) SendOne(ctx context.Context, call scriptCall) error {
	numbers, err := s.run(ctx, call.keys, call.args)
	*call.into = numbers
	return err
}

// SendAll implements [batching.Sender].
func (s *scriptBatch) SendAll(ctx context.Context, calls []*batching.Call[scriptCall]) error {
	var keys, args []string
	for _, c := range calls {
		keys, args = append(keys, c.Value.keys...), append(args, c.Value.args...)
	}
	numbers, err := s.run(ctx, keys, args)
	if err != nil {
		return err
	}
	for _, c := range calls {
		n := s.answers * len(c.Value.keys)
		c.Receive(func() error {
			*c.Value.into = numbers[:n:n]
			return nil
		})
		numbers = numbers[n:]
	}
	return nil
}

// CanRepeat implements [batching.Sender]. A script may have done a part of its work
// before it failed: it would count twice.
func (s *scriptBatch) CanRepeat(error) bool { return false }

func (s *scriptBatch) run(ctx context.Context, keys, args []string) (numbers []int64, err error) {
	err = s.redis.run(ctx, func(ctx context.Context, r rueidis.Client) error {
		numbers, err = s.script.Exec(ctx, r, keys, args).AsIntSlice()
		if err == nil && len(numbers) != s.answers*len(keys) {
			return fmt.Errorf("a script answered %d numbers for %d keys", len(numbers), len(keys))
		}
		return err
	})
	return numbers, err
}
