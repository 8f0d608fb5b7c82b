package porttest

import (
	"context"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/ports"
)

// licences are the statuses a licence may have, and whether SSO is licensed.
var licences = map[string]bool{
	"active": true, "expiring": true,
	"none": false, "inactive": false, "expired": false, "lost": false, "": false, "Active": false, " active": false,
}

// Edition tests a [ports.Edition]. Open returns one whose licence has the given
// status; it is called once for each subtest.
func Edition(t *testing.T, open func(t *testing.T, status string) ports.Edition) {
	for status, want := range licences {
		t.Run("licence "+status, func(t *testing.T) {
			err := open(t, status).SSO(t.Context())
			if (err == nil) != want {
				t.Fatalf("got %v, want licensed %v", err, want)
			}
			if err != nil && !strings.Contains(err.Error(), `"`+status+`"`) {
				t.Errorf("got %q, want the status %q in it", err, status)
			}
		})
	}
}

// EditionWithSource is an adapter that asks a source, and what a test must be
// able to do with the source.
type EditionWithSource struct {
	ports.Edition
	License func(status string) // the source answers with this status
	Fail    func()              // the source answers with an error
	Hang    func()              // the source does not answer until the test ends
	Refresh func()              // asks the source, and waits for its answer
}

// EditionBySource tests a [ports.Edition] that asks a source. Open returns one
// that has asked nothing yet; it is called once for each subtest.
func EditionBySource(t *testing.T, open func(t *testing.T) EditionWithSource) {
	licensed := func(t *testing.T, e EditionWithSource, want bool) {
		t.Helper()
		if err := e.SSO(t.Context()); (err == nil) != want {
			t.Fatalf("got %v, want licensed %v", err, want)
		}
	}
	Edition(t, func(t *testing.T, status string) ports.Edition {
		e := open(t)
		e.License(status)
		return e
	})
	t.Run("what is not known is not licensed", func(t *testing.T) {
		e := open(t)
		e.Fail()
		licensed(t, e, false)
		e.Refresh()
		licensed(t, e, false)
		e.License("active")
		e.Refresh()
		licensed(t, e, true)
	})
	t.Run("a new answer replaces the last one", func(t *testing.T) {
		e := open(t)
		for status, want := range licences {
			e.License(status)
			e.Refresh()
			licensed(t, e, want)
		}
	})
	t.Run("the last answer holds while the source fails", func(t *testing.T) {
		for status, want := range licences {
			e := open(t)
			e.License(status)
			e.Refresh()
			e.Fail()
			e.Refresh()
			licensed(t, e, want)
		}
	})
	t.Run("a source that does not answer holds no request up", func(t *testing.T) {
		e := open(t)
		e.License("active")
		licensed(t, e, true)
		e.Hang()
		go e.Refresh()
		licensed(t, e, true) // or the test does not end
	})
	t.Run("a request that ends before the first answer is not licensed", func(t *testing.T) {
		e := open(t)
		e.Hang()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := e.SSO(ctx); err == nil {
			t.Error("got licensed, want an error")
		}
	})
}
