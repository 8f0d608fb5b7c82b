package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
)

// Refusals of a sign-in that cannot begin.
var (
	// ErrInitiateFailed says that the identity provider, or the inner API before
	// it, cannot be used now: no metadata, no answer, an error.
	ErrInitiateFailed = fault.New(fault.Upstream, "sso_initiate_failed",
		"Your identity provider cannot be reached just now. Try again in a minute, or ask your administrator.")
	// ErrInitiateMissingURL says that the inner API returned no URL.
	ErrInitiateMissingURL = fault.New(fault.Upstream, "sso_initiate_missing_url",
		"Your identity provider could not be found. Try again in a minute, or ask your administrator.")
)

// Broker sends people to an identity provider and verifies the response. It has
// no store: the use case spends one-time IDs.
type Broker interface {
	// Begin says where to send the browser. Its errors are [*approval.Refusal],
	// with a reason for each cause, and wrap [ErrInitiateFailed] or
	// [ErrInitiateMissingURL].
	Begin(ctx context.Context, via connection.Connection, signIn approval.SignInRequest) (Redirect, error)

	// Verify checks everything about a response that can be checked without a
	// store. It returns an [*approval.Refusal] for every response that it does
	// not accept, whatever is wrong with it, and never panics.
	Verify(ctx context.Context, via connection.Connection, what Response) (approval.VerifiedAssertion, error)

	// Claim reads the issuer that a response names which belongs to no sign-in. It
	// takes any text and fails for none; a zero Claim says nothing.
	Claim(raw string) Claim
}

// Claim is what a response says about itself. Nothing of it is verified: it helps
// operators to find the identity provider, and decides nothing.
type Claim struct {
	Issuer     string // safe to log
	Connection string // slug of the one connection with this issuer; "": none
}

// Brokers has one broker of each kind that this installation uses.
type Brokers map[connection.Broker]Broker

// Redirect is where the browser goes: to URL by GET or, if there are Fields, by
// posting them to URL.
type Redirect struct {
	URL    string
	Fields []Field
}

// Field is one of a form.
type Field struct{ Name, Value string }

// Response is what came back, not yet verified.
type Response struct {
	Raw         string           // SAML: the SAMLResponse field, still base64; Enterprise: the JWS
	RequestID   string           // SAML: of the transaction that the RelayState names
	RequestedAt time.Time        // SAML: when that transaction began
	ReceivedOn  connection.Mount // the mount that it was posted to
	At          time.Time
}
