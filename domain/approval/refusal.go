package approval

import "github.com/devicegate/devicegate/domain/fault"

// Refusal says why a response from an identity provider was not accepted, for
// the log and the auditor. To the browser it is [ErrInvalidAssertion] (or the
// refusal it wraps), nothing more.
type Refusal struct {
	Reason   string // one word in snake case per kind of failure
	Expected string // never a secret, never the whole message
	Received string
	as       error
}

// Refuse makes a refusal that is [ErrInvalidAssertion] to the browser.
func Refuse(reason, expected, received string) *Refusal {
	return &Refusal{reason, expected, received, ErrInvalidAssertion}
}

// RefuseAs makes a refusal that is another fault to the browser.
func RefuseAs(as error, reason, expected, received string) *Refusal {
	return &Refusal{reason, expected, received, as}
}

// ResponseMissing refuses a message without a SAMLResponse, in the words that the
// browser is told. Received is what came in its place.
func ResponseMissing(message, received string) *Refusal {
	return RefuseAs(fault.InvalidRequest(message), "response_missing", "a SAMLResponse by HTTP-POST", received)
}

// Detail is what was expected and received, for people.
func (r *Refusal) Detail() string {
	switch {
	case r.Expected == "" && r.Received == "":
		return ""
	case r.Expected == "":
		return "received " + r.Received
	}
	return "expected " + r.Expected + ", received " + r.Received
}

func (r *Refusal) Error() string {
	if d := r.Detail(); d != "" {
		return r.Reason + ": " + d
	}
	return r.Reason
}

// Unwrap is what the browser is told.
func (r *Refusal) Unwrap() error { return r.as }
