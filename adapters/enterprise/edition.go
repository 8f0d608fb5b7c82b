package enterprise

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/devicegate/devicegate/ports"
)

const (
	// answerLife is how long the inner API's word is taken.
	answerLife = time.Minute
	// failureLife keeps an inner API that is down from being asked for every
	// request that comes in meanwhile.
	failureLife = 5 * time.Second
)

// StaticEdition is a [ports.Edition] by configuration: the licence's status.
type StaticEdition string

// SSO reports whether the status opens sign-in through SSO.
func (e StaticEdition) SSO(context.Context) bool { return opens(string(e)) }

func opens(status string) bool { return status == "active" || status == "expiring" }

// Edition is a [ports.Edition] that asks the inner API, at most once a minute,
// and shares one question among all who wait for the answer.
type Edition struct {
	api    innerAPI
	now    ports.Clock
	flight singleflight.Group

	mu    sync.Mutex
	open  bool
	until time.Time
}

// NewEdition makes an edition. Its error lists everything that is wrong with
// cfg.
func NewEdition(cfg Config, now ports.Clock) (*Edition, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Edition{api: newInnerAPI(cfg), now: now}, nil
}

// SSO reports whether sign-in through SSO is licensed. Whoever gives up waiting
// has not been told that it is.
func (e *Edition) SSO(ctx context.Context) bool {
	if open, known := e.known(); known {
		return open
	}
	// Those who still wait shall not lose the answer with the one who leaves.
	asking := context.WithoutCancel(ctx)
	answer := e.flight.DoChan("", func() (any, error) { return e.ask(asking), nil })
	select {
	case a := <-answer:
		return a.Val.(bool)
	case <-ctx.Done():
		return false
	}
}

func (e *Edition) known() (open, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.open, e.now().Before(e.until)
}

func (e *Edition) ask(ctx context.Context) bool {
	if open, known := e.known(); known { // asked between our look and our turn
		return open
	}
	open, life := false, failureLife
	if status, ok := e.status(ctx); ok {
		open, life = opens(status), answerLife
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open, e.until = open, e.now().Add(life)
	return open
}

func (e *Edition) status(ctx context.Context) (string, bool) {
	answer, err := e.api.call(ctx, http.MethodGet, nil, "info")
	if err != nil {
		return "", false
	}
	var body struct{ License struct{ Status string } } // in any case
	if err := json.Unmarshal(answer, &body); err != nil {
		return "", false
	}
	return body.License.Status, true
}
