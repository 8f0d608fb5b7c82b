package scenarios

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// redisIs returns the state in which a process sees its Redis.
func (p *process) redisIs(state string) bool {
	resp, err := http.Get(p.at + "/readyz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK && strings.Contains(string(text), `"redis":"`+state+`"`)
}

// Redis is stopped for a while, and comes back empty. Logins go on, and the replicas
// use it again without a restart.
func TestLoginsGoOnWhileRedisIsStopped(t *testing.T) {
	t.Parallel()
	a, b := fmt.Sprintf("localhost:%d", services.Port(t)), fmt.Sprintf("localhost:%d", services.Port(t))
	var lost lost
	front := newBalancer(t, &lost, a, b)
	redis := services.PrivateRedis(t)
	f := newFixture(t, front.public, services.Postgres(t), redis.URL())
	replicas := []*process{f.serve(a), f.serve(b)}
	see := func(state string) time.Duration {
		t.Helper()
		return systemtest.Within(t, time.Minute, "both replicas see Redis "+state, func() bool { return replicas[0].redisIs(state) && replicas[1].redisIs(state) })
	}
	systemtest.Within(t, time.Minute, "both replicas are ready", func() bool { return front.replicas[0].ready.Load() && front.replicas[1].ready.Load() })
	f.introduce()
	see("ok")

	people := f.people(2, &lost)
	people.more(f, 4)
	before := people.done.Load()
	redis.Stop()
	stopped := time.Now()
	see("unreachable")
	if *long {
		systemtest.Within(t, 5*time.Minute, "two minutes are over", func() bool { return time.Since(stopped) > 2*time.Minute })
	}
	people.more(f, 4)
	away, meanwhile := time.Since(stopped), people.done.Load()-before
	redis.Start()
	healed := see("ok")
	people.more(f, 4)
	people.stop()
	works := people.allWork(&lost)
	lost.outcome(t, "Redis away for %s, %d logins meanwhile, %d in all; seen again after %s", away.Round(time.Second), meanwhile, works, healed)
}
