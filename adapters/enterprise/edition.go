package enterprise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/devicegate/devicegate/ports"
)

// defaultLicenseGrace is how long the last answer about the licence holds while
// the inner API does not answer, unless configured.
const defaultLicenseGrace = 24 * time.Hour

const (
	refreshEvery = time.Minute
	retryAfter   = 5 * time.Second // after a failure
	// firstWait bounds how long a request waits for the very first answer.
	firstWait = 3 * time.Second
)

// StaticEdition is a [ports.Edition] by configuration: the licence's status.
type StaticEdition string

// SSO implements [ports.Edition].
func (e StaticEdition) SSO(context.Context) error { return licensed(string(e)) }

func licensed(status string) error {
	if status == "active" || status == "expiring" {
		return nil
	}
	return fmt.Errorf("the licence is %q, not active or expiring", status)
}

// Edition is a [ports.Edition] that asks the inner API in the background, see
// [Edition.Run]. Requests get the last answer. It holds for a grace time while
// the inner API fails.
type Edition struct {
	api   innerAPI
	grace time.Duration
	now   ports.Clock
	log   *slog.Logger

	start sync.Once     // of the first attempt
	tried chan struct{} // closed when the first attempt has ended

	mu         sync.Mutex
	status     string
	answeredAt time.Time // zero: never
	failure    error     // of the last attempt; nil: it succeeded
	logged     logged
}

// logged is what the log says already, so that a change is logged once.
type logged struct {
	answered bool
	status   string
	reason   string // of the failures in a row
	expired  bool   // the grace time is over
}

// NewEdition makes an edition. Its error lists everything that is wrong with
// cfg.
func NewEdition(cfg Config, now ports.Clock, log *slog.Logger) (*Edition, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	grace := cfg.LicenseGrace
	if grace == 0 {
		grace = defaultLicenseGrace
	}
	return &Edition{api: newInnerAPI(cfg), grace: grace, now: now, log: log, tried: make(chan struct{})}, nil
}

// SSO implements [ports.Edition]. Only before the first attempt has ended does
// it wait, for three seconds at most.
func (e *Edition) SSO(ctx context.Context) error {
	e.begin()
	wait, cancel := context.WithTimeout(ctx, firstWait)
	defer cancel()
	select {
	case <-e.tried:
	case <-wait.Done():
		return errors.New("the licence is not known: the inner API has not answered yet")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.answeredAt.IsZero():
		return fmt.Errorf("the licence is not known: %w", e.failure)
	case e.expired():
		return fmt.Errorf("the licence is not known, its last answer is of %s: %w", timestamp(e.answeredAt), e.failure)
	}
	return licensed(e.status)
}

func (e *Edition) expired() bool {
	return e.failure != nil && !e.now().Before(e.answeredAt.Add(e.grace))
}

// Run asks the inner API once a minute, and more often while it fails, until
// ctx ends. Every process needs it.
func (e *Edition) Run(ctx context.Context) {
	e.begin()
	for {
		timer := time.NewTimer(e.due())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			e.Refresh(ctx)
		}
	}
}

// begin starts the first attempt. It does not end with the request that needs
// it first: all requests use its answer.
func (e *Edition) begin() {
	e.start.Do(func() {
		go func() {
			defer close(e.tried)
			e.Refresh(context.Background())
		}()
	})
}

func (e *Edition) due() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failure != nil {
		return retryAfter
	}
	return refreshEvery
}

// Refresh asks the inner API now and keeps its answer, or why there is none.
func (e *Edition) Refresh(ctx context.Context) {
	status, err := e.ask(ctx)
	if ctx.Err() != nil {
		return // the process ends
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failure = err; err == nil {
		e.status, e.answeredAt = status, e.now()
	}
	e.logChange()
}

// ask returns the licence's status. An answer without a licence is one: none.
func (e *Edition) ask(ctx context.Context) (string, error) {
	answer, err := e.api.call(ctx, http.MethodGet, nil, "info")
	if err != nil {
		return "", err
	}
	var body struct{ License struct{ Status string } } // names in any case
	if err := json.Unmarshal(answer, &body); err != nil {
		return "", &failure{"inner_api_answer", "a License with a status", "JSON of another form"}
	}
	return body.License.Status, nil
}

// logChange logs each status, each kind of failure in a row, and the end of the
// grace time once.
func (e *Edition) logChange() {
	if e.failure == nil {
		if e.logged != (logged{answered: true, status: e.status}) {
			e.logged = logged{answered: true, status: e.status}
			e.logStatus()
		}
		return
	}
	known := []any{"error", e.failure.Error()}
	if e.logged.answered {
		known = append(known, "status", e.status, "answered_at", timestamp(e.answeredAt), "holds_until", timestamp(e.answeredAt.Add(e.grace)))
	}
	if reason := reasonOf(e.failure); e.logged.reason != reason {
		e.logged.reason = reason
		e.log.Warn("licence not confirmed", known...)
	}
	if e.logged.answered && !e.logged.expired && e.expired() {
		e.logged.expired = true
		e.log.Error("licence not confirmed for too long, sign-in is off", known...)
	}
}

func (e *Edition) logStatus() {
	if licensed(e.status) == nil {
		e.log.Info("licence allows sign-in", "status", e.status)
	} else {
		e.log.Warn("licence does not allow sign-in", "status", e.status)
	}
}
