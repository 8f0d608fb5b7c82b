package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/e2e/services"
)

// body is what an address answers.
func (w *fixture) body(url string) string {
	w.t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// A Redis that answers and refuses is seen from outside, and the process keeps
// the polling interval by itself (F53).
func TestAnEarlyPollIsToldToSlowDownWhileRedisRefuses(t *testing.T) {
	t.Parallel()
	w, redis := fixtureWithRedis(t)
	ops := fmt.Sprintf("localhost:%d", services.Port(t))
	w.Env["OPS_ADDR"] = ops
	w.serve()
	redis.Refuse()
	device := w.device()
	codes := w.start(device)
	w.polls(device, codes, "authorization_pending")
	w.polls(device, codes, "slow_down")

	seen := func(state string) bool {
		return strings.Contains(w.body(w.public+"/readyz"), `"redis":"`+state+`"`) &&
			strings.Contains(w.body("http://"+ops+"/metrics"), `devicegate_redis_state{state="`+state+`"} 1`)
	}
	if !seen("refusing") {
		t.Errorf("got %s, want redis refusing, in /metrics too", w.body(w.public+"/readyz"))
	}
	redis.Accept()
	w.eventually("Redis is used again", func() bool { return seen("ok") })
	if n := strings.Count(w.Logs.String(), `"redis refuses commands`); n != 1 {
		t.Errorf("got %d log lines of the refusal, want 1", n)
	}
}
