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
	redis  *Connection
	checks *scriptBatch
	later  *writer
}

// NewPollThrottle uses c.
func NewPollThrottle(c *Connection) *PollThrottle {
	return &PollThrottle{c, newScriptBatch(c, "check_poll", checkPendingText, 1), newWriter(c)}
}

// The keys of a code. In a cluster they lie on one node.
func waitingKey(code secret.Digest) string { return keyOf(code, "waiting") }
func polledKey(code secret.Digest) string  { return keyOf(code, "polled") }
func decidedKey(code secret.Digest) string { return keyOf(code, "decided") }

func keyOf(code secret.Digest, what string) string {
	b := append(make([]byte, 0, 96), "devicegate:{"...)
	b = append(hex.AppendEncode(b, code[:]), "}:"...)
	return string(append(b, what...))
}

// checkPendingText has two keys for each code, and answers two numbers: 1 if a hint
// is there, and 1 if the poll is due.
const checkPendingText = `
local answer = {}
for i = 1, #KEYS, 2 do
  answer[i] = redis.call('SISMEMBER', KEYS[i], ARGV[i])
  answer[i+1] = redis.call('SET', KEYS[i+1], '', 'NX', 'PX', ARGV[i+1]) and 1 or 0
end
return answer`

// CheckPending implements ports.PollThrottle.
func (p *PollThrottle) CheckPending(ctx context.Context, code secret.Digest, poller string, gap time.Duration) (pending, due bool, err error) {
	keys, args := []string{waitingKey(code), polledKey(code)}, []string{shortDigest(poller), milliseconds(gap)}
	said, err := p.checks.exec(ctx, keys, args)
	if err != nil {
		return false, false, err
	}
	return said[0] != 0, said[1] != 0, nil
}

// CachePending implements ports.PollThrottle. The device's next poll is seconds away:
// hints wait for each other and share a round trip.
func (p *PollThrottle) CachePending(_ context.Context, code secret.Digest, hint ports.PendingHint) error {
	if hint.TTL <= 0 {
		return nil
	}
	return p.later.addHint(writtenHint{
		keys: [2]string{waitingKey(code), decidedKey(code)},
		args: [2]string{shortDigest(hint.Poller), milliseconds(hint.TTL)},
	})
}

// Release implements ports.PollThrottle.
func (p *PollThrottle) Release(_ context.Context, code secret.Digest) error {
	return p.later.addRelease(polledKey(code))
}

var invalidateScript = rueidis.NewLuaScript(`
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], '', 'PX', ARGV[1])
return 1`)

// Invalidate implements ports.PollThrottle.
func (p *PollThrottle) Invalidate(ctx context.Context, code secret.Digest) error {
	keys := []string{waitingKey(code), decidedKey(code)}
	return p.redis.do(ctx, "invalidate_poll", func(ctx context.Context, r rueidis.Client) error {
		return invalidateScript.Exec(ctx, r, keys, []string{milliseconds(ports.HintInTransit)}).Error()
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

func appendDigest(to []byte, text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return hex.AppendEncode(to, sum[:])
}
