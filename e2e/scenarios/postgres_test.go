package scenarios

import (
	"net/http"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// outage is how a PostgreSQL goes away, and how it or another one takes its place.
type outage struct {
	url         string
	begin, over func()
}

// PostgreSQL is restarted, or it crashes, or it crashes and its standby takes its
// place, while devices begin logins.
func TestNothingThatWasAnsweredIsLostWithPostgreSQL(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T) outage{
		"restarted": func(t *testing.T) outage {
			server := services.PrivatePostgres(t)
			return outage{server.URL(), server.Stop, server.Start}
		},
		"crashed": func(t *testing.T) outage {
			server := services.PrivatePostgres(t)
			return outage{server.URL(), server.Crash, server.Start}
		},
		"failed over": func(t *testing.T) outage {
			pair := services.PrivatePostgresPair(t)
			return outage{pair.URL(), pair.Primary.Crash, pair.Standby.Promote}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outage := prepare(t)
			f, p := newReplica(t, outage.url, services.PrivateRedis(t).URL())
			stages := f.stages()
			var lost lost
			s := f.starters(4, &lost)
			s.more(f, 20)

			outage.begin()
			stopped := time.Now()
			systemtest.Within(t, time.Minute, "requests are refused", func() bool { return s.refused.Load() > 20 })
			systemtest.Within(t, time.Minute, "the replica is not ready", func() bool { return systemtest.Status(p.at+"/readyz") == http.StatusServiceUnavailable })
			if *long {
				systemtest.Within(t, 5*time.Minute, "a minute is over", func() bool { return time.Since(stopped) > time.Minute })
			}
			if got := systemtest.Status(p.at + "/healthz"); got != http.StatusOK {
				lost.add("/healthz: %d", got)
			}
			outage.over()
			away := time.Since(stopped)
			healed := systemtest.Within(t, time.Minute, "the replica is ready", func() bool { return systemtest.Status(p.at+"/readyz") == http.StatusOK })
			s.more(f, 20)
			s.stop()
			allWait(s.answered(), &lost)
			stages.goOn(&lost)
			lost.outcome(t, "away for %s, ready again after %s; %d logins begun before and after, %d starts refused with 503 meanwhile",
				away.Round(100*time.Millisecond), healed, len(s.answered()), s.refused.Load())
		})
	}
}
