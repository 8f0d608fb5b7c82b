package saml

import (
	"errors"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/explain"
)

// checks runs the checks of one response in their order and keeps the first
// refusal. In a sign-in, nothing is checked after it. Where trace is set, what can
// still be checked is, and each check is recorded: the explanation of a response
// is that of the verifier itself.
type checks struct {
	trace *explain.Trace // nil: a sign-in
	err   error          // the first refusal
}

// done reports that the first refusal has ended the checks.
func (c *checks) done() bool { return c.trace == nil && c.err != nil }

// that is a check which refuses for reason unless it holds. expected and received are
// texts, times, lists, or functions that make a text.
func (c *checks) that(name, reason string, holds bool, expected, received any) {
	switch {
	case c.done():
	case holds:
		c.record(explain.Check{Name: name, Outcome: explain.Passed}, expected, received)
	default:
		c.check(name, nil, nil, refuse(reason, shown(expected), shown(received)))
	}
}

// check is a check with a refusal of its own, or nil.
func (c *checks) check(name string, expected, received any, err error) {
	if c.done() {
		return
	}
	if err == nil {
		c.record(explain.Check{Name: name, Outcome: explain.Passed}, expected, received)
		return
	}
	if c.err == nil {
		c.err = err
	}
	failed := explain.Check{Name: name, Outcome: explain.Failed, Reason: "internal_error"}
	var r *approval.Refusal
	if errors.As(err, &r) {
		failed.Reason = r.Reason
		expected, received = r.Expected, r.Received
	}
	c.record(failed, expected, received)
}

// step is a check without which no later one can be made.
func (c *checks) step(name string, expected, received any, err error) error {
	c.check(name, expected, received, err)
	return err
}

// skipped records checks that could not be made.
func (c *checks) skipped(names ...string) {
	for _, name := range names {
		c.record(explain.Check{Name: name, Outcome: explain.Skipped}, nil, nil)
	}
}

func (c *checks) record(k explain.Check, expected, received any) {
	if c.trace == nil {
		return
	}
	k.Expected, k.Received = sanitized(shown(expected)), sanitizedTo(shown(received), 4*maxSanitized)
	c.trace.Checks = append(c.trace.Checks, k)
}

func shown(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case func() string:
		return v()
	case *string:
		if v != nil {
			return *v
		}
	case []string:
		return strings.Join(v, " ")
	case time.Time:
		if !v.IsZero() {
			return timestamp(v)
		}
	case nil:
		return ""
	}
	return "none"
}
