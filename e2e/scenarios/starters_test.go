package scenarios

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devicegate/devicegate/e2e/systemtest"
)

// starters begin logins one after the other, through whatever happens. They keep
// what was answered.
type starters struct {
	stop func()

	mu      sync.Mutex
	started []*login
	refused atomic.Int64 // by a 503 with Retry-After
	slowest atomic.Int64 // time to an answer, in nanoseconds; a little less where several begin at once
}

func (f *fixture) starters(atOnce int, lost *lost) *starters {
	return f.startersEvery(20*time.Millisecond, atOnce, lost)
}

// startersEvery is starters that wait for some time before each login.
func (f *fixture) startersEvery(wait time.Duration, atOnce int, lost *lost) *starters {
	s := &starters{}
	stopped := make(chan struct{})
	var running sync.WaitGroup
	for range atOnce {
		running.Go(func() {
			pause := time.NewTicker(wait)
			defer pause.Stop()
			for {
				select {
				case <-stopped:
					return
				case <-pause.C:
					s.start(f, lost)
				}
			}
		})
	}
	s.stop = sync.OnceFunc(func() { close(stopped); running.Wait() })
	f.t.Cleanup(s.stop)
	return s
}

func (s *starters) start(f *fixture, lost *lost) {
	l := &login{f: f, n: f.logins.Add(1)}
	d := l.device()
	req, err := http.NewRequest(http.MethodPost, d.API+"/oauth/device/code", strings.NewReader(`{"client_id":"difyctl","device_label":"`+d.Label+`"}`))
	if err != nil {
		lost.add("a start: %v", err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	sent := time.Now()
	resp, err := d.HTTP.Do(req)
	if err != nil {
		lost.add("a start without an answer: %v", err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if took := int64(time.Since(sent)); took > s.slowest.Load() {
		s.slowest.Store(took)
	}
	switch {
	case err != nil:
		lost.add("a start whose answer breaks off: %v", err)
	case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		s.refused.Add(1)
	case resp.StatusCode != http.StatusOK:
		lost.add("a start that is refused with %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	default:
		if err := json.Unmarshal(body, &l.codes); err != nil {
			lost.add("a start: %v", err)
		}
		s.mu.Lock()
		s.started = append(s.started, l)
		s.mu.Unlock()
	}
}

// answered are the logins that were begun by now.
func (s *starters) answered() []*login {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.started[:len(s.started):len(s.started)]
}

// more waits until so many more logins have begun.
func (s *starters) more(f *fixture, n int) {
	f.t.Helper()
	before := len(s.answered())
	systemtest.Within(f.t, time.Minute, "devices begin logins", func() bool { return len(s.answered()) >= before+n })
}

// allWait checks that each login is known and waits for a person.
func allWait(all []*login, lost *lost) {
	for _, l := range all {
		if err := l.poll(context.Background(), "authorization_pending"); err != nil {
			lost.add("a login that was begun: %v", err)
		}
	}
}

// stages are logins, each at another stage.
type stages struct{ begun, approved, done *login }

func (f *fixture) stages() (s stages) {
	f.t.Helper()
	var errs [4]error
	s.begun, errs[0] = f.start(f.t.Context())
	s.approved, errs[1] = f.start(f.t.Context())
	errs[2] = s.approved.approve(f.t.Context())
	s.done, errs[3] = f.logIn(f.t.Context())
	for _, err := range errs {
		if err != nil {
			f.t.Fatal(err)
		}
	}
	return s
}

// goOn brings each of them to its end.
func (s stages) goOn(lost *lost) {
	ctx := context.Background()
	if err := s.done.works(ctx); err != nil {
		lost.add("a token: %v", err)
	}
	if err := s.approved.poll(ctx, ""); err != nil {
		lost.add("an approved login: %v", err)
	} else if err := s.approved.works(ctx); err != nil {
		lost.add("the token of an approved login: %v", err)
	}
	if err := s.begun.finish(ctx); err != nil {
		lost.add("a login that was begun: %v", err)
	}
}
