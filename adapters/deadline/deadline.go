// Package deadline bounds how long a call to a store takes, at less cost than a
// timer for each call: calls that begin at about the same time share one.
package deadline

import (
	"context"
	"sync/atomic"
	"time"
)

// Limit is how long calls may take. Its zero value allows them nothing; make one
// with [NewLimit].
type Limit struct {
	after   time.Duration
	current atomic.Pointer[shared]
}

// shared is the end of all calls that begin before it is replaced.
type shared struct {
	end      context.Context
	replaced time.Time
}

// shares is the part of a limit that a call may last longer because it shares
// its timer with calls that began later.
const shares = 16

// NewLimit allows calls the given time, and up to a sixteenth more.
func NewLimit(after time.Duration) *Limit { return &Limit{after: after} }

// Context returns a context that ends after the limit, or with ctx. Call cancel
// when the call is over. A ctx that can end by itself gets a timer of its own.
func (l *Limit) Context(ctx context.Context) (limited context.Context, cancel context.CancelFunc) {
	if ctx.Done() != nil {
		return context.WithTimeout(ctx, l.after)
	}
	return &call{l.end(), ctx}, func() {}
}

// end is the context whose end the next call shares.
func (l *Limit) end() context.Context {
	now := time.Now()
	if s := l.current.Load(); s != nil && now.Before(s.replaced) {
		return s.end
	}
	slack := l.after / shares
	// The calls need it until it ends by itself.
	end, cancel := context.WithDeadline(context.Background(), now.Add(l.after+slack))
	context.AfterFunc(end, cancel)
	l.current.Store(&shared{end, now.Add(slack)})
	return end
}

// call has the end of one context and the values of another, which never ends.
type call struct {
	context.Context
	values context.Context
}

// Value also finds what package context looks for in the context that ends.
func (c *call) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.values.Value(key)
}

// Split returns a context of [Limit.Context] as its values, in a context that
// never ends, and the time at which it would: for connections that have a
// deadline of their own. It reports false for every other context.
func Split(ctx context.Context) (values context.Context, end time.Time, ok bool) {
	c, ok := ctx.(*call)
	if !ok {
		return ctx, time.Time{}, false
	}
	end, _ = c.Deadline()
	return c.values, end, true
}
