package porttest

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

const hour = time.Hour

// fixture makes things that no other test in the same store has.
type fixture struct {
	t      *testing.T
	now    time.Time
	issuer string
	ann    identity.Subject
	by     request.Origin
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	w := &fixture{
		t: t,
		// Not a whole millisecond: stores have to keep microseconds.
		now:    time.Date(2026, 11, 25, 23, 59, 59, 999_999_000, time.UTC),
		issuer: "https://idp.example/" + secret.Random("", 9).Reveal(),
		by:     request.Origin{ID: "req-1", IP: netip.MustParseAddr("192.0.2.7"), UserAgent: "test/1"},
	}
	w.ann = w.subject("ann@example.com", "id-of-ann")
	return w
}

func (w *fixture) email(text string) identity.Email {
	w.t.Helper()
	email, err := identity.ParseEmail(text)
	must(w.t, err)
	return email
}

func (w *fixture) subject(email, nameID string) identity.Subject {
	w.t.Helper()
	s, err := identity.NewSubject(w.email(email), w.issuer, nameID)
	must(w.t, err)
	return s
}

func (w *fixture) started() (*device.Authorization, audit.Event) {
	difyctl := client.Must(client.Settings{ID: "difyctl", Name: "Dify CLI"})
	a, _, e := device.Start(difyctl, device.ParseLabel("laptop", difyctl), scope.Set{}, device.StandardTiming, w.now, w.by)
	return a, e
}

// event has every field.
func (w *fixture) event() audit.Event {
	e := audit.New(audit.DeviceFlowStarted, audit.ClientOf("difyctl"), w.now, w.by)
	e.Subject, e.TokenID, e.ClientID, e.DeviceLabel = w.ann, uid.New(w.now), "difyctl", "laptop"
	e.Scopes, e.Connection, e.Mount = []string{"apps:run", "full"}, "acme", "legacy"
	e.AuthorizationID, e.TokenExpiresAt, e.CreationIP = uid.New(w.now), w.now.Add(hour), w.by.IP
	e.Reason, e.Detail = "audience_mismatch", "expected a, received b"
	return e
}

// added is a pending authorization that s holds.
func (w *fixture) added(s ports.Store) *device.Authorization {
	w.t.Helper()
	a, started := w.started()
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Authorizations().Add(ctx, a, started) })
	return a
}

func (w *fixture) connection() connection.Connection {
	w.t.Helper()
	c, err := connection.New(connection.Settings{Slug: "acme", Domains: []string{"example.com"}})
	must(w.t, err)
	return c
}

// begun is an SSO transaction, for an authorization, that s holds.
func (w *fixture) begun(s ports.Store, a *device.Authorization, browser approval.BrowserBinding, at time.Time) (*approval.Transaction, approval.SignInRequest) {
	w.t.Helper()
	transaction, signIn, started, err := approval.Begin(a, approval.Beginning{Via: w.connection(), Mount: connection.Legacy, Browser: browser}, at, w.by)
	must(w.t, err)
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Transactions().Add(ctx, transaction, started) })
	return transaction, signIn
}

// grant is one for an authorization.
func (w *fixture) grant(a *device.Authorization, session secret.Digest) *approval.Grant {
	w.t.Helper()
	d := a.Snapshot()
	g, err := approval.RestoreGrant(approval.GrantSnapshot{
		ID: uid.New(w.now), Session: session, Purpose: approval.ApproveDevice, Authorization: d.ID, UserCode: d.UserCode, Subject: w.ann,
		Connection: "acme", GrantedAt: w.now, ExpiresAt: w.now.Add(5 * time.Minute),
	})
	must(w.t, err)
	return g
}

// decision is the proof that ann decides about a.
func (w *fixture) decision(verdict approval.Verdict, a *device.Authorization) approval.Decision {
	w.t.Helper()
	g, keys := w.grant(a, random()), approval.NewCSRFKeys([]byte("key"))
	_, proof, err := approval.Grants{g}.Spend(verdict, approval.Proof{CSRF: keys.Token(g)}, keys, approval.Terms{}, a.Snapshot().UserCode, w.now)
	must(w.t, err)
	return proof
}

// approve approves a.
func (w *fixture) approve(a *device.Authorization) (audit.Event, error) {
	w.t.Helper()
	return a.Approve(w.decision(approval.Approve, a), token.Lifetime(hour), w.by)
}

// saved makes s hold a state of an authorization that it has.
func (w *fixture) saved(s ports.Store, state device.Snapshot) {
	w.t.Helper()
	a, err := device.Restore(state)
	must(w.t, err)
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Authorizations().Save(ctx, a, w.event()) })
}

// granted is a grant that s holds.
func (w *fixture) granted(s ports.Store, a *device.Authorization, session secret.Digest) *approval.Grant {
	w.t.Helper()
	g := w.grant(a, session)
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Grants().Add(ctx, g, w.event()) })
	return g
}

// minted is a token that s holds.
func (w *fixture) minted(s ports.Store, of token.Device, at time.Time) (*token.AccessToken, token.Secret) {
	w.t.Helper()
	issued, clear, e := token.Mint(token.Order{ID: uid.New(at), Device: of, Subject: identity.ExternalSSO, Lifetime: token.Lifetime(hour)}, at, w.by)
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Add(ctx, issued, e) })
	return issued, clear
}

func (w *fixture) device(label string) token.Device { return token.DeviceOf(w.ann, "difyctl", label) }

// longLabel is as long as a label gets, in characters of four bytes.
var longLabel = strings.Repeat("\U0001F5A5", 254) + "é"

func random() secret.Digest { return secret.Random("", 32).Digest() }

func update(t *testing.T, s ports.Store, fn func(ctx context.Context, tx ports.Tx) error) {
	t.Helper()
	must(t, s.Update(t.Context(), fn))
}

// view runs fn in a View and, under lock, in an Update.
func view(t *testing.T, s ports.Store, fn func(ctx context.Context, r ports.Reader) error) {
	t.Helper()
	must(t, s.View(t.Context(), fn))
	update(t, s, func(ctx context.Context, tx ports.Tx) error { return fn(ctx, readerOf{tx}) })
}

// readerOf is what a [ports.Tx] reads.
type readerOf struct{ tx ports.Tx }

func (r readerOf) Authorizations() ports.AuthorizationReader  { return r.tx.Authorizations() }
func (r readerOf) Transactions() ports.TransactionReader      { return r.tx.Transactions() }
func (r readerOf) Grants() ports.GrantReader                  { return r.tx.Grants() }
func (r readerOf) AuditDeliveries() ports.AuditDeliveryReader { return r.tx.AuditDeliveries() }

func (r readerOf) Tokens() ports.TokenReader           { return r.tx.Tokens() }
func (r readerOf) Connections() ports.ConnectionReader { return r.tx.Connections() }
func (r readerOf) Metadata() ports.MetadataCopyReader  { return r.tx.Metadata() }
func (r readerOf) Audit() ports.AuditReader            { return r.tx.Audit() }
func (r readerOf) AuditSeals() ports.AuditSealReader   { return r.tx.AuditSeals() }
func (r readerOf) Clients() ports.ClientReader         { return r.tx.Clients() }
func (r readerOf) Incidents() ports.IncidentReader     { return r.tx.Incidents() }
func (r readerOf) ACSLedger() ports.ACSLedgerReader    { return r.tx.ACSLedger() }
func (r readerOf) SPKeys() ports.SPKeyReader           { return r.tx.SPKeys() }

// seen makes sure that an event is kept a number of times, with every field.
func seen(t *testing.T, s ports.Store, want audit.Event, times int) {
	t.Helper()
	must(t, s.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
		seenBy(ctx, t, r.Audit(), want, times)
		return nil
	}))
}

func seenBy(ctx context.Context, t *testing.T, r ports.AuditReader, want audit.Event, times int) {
	t.Helper()
	events, err := r.Events(ctx, ports.AuditFilter{Kind: want.Kind, Since: want.At, Newest: true})
	must(t, err)
	found := 0
	for _, got := range events {
		if got.ID == want.ID {
			found++
			if !reflect.DeepEqual(got, want) {
				t.Errorf("event:\n got %+v\nwant %+v", got, want)
			}
		}
	}
	if found != times {
		t.Errorf("event %s: got it %d times, want %d", want.Kind, found, times)
	}
}

func (w *fixture) spend(s ports.Store, issuer, id string, until time.Time) error {
	w.t.Helper()
	return s.Update(w.t.Context(), func(ctx context.Context, tx ports.Tx) error {
		return tx.Transactions().SpendAssertion(ctx, issuer, id, until, w.event())
	})
}

func unknown(t *testing.T, s ports.Store, id uid.ID) {
	t.Helper()
	view(t, s, func(ctx context.Context, r ports.Reader) error {
		if _, err := r.Authorizations().ByID(ctx, id); !errors.Is(err, device.ErrUnknown) {
			t.Errorf("authorization: got %v, want device.ErrUnknown", err)
		}
		return nil
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// equal compares snapshots with ==, so that no field and no location of a time
// is forgotten.
func equal[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("what came back differs:\n got %+v\nwant %+v", got, want)
	}
}
