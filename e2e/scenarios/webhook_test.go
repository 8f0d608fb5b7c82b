package scenarios

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// receiver is a webhook that fails, of each kind of failure once in a while, before
// it takes an event.
type receiver struct {
	*httptest.Server
	elsewhere *httptest.Server // to which it redirects
	followed  atomic.Int64
	hold      chan struct{} // while it is open, nothing is answered after the first halt events
	halt      int

	mu     sync.Mutex
	tried  map[string]int
	taken  []delivered // in the order in which they came, each once
	again  int         // deliveries of what was taken
	failed map[string]int
}

// delivered is an event as a webhook gets it.
type delivered struct {
	ID    string `json:"id"`
	Time  string `json:"time"`
	Email string `json:"subject_email"`
	Login string `json:"authorization_id"`
}

// stream names the events that come in order: those of a person, else of a login.
func (d delivered) stream() string {
	if d.Email != "" {
		return d.Email
	}
	return d.Login
}

// failures are what a receiver does instead of taking an event. After "no answer to
// what was taken" it has the event nevertheless.
var failures = []string{"500", "redirect", "429", "half an answer", "no answer to what was taken", "hang"}

func newReceiver(t *testing.T, halt int) *receiver {
	r := &receiver{tried: map[string]int{}, failed: map[string]int{}, hold: make(chan struct{}), halt: halt}
	r.elsewhere = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { r.followed.Add(1) }))
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(r.receive))
	t.Cleanup(r.elsewhere.Close)
	return r
}

func (r *receiver) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var message struct{ Data delivered }
	if err == nil {
		err = json.Unmarshal(body, &message)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	how, wait := r.decide(message.Data)
	if wait {
		select {
		case <-r.hold:
		case <-req.Context().Done():
			return
		}
	}
	switch how {
	case "":
		w.WriteHeader(http.StatusNoContent)
	case "10 MB":
		_, _ = w.Write(bytes.Repeat([]byte("x"), 10<<20))
	case "500":
		w.WriteHeader(http.StatusInternalServerError)
	case "redirect":
		http.Redirect(w, req, r.elsewhere.URL, http.StatusPermanentRedirect)
	case "429":
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case "hang":
		<-req.Context().Done()
	default:
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			if how == "half an answer" {
				_, _ = conn.Write([]byte("HTTP/1.1 200 O"))
			}
			_ = conn.Close()
		}
	}
}

// decide says how a delivery fails; "" and "10 MB" are successes.
func (r *receiver) decide(e delivered) (how string, wait bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried[e.ID]++
	n := len(r.tried)
	wait = len(r.taken) >= r.halt
	if r.tried[e.ID] == 1 && n%4 == 0 {
		how = failures[n/4%len(failures)]
		r.failed[how]++
		if how != "no answer to what was taken" {
			return how, wait
		}
	}
	if wait {
		return how, wait // it is counted when it comes again
	}
	for _, before := range r.taken {
		if before.ID == e.ID {
			r.again++
			return how, false
		}
	}
	if r.taken = append(r.taken, e); how == "" && n%50 == 1 {
		how = "10 MB"
		r.failed[how]++
	}
	return how, false
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.taken)
}

// goOn takes everything from now on.
func (r *receiver) goOn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.halt = 1 << 30
	close(r.hold)
}

// Audit events are delivered to a webhook that is not there at first, then fails in
// every way, and whose worker is killed in the middle. Each event arrives, those of
// a person in order.
func TestAuditEventsReachAWebhookThatFailsInEveryWay(t *testing.T) {
	t.Parallel()
	f, _ := newReplica(t, services.Postgres(t), "")
	r := newReceiver(t, either(200, 20))
	db := f.db()
	exec := func(statement string) {
		t.Helper()
		if _, err := db.NewRaw(statement).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	number := func(query string) (n int) {
		t.Helper()
		if err := db.NewRaw(query).Scan(t.Context(), &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	f.Env["AUDIT_WEBHOOK_URL"], f.Env["AUDIT_WEBHOOK_PRIVATE"] = "http://"+r.Listener.Addr().String(), "true"
	f.Env["AUDIT_WEBHOOK_SECRET"] = "whsec_ZGV2aWNlZ2F0ZSBzY2VuYXJpbyBzZWNyZXQgMTIzNDU2"
	worker := f.Run(nil, "worker")
	systemtest.Within(t, time.Minute, "the receiver is known", func() bool { return number("SELECT count(*) FROM audit_progress WHERE after_time IS NOT NULL") == 1 })

	var lost lost
	people := f.people(either(4, 2), &lost)
	people.more(f, either[int64](100, 6))
	people.stop()
	if *long {
		systemtest.Within(t, 2*time.Minute, "the events have settled", func() bool {
			return number("SELECT count(*) FROM audit_events WHERE time > now() - interval '1 minute'") == 0
		})
	} else {
		exec("UPDATE audit_events SET time = time - interval '2 minutes'")
	}
	// The receiver gets what happened before it was known, too.
	exec("UPDATE audit_progress SET after_time = after_time - interval '1 hour'")
	began := time.Now()
	systemtest.Within(t, 2*time.Minute, "deliveries fail while nothing answers", func() bool { return number("SELECT failures FROM audit_progress") > 0 })

	r.Start()
	t.Cleanup(r.Close)
	// The pauses after failures are not waited for.
	impatient := func(what string, is func() bool) {
		t.Helper()
		systemtest.Within(t, 10*time.Minute, what, func() bool {
			exec("UPDATE audit_parked SET next_at = now() WHERE next_at > now()")
			exec("UPDATE audit_progress SET next_at = NULL WHERE next_at IS NOT NULL")
			return is()
		})
	}
	impatient("some events are taken", func() bool { return r.count() >= r.halt })
	worker.Kill()
	before := r.count()
	r.goOn()
	if !*long { // nor for the end of the lease of a worker that was killed
		exec("UPDATE audit_progress SET lease_until = now() WHERE lease_until > now()")
	}
	second := f.Run(nil, "worker")
	all := number("SELECT count(*) FROM audit_events")
	impatient("all events are taken", func() bool { return r.count() >= all && number("SELECT count(*) FROM audit_parked") == 0 })
	took := time.Since(began)
	second.Stop()

	r.mu.Lock()
	defer r.mu.Unlock()
	var trail []string
	if err := db.NewRaw("SELECT id::text FROM audit_events").Scan(t.Context(), &trail); err != nil {
		t.Fatal(err)
	}
	for _, id := range trail {
		if r.tried[id] == 0 {
			lost.add("an event that was not delivered")
		}
	}
	last := map[string]delivered{}
	for _, e := range r.taken {
		if l := last[e.stream()]; l.Time+l.ID > e.Time+e.ID {
			lost.add("an event that came before an earlier one of the same person")
		}
		last[e.stream()] = e
	}
	if n := r.followed.Load(); n != 0 {
		lost.add("redirects that were followed: %d", n)
	}
	lost.outcome(t, "%d events of %d persons and logins in %s, %d of them when the worker was killed; failures %v; %d deliveries came twice",
		len(r.taken), len(last), took.Round(time.Second), before, r.failed, r.again)
}
