// Package fault holds the expected ways of saying no.
//
// A refusal that a user, a client or an operator can cause is an [*Error],
// declared beside the rule that raises it. Whatever is not an [*Error] is a
// defect or an outage, and nothing of it is ever shown to the outside.
package fault

import "errors"

// Kind says what a transport does with a refusal.
type Kind int

// The kinds, with the HTTP status each has by default.
const (
	Internal           Kind = iota // 500: not a refusal at all
	Invalid                        // 400: the request cannot be right
	Unauthenticated                // 401: no valid credential
	Forbidden                      // 403: known, but not allowed
	NotFound                       // 404: not there, or the caller must not learn that it is
	MethodNotAllowed               // 405: the address does not answer this method
	Conflict                       // 409: too late, or another request was first
	Gone                           // 410: it was there, and is no longer
	TooLarge                       // 413: more than is read
	Unprocessable                  // 422: well-formed, but out of range
	RateLimited                    // 429: too often; try again later
	PreconditionFailed             // 412: changed since it was read
	Upstream                       // 502: a service that we depend on failed
	Unavailable                    // 503: one of our own stores does not answer; try again later
)

// Error is an expected refusal. Code is on the wire for ever; Message is one
// sentence for a person, safe to show anywhere, and says what to do next.
type Error struct {
	Kind    Kind
	Code    string
	Message string
	// Page is the code by which the browser page words this refusal, where
	// that is finer than Code; empty means Code.
	Page string

	coarser *Error // of which this one is a finer kind
}

// New declares a refusal.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// OnPage returns a finer kind of e, which the browser page words as page. To
// [errors.Is] it is e as well.
func (e *Error) OnPage(page string) *Error {
	c := *e
	c.Page, c.coarser = page, e
	return &c
}

// Saying is a finer kind of e with a sentence of its own, for other readers.
func (e *Error) Saying(message string) *Error {
	finer := *e
	finer.Message, finer.coarser = message, e
	return &finer
}

// Is reports whether target is the refusal of which e is a finer kind.
func (e *Error) Is(target error) bool {
	return e.coarser != nil && (target == error(e.coarser) || e.coarser.Is(target))
}

// PageCode is the code by which the browser page words this refusal.
func (e *Error) PageCode() string {
	if e.Page != "" {
		return e.Page
	}
	return e.Code
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Of finds the outermost refusal in err's chain.
func Of(err error) (*Error, bool) {
	if f, ok := err.(*Error); ok { // as it mostly is: errors.As costs more
		return f, true
	}
	var f *Error
	ok := errors.As(err, &f)
	return f, ok
}

// Refusals that belong to no rule in particular.
var (
	// ErrUnavailable says that a store did not answer. Nothing has changed.
	ErrUnavailable = New(Unavailable, "temporarily_unavailable",
		"The service cannot answer just now. Try again in a few seconds.")
	// ErrNotFound says that there is nothing at this address.
	ErrNotFound = New(NotFound, "not_found", "There is nothing at this address. Check how it is written.")
)

// InvalidRequest is the refusal of a request that cannot be right (RFC 6749
// §5.2); message says what to change.
func InvalidRequest(message string) *Error { return New(Invalid, "invalid_request", message) }
