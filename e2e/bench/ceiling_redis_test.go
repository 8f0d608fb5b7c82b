package bench

import (
	"context"

	"github.com/redis/rueidis"
)

// hints is the ceiling of a poll that Redis alone answers: one script.
type hints struct{ redis rueidis.Client }

func newHints(url string) (*hints, error) {
	o, err := rueidis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	o.DisableCache, o.PipelineMultiplex = true, -1
	c, err := rueidis.NewClient(o)
	return &hints{c}, err
}

var askScript = rueidis.NewLuaScript(`
local waits = redis.call('SISMEMBER', KEYS[1], ARGV[1])
if redis.call('SET', KEYS[2], '', 'NX', 'PX', ARGV[2]) then return 'due' end
return 'early'`)

func (h *hints) ask(ctx context.Context, codeHash string) error {
	keys := []string{"ceiling:{" + codeHash + "}:waiting", "ceiling:{" + codeHash + "}:polled"}
	return askScript.Exec(ctx, h.redis, keys, []string{"difyctl|127.0.0.1", "4500"}).Error()
}
