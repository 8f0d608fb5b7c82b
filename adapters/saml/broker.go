package saml

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// Broker is a [ports.Broker] for SAML connections.
type Broker struct {
	cfg         Config
	connections connection.Directory
	sources     map[string]*source // by slug
	now         ports.Clock
	log         *slog.Logger
	told        told
}

// Option changes how a [Broker] reaches the outside.
type Option func(*http.Client)

// Through fetches metadata through another transport than the default.
func Through(t http.RoundTripper) Option { return func(c *http.Client) { c.Transport = t } }

// New reads the configured metadata documents. Its error lists everything that
// is wrong with the configuration. Metadata at URLs is fetched by [Broker.Run]
// and when somebody wants to sign in; failing that stops nothing here.
func New(cfg Config, connections connection.Directory, clock ports.Clock, log *slog.Logger, options ...Option) (*Broker, error) {
	cfg, err := cfg.complete(connections)
	if err != nil {
		return nil, err
	}
	b := &Broker{cfg: cfg, connections: connections, sources: map[string]*source{}, now: clock, log: log}
	client := newClient()
	for _, o := range options {
		o(client)
	}
	var errs []error
	for _, via := range connections.All() {
		if via.Settings().Broker != connection.SAML {
			continue
		}
		s, err := newSource(via, cfg.Sources[via.Slug()], client, clock)
		if err != nil {
			errs = append(errs, fmt.Errorf("connection %s: %w", via.Slug(), err))
		}
		b.sources[via.Slug()] = s
	}
	return b, errors.Join(errs...)
}

// EntityID is ours.
func (b *Broker) EntityID() string { return b.cfg.EntityID }

func (b *Broker) acs(m connection.Mount) string { return b.cfg.PublicURL + m.ACSPath() }

// Begin implements [ports.Broker].
func (b *Broker) Begin(ctx context.Context, via connection.Connection, signIn approval.SignInRequest) (ports.Redirect, error) {
	s, ok := b.sources[via.Slug()]
	if !ok {
		return ports.Redirect{}, fmt.Errorf("%w: connection %s has no metadata", ports.ErrInitiateFailed, via.Slug())
	}
	to, err := s.current()
	if err != nil {
		s.refresh(ctx, beginGap)
		if to, err = s.current(); err != nil {
			return ports.Redirect{}, fmt.Errorf("%w: connection %s: %w", ports.ErrInitiateFailed, via.Slug(), err)
		}
	}
	redirect, err := b.redirect(signIn, to, via, s.policy)
	if err != nil {
		return ports.Redirect{}, fmt.Errorf("%w: connection %s: %w", ports.ErrInitiateFailed, via.Slug(), err)
	}
	return redirect, nil
}

// Verify implements [ports.Broker].
func (b *Broker) Verify(ctx context.Context, via connection.Connection, what ports.Response) (assertion approval.VerifiedAssertion, err error) {
	defer func() {
		if p := recover(); p != nil {
			b.log.Error("saml verification panicked", "connection", via.Slug(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			assertion, err = approval.VerifiedAssertion{}, refuse("internal_error", "", "a panic")
		}
	}()
	s, ok := b.sources[via.Slug()]
	if !ok {
		return approval.VerifiedAssertion{}, refuse("no_metadata", "metadata of the connection", "none")
	}
	from, err := s.current()
	if err != nil {
		return approval.VerifiedAssertion{}, refuse("no_metadata", "metadata that can be used", err.Error())
	}
	assertion, err = b.accept(via, what, from, s.policy)
	if !keyMayBeNew(err) || s.policy.MetadataURL == "" {
		return assertion, err
	}
	// The identity provider may have changed its key since we last looked.
	wait, cancel := context.WithTimeout(ctx, refreshWait)
	defer cancel()
	s.refresh(wait, unknownGap)
	again, gone := s.current()
	if gone != nil || again == from {
		return assertion, err
	}
	return b.accept(via, what, again, s.policy)
}

// refreshWait keeps an answer within a second.
const refreshWait = 500 * time.Millisecond

func keyMayBeNew(err error) bool {
	var r *approval.Refusal
	return errors.As(err, &r) && (r.Reason == "unknown_key" || r.Reason == "signature_invalid")
}

// accept takes a response through the steps in their order.
func (b *Broker) accept(via connection.Connection, what ports.Response, from *idp, policy Source) (approval.VerifiedAssertion, error) {
	root, err := guard(what.Raw)
	if err != nil {
		return approval.VerifiedAssertion{}, err
	}
	places, err := locate(root)
	if err != nil {
		return approval.VerifiedAssertion{}, err
	}
	var inside opened
	keys, consent := b.cfg.Keys.private(), policy.consent()
	if places.encrypted != nil {
		if inside, err = decrypt(places, keys, consent); err != nil {
			return approval.VerifiedAssertion{}, err
		}
	}
	proven, err := verify(places, inside, from.keys, consent)
	if err != nil {
		return approval.VerifiedAssertion{}, err
	}
	said, err := decode(proven, places.encrypted != nil, func(n *xmltree.Node, local string) (*xmltree.Node, error) {
		return decryptInside(n, local, keys, consent)
	})
	if err != nil {
		return approval.VerifiedAssertion{}, err
	}
	until, err := judge(said, expectation{
		at: what.At, skew: b.cfg.ClockSkew, requestedAt: what.RequestedAt, requestID: what.RequestID, on: what.ReceivedOn, acs: b.acs,
		entityID: b.cfg.EntityID, issuer: from.entityID, policy: policy,
	})
	if err != nil {
		return approval.VerifiedAssertion{}, err
	}
	subject, err := subject(said.assertion, via)
	if err != nil {
		return approval.VerifiedAssertion{}, err
	}
	return approval.VerifiedAssertion{Subject: subject, ID: said.assertion.id, ExpiresAt: until}, nil
}
