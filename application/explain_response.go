package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/explain"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// ErrWhichConnection says that a response does not tell which connection it is for.
var ErrWhichConnection = fault.New(fault.Invalid, "which_connection",
	"No connection, or more than one, has the issuer of this response. Say which connection it is for.")

// ExplainResponse tells an administrator why a response of an identity provider was
// refused, or would be. It changes nothing, and keeps an event of a look at what is
// personal in a response that is kept.
type ExplainResponse struct {
	store       ports.Store
	connections ports.Connections
	explainer   ports.Explainer
	now         ports.Clock
}

// NewExplainResponse makes the use case.
func NewExplainResponse(store ports.Store, connections ports.Connections, explainer ports.Explainer, now ports.Clock) *ExplainResponse {
	return &ExplainResponse{store, connections, explainer, now}
}

// ToExplain is a response, or the reference of one that was refused.
type ToExplain struct {
	Reference  string    // of a response that is kept; or:
	Response   string    // the SAMLResponse field
	PostedTo   string    // where the browser posted it; empty: not known
	Connection string    // slug; empty: that of the issuer
	At         time.Time // when it came; zero: when it was issued
	Reveal     bool      // personal values are shown
	By         audit.Actor
}

// Explained is the explanation of one response.
type Explained struct {
	Connection string
	Product    acsmove.Product
	Claim      explain.Claim // not verified
	At         time.Time
	Mount      connection.Mount
	Assumed    []string // what is not known of a response that is not kept
	Was        string   // the reason for which a kept response was refused
	Verdict    string   // the reason of the refusal; empty: it would be accepted
	Trace      explain.Trace
	Causes     []string
}

// Execute returns [explain.ErrNotKept], [connection.ErrNotListed],
// [ErrWhichConnection], or an [*approval.Refusal] for what is no response.
func (uc *ExplainResponse) Execute(ctx context.Context, in ToExplain) (out Explained, err error) {
	response := ports.Response{Raw: in.Response}
	if in.Reference != "" {
		if response, err = uc.kept(ctx, &in, &out); err != nil {
			return out, err
		}
	}
	claim, unread := uc.explainer.Peek(response.Raw)
	out.Claim = claim
	via, err := uc.choose(ctx, in.Connection, claim)
	if err != nil {
		return out, errors.Join(unread, err)
	}
	if in.Reference == "" {
		response = uc.assume(in, claim, &out)
	}
	out.Connection, out.At, out.Mount = via.Slug(), response.At, response.ReceivedOn
	out.Product = acsmove.Recognise(append(uc.explainer.Hints(via), claim.Issuer)...)
	trace, refused := uc.explainer.Explain(ctx, via, response)
	var why *approval.Refusal
	switch {
	case errors.As(refused, &why):
		out.Verdict = why.Reason
	case refused != nil:
		out.Verdict = "internal_error"
	case out.Was == replayed: // which the store knows, not the verifier
		out.Verdict = replayed
		trace.Checks = append(trace.Checks, explain.Check{Name: "first use", Outcome: explain.Failed, Reason: replayed, Received: "an assertion that was accepted before"})
	}
	if out.Was != "" && out.Was != out.Verdict {
		out.Assumed = append(out.Assumed, "it was refused for "+out.Was+" when it came: the metadata, our keys or the settings have changed since")
	}
	out.Causes = trace.Causes(explain.Situation{Via: via, Product: out.Product, Claim: claim, At: response.At, RequestedAt: response.RequestedAt})
	if !in.Reveal {
		out.Trace = trace.Redacted()
		return out, nil
	}
	if in.Reference != "" {
		if err := uc.recordLook(ctx, in, via.Slug()); err != nil {
			return Explained{}, err
		}
	}
	out.Trace = trace
	return out, nil
}

// recordLook keeps the event that an administrator is shown what is personal in a
// response that is kept.
func (uc *ExplainResponse) recordLook(ctx context.Context, in ToExplain, slug string) error {
	look := audit.New(audit.ResponseRevealed, in.By, uc.now(), request.Origin{})
	look.Connection, look.Detail = slug, in.Reference
	err := uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error { return tx.Audit().Record(ctx, look) })
	if err != nil {
		return fmt.Errorf("record that the response is revealed: %w", err)
	}
	return nil
}

// kept finds the response of a reference.
func (uc *ExplainResponse) kept(ctx context.Context, in *ToExplain, out *Explained) (response ports.Response, err error) {
	var kept explain.Kept
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		kept, err = r.RefusedResponses().ByReference(ctx, in.Reference)
		return err
	})
	if err != nil {
		return response, err
	}
	if kept.ReceivedAt.Before(explain.DeletableBefore(uc.now())) {
		return response, explain.ErrNotKept
	}
	in.Reference = kept.Reference
	if in.Connection == "" {
		in.Connection = kept.Connection
	}
	out.Was = kept.Reason
	at := kept.ReceivedAt
	if !in.At.IsZero() {
		at = in.At
	}
	return ports.Response{Raw: kept.Response, RequestID: kept.RequestID, RequestedAt: kept.RequestedAt, ReceivedOn: kept.Mount, At: at}, nil
}

// choose is the connection that is named, or the one of the issuer.
func (uc *ExplainResponse) choose(ctx context.Context, slug string, claim explain.Claim) (connection.Connection, error) {
	all, err := uc.connections.Connections(ctx)
	if err != nil {
		return connection.Connection{}, fmt.Errorf("list connections: %w", err)
	}
	if slug != "" {
		via, err := all.Find(slug)
		if err != nil {
			return via, connection.ErrNotListed
		}
		return via, nil
	}
	saml := slices.DeleteFunc(all.All(), func(c connection.Connection) bool { return c.Settings().Broker != connection.SAML })
	ofIssuer := slices.DeleteFunc(slices.Clone(saml), func(c connection.Connection) bool {
		return claim.Issuer == "" || !slices.Contains(uc.explainer.Hints(c), claim.Issuer)
	})
	switch {
	case len(ofIssuer) == 1:
		return ofIssuer[0], nil
	case len(saml) == 1:
		return saml[0], nil
	}
	return connection.Connection{}, ErrWhichConnection
}

// assume completes a response of which only the text is known, and notes what was
// not compared with anything.
func (uc *ExplainResponse) assume(in ToExplain, claim explain.Claim, out *Explained) ports.Response {
	response := ports.Response{Raw: in.Response, RequestID: claim.RequestID, RequestedAt: claim.IssuedAt, At: in.At}
	note := func(text string) { out.Assumed = append(out.Assumed, text) }
	note("it answers the request that its InResponseTo names: that request is not known here")
	if response.At.IsZero() {
		if response.At = claim.IssuedAt; response.At.IsZero() {
			response.At = uc.now()
		}
		note("it came when it was issued: say with --at when it came, to have the clocks compared")
	}
	if response.RequestedAt.IsZero() {
		response.RequestedAt = response.At
	}
	address, from := in.PostedTo, ""
	if address == "" {
		address, from = claim.Destination, "its Destination or Recipient"
	}
	switch {
	case strings.HasSuffix(address, connection.Canonical.ACSPath()):
		response.ReceivedOn = connection.Canonical
	case strings.HasSuffix(address, connection.Legacy.ACSPath()):
		response.ReceivedOn = connection.Legacy
	default:
		response.ReceivedOn, from = connection.Canonical, "nothing that tells"
	}
	if from != "" {
		note("it was posted to the " + string(response.ReceivedOn) + " callback, by " + from)
	}
	return response
}
