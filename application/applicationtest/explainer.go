package applicationtest

import (
	"context"
	"errors"
	"strings"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/explain"
	"github.com/devicegate/devicegate/ports"
)

// Explain implements [ports.Explainer]: there is one check.
func (b *Broker) Explain(ctx context.Context, via connection.Connection, what ports.Response) (explain.Trace, error) {
	assertion, err := b.Verify(ctx, via, what)
	check := explain.Check{Name: "words", Outcome: explain.Passed, Received: what.RequestID}
	var refused *approval.Refusal
	if errors.As(err, &refused) {
		check.Outcome, check.Reason = explain.Failed, refused.Reason
	}
	return explain.Trace{Checks: []explain.Check{check}, Verified: explain.Verified{NameID: assertion.Subject.NameID()}}, err
}

// Peek implements [ports.Explainer].
func (b *Broker) Peek(raw string) (explain.Claim, error) {
	if strings.TrimSpace(raw) == "" {
		return explain.Claim{}, approval.Refuse("not_words", "words", "none")
	}
	return explain.Claim{Issuer: b.Claim(raw).Issuer}, nil
}

// Hints implements [ports.Explainer].
func (b *Broker) Hints(via connection.Connection) []string { return []string{Issuer(via.Slug())} }

// VerifyWith implements [ports.TrialVerifier]: an email_attribute of "never" finds no
// address.
func (b *Broker) VerifyWith(ctx context.Context, via connection.Connection, _ connection.Metadata, what ports.Response) (approval.VerifiedAssertion, error) {
	if via.Settings().EmailAttribute == "never" {
		return approval.VerifiedAssertion{}, approval.Refuse("email_missing", "an address", "none")
	}
	return b.Verify(ctx, via, what)
}
