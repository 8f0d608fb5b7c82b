package saml

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// Broker is a [ports.Broker] for SAML connections.
type Broker struct {
	cfg       Config
	keys      ports.KeyStore
	reader    *Reader
	refresher Refresher // nil: this process fetches for itself
	now       ports.Clock
	log       *slog.Logger
	served    atomic.Pointer[served]

	reload sync.Mutex                         // one Reload or Adopt at a time
	kept   map[string]connection.CopySnapshot // by connection, also of those that are not served yet
	logged logged

	reloaded chan struct{} // has room for one; Run looks at the connections then
	large    chan struct{} // has room for the large responses that are read at the same time
}

// served are the connections as they are now.
type served struct {
	connections connection.Directory
	sources     map[string]*source // by slug
}

// New reads the configured metadata documents. Its error lists everything that
// is wrong with the configuration. Metadata at URLs is fetched by [Broker.Run]
// and when a sign-in needs it; a failed fetch stops nothing here.
func New(cfg Config, keys ports.KeyStore, connections connection.Directory, clock ports.Clock, log *slog.Logger, options ...Option) (*Broker, error) {
	err := cfg.Check()
	cfg.EntityID = cfg.SPEntityID()
	if cfg.KeyWait == 0 {
		cfg.KeyWait = defaultKeyWait
	}
	b := &Broker{cfg: cfg, keys: keys, reader: NewReader(clock).Traced(cfg.Tracer), now: clock, log: log, kept: map[string]connection.CopySnapshot{}, reloaded: make(chan struct{}, 1), large: make(chan struct{}, largeAtOnce)}
	for _, o := range options {
		o(b)
	}
	if err := errors.Join(err, b.Reload(connections)); err != nil {
		return nil, err
	}
	return b, nil
}

// Reload serves other connections from now on, all of them or, if its error
// lists anything that is wrong, none. A connection whose metadata has the same
// address as before keeps what was fetched.
func (b *Broker) Reload(connections connection.Directory) error {
	b.reload.Lock()
	defer b.reload.Unlock()
	before := b.served.Load()
	next := &served{connections: connections, sources: map[string]*source{}}
	var errs []error
	for _, via := range connections.All() {
		if via.Settings().Broker != connection.SAML {
			continue
		}
		s, err := newSource(via, b)
		if err != nil {
			errs = append(errs, fmt.Errorf("connection %s: %w", via.Slug(), err))
			continue
		}
		if before != nil && before.sources[via.Slug()] != nil {
			if err := s.sameEntity(before.sources[via.Slug()]); err != nil {
				errs = append(errs, fmt.Errorf("connection %s: %w", via.Slug(), err))
				continue
			}
			s.inherit(before.sources[via.Slug()])
		}
		if err := s.adopt(b.kept[via.Slug()]); err != nil {
			b.log.Error("metadata that is kept cannot be used", "connection", via.Slug(), "error", err)
		}
		next.sources[via.Slug()] = s
	}
	if err := errors.Join(append(errs, next.entities().Check(connections))...); err != nil {
		return err
	}
	b.served.Store(next)
	if before == nil {
		return nil
	}
	select {
	case b.reloaded <- struct{}{}:
	default: // Run has yet to look at the reload before, and looks at both
	}
	return nil
}

// entities are the entityIDs that [CheckTogether] compares.
func (s *served) entities() connection.Entities {
	all := connection.Entities{}
	for slug, of := range s.sources {
		all[slug] = configured(of.via, of.idp)
	}
	return all
}

// ReplaceMetadata reads another document for a connection whose metadata is
// one. If it cannot be used, the last one stays, and the error is one of
// [Broker.Warnings]. It returns [connection.ErrUnknown].
func (b *Broker) ReplaceMetadata(slug string, document []byte) error {
	s, ok := b.served.Load().sources[slug]
	if !ok || s.policy.MetadataURL != "" {
		return connection.ErrUnknown
	}
	return s.replace(document)
}

// Adopt takes up the copies of metadata that are kept for all replicas. One of a
// connection, or of a source, that is not served is used when it is.
func (b *Broker) Adopt(kept []connection.CopySnapshot) error {
	b.reload.Lock()
	defer b.reload.Unlock()
	var errs []error
	sources := b.served.Load().sources
	for _, one := range kept {
		b.kept[one.Connection] = one
		if s, ok := sources[one.Connection]; ok {
			errs = append(errs, s.adopt(one))
		}
	}
	return errors.Join(errs...)
}

// EntityID is that of the service provider.
func (b *Broker) EntityID() string { return b.cfg.EntityID }

func (b *Broker) acs(m connection.Mount) string { return b.cfg.PublicURL + m.ACSPath() }

// Begin implements [ports.Broker].
func (b *Broker) Begin(ctx context.Context, via connection.Connection, signIn approval.SignInRequest) (redirect ports.Redirect, err error) {
	ctx, span := b.cfg.Tracer.Within(ctx, "saml begin", trace.SpanKindInternal)
	if !span.IsZero() {
		defer func() { describe(span, via, err) }()
	}
	return b.begin(ctx, via, signIn)
}

// describe ends the span of a step of a sign-in.
func describe(span tracing.Span, via connection.Connection, err error) {
	span.Set("devicegate.connection", via.Slug())
	var refusal *approval.Refusal
	switch {
	case errors.As(err, &refusal):
		span.Fail(refusal.Reason)
	case err != nil:
		span.Fail("internal_error")
	}
	span.End()
}

func (b *Broker) begin(ctx context.Context, via connection.Connection, signIn approval.SignInRequest) (ports.Redirect, error) {
	cannot := func(reason, expected string, err error) (ports.Redirect, error) {
		return ports.Redirect{}, approval.RefuseAs(ports.ErrInitiateFailed, reason, expected, sanitized(err.Error()))
	}
	s, ok := b.served.Load().sources[via.Slug()]
	if !ok {
		return cannot("no_metadata", "metadata of the connection", errors.New("none"))
	}
	to, err := s.current()
	if err != nil {
		_ = s.refresh(ctx, beginGap) // current says why there is none
		if to, err = s.current(); err != nil {
			return cannot(unusable(err), "metadata that can be used", err)
		}
	}
	redirect, err := b.redirect(ctx, signIn, to, via, s.policy)
	if err != nil {
		return cannot("internal_error", "an AuthnRequest", err)
	}
	return redirect, nil
}

// unusable is the reason that belongs to an error of [source.current].
func unusable(err error) string {
	var ended expiredError
	switch {
	case errors.As(err, &ended):
		return "metadata_expired"
	case errors.Is(err, errNotFetched):
		return "metadata_not_fetched"
	}
	return "metadata_unavailable"
}

// Verify implements [ports.Broker].
func (b *Broker) Verify(ctx context.Context, via connection.Connection, what ports.Response) (assertion approval.VerifiedAssertion, err error) {
	ctx, span := b.cfg.Tracer.Within(ctx, "saml verify", trace.SpanKindInternal)
	if !span.IsZero() {
		span.Set("devicegate.mount", string(what.ReceivedOn))
		defer func() { describe(span, via, err) }()
	}
	return b.verify(ctx, via, what)
}

func (b *Broker) verify(ctx context.Context, via connection.Connection, what ports.Response) (assertion approval.VerifiedAssertion, err error) {
	defer func() {
		if p := recover(); p != nil {
			b.log.Error("saml verification panicked", "connection", via.Slug(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			assertion, err = approval.VerifiedAssertion{}, refuse("internal_error", "", "a panic")
		}
	}()
	s, ok := b.served.Load().sources[via.Slug()]
	if !ok {
		return approval.VerifiedAssertion{}, refuse("no_metadata", "metadata of the connection", "none")
	}
	from, err := s.current()
	if err != nil {
		return approval.VerifiedAssertion{}, refuse("no_metadata", "metadata that can be used", err.Error())
	}
	assertion, err = b.accept(ctx, new(checks), via, what, from, s.policy)
	missed, ok := keyMayBeNew(err)
	if !ok {
		return assertion, err
	}
	// The identity provider may have changed its key since the last fetch.
	wait, cancel := context.WithTimeout(ctx, b.cfg.KeyWait)
	defer cancel()
	note := s.refresh(wait, unknownGap)
	again, err := s.current()
	if err != nil {
		return assertion, noted(missed, errors.Join(note, err).Error())
	}
	if again != from {
		assertion, err = b.accept(ctx, new(checks), via, what, again, s.policy)
		if missed, ok = keyMayBeNew(err); !ok {
			return assertion, err
		}
		note = nil
	}
	if note == nil {
		note = errors.New("the metadata fetched just now has no such key either")
	}
	return assertion, noted(missed, note.Error())
}

// defaultKeyWait is long enough for a slow server's metadata, and ends before people
// give up or a proxy does. Only a response that would be refused waits, and only
// while a fetch is under way: there is one a minute at most.
const defaultKeyWait = 5 * time.Second

func keyMayBeNew(err error) (*approval.Refusal, bool) {
	var r *approval.Refusal
	return r, errors.As(err, &r) && (r.Reason == "unknown_key" || r.Reason == "signature_invalid")
}

// noted adds what operators need to know to a refusal.
func noted(r *approval.Refusal, note string) *approval.Refusal {
	return approval.Refuse(r.Reason, r.Expected, r.Received+"; "+sanitized(note))
}

// accept runs the steps of the package comment in their order.
func (b *Broker) accept(ctx context.Context, c *checks, via connection.Connection, what ports.Response, from *idp, policy policy) (approval.VerifiedAssertion, error) {
	done, err := b.admit(ctx, what.Raw)
	if err != nil {
		return approval.VerifiedAssertion{}, err
	}
	defer done()
	got, err := b.read(ctx, c, what, from, policy.consent())
	if err != nil {
		return approval.VerifiedAssertion{}, err
	}
	until := validate(c, got, expectation{
		moment: what.At, skew: b.cfg.ClockSkew, requestedAt: what.RequestedAt, requestID: what.RequestID, on: what.ReceivedOn, acs: b.acs,
		entityID: b.cfg.EntityID, issuer: from.entityID, policy: policy,
	})
	if got.assertion == nil || c.done() {
		return approval.VerifiedAssertion{}, c.err
	}
	subject := subject(c, got.assertion, via)
	if c.err != nil {
		return approval.VerifiedAssertion{}, c.err
	}
	return approval.VerifiedAssertion{
		Subject: subject, ID: got.assertion.id, ExpiresAt: until, SignedInAt: got.assertion.signedInAt(), IssuedAt: got.assertion.issuedAt,
	}, nil
}

// read takes the message out of a response: what was signed, and nothing else.
func (b *Broker) read(ctx context.Context, c *checks, what ports.Response, from *idp, consent xmlsec.Consent) (message, error) {
	root, err := readDocument(what.Raw)
	if err := c.step("document", "base64 of XML without a DTD, within bounds", sizeOf(what.Raw), err); err != nil {
		return message{}, err
	}
	found, err := locate(root)
	if err := c.step("structure", "one Status, at most one assertion, every ID once", "as expected", err); err != nil {
		return message{}, err
	}
	ours, err := b.keys.Keys(ctx)
	if err != nil {
		return message{}, c.step("decryption", nil, nil, refuse("internal_error", "our key pairs", sanitized(err.Error())))
	}
	var inside opened
	keys := ours.Decrypting()
	if found.encrypted != nil {
		inside, err = decrypt(found, keys, consent)
		if err := c.step("decryption", "an assertion encrypted to one of our certificates", "an assertion that our key opens", err); err != nil {
			return message{}, err
		}
	}
	signed, err := verify(c, found, inside, from.keys, consent)
	if err != nil {
		return message{}, err
	}
	got, err := decode(signed, found.encrypted != nil, func(n *xmltree.Node, local string) (*xmltree.Node, error) {
		return decryptInside(n, local, keys, consent)
	})
	if err := c.step("elements", "what SAML puts there, and nothing else", "as expected", err); err != nil {
		return message{}, err
	}
	if c.trace != nil {
		c.trace.Verified = factsOf(got)
	}
	return got, nil
}

func sizeOf(raw string) func() string {
	return func() string { return fmt.Sprintf("%d characters", len(raw)) }
}
