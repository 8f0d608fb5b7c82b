package approval_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/token"
)

var (
	begun  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	person = request.Origin{ID: "r-1", IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "Firefox"}
	keys   = approval.NewCSRFKeys([]byte("the active key of the tests, long"), []byte("the key before"))
)

const second = time.Second

func subject(t testing.TB, address string) identity.Subject {
	t.Helper()
	e, err := identity.ParseEmail(address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := identity.NewSubject(e, "https://idp.acme.example", "x")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func acme(t testing.TB) connection.Connection {
	t.Helper()
	c, err := connection.New(connection.Settings{Slug: "acme", Domains: []string{"acme.example"}, ACSMount: connection.Legacy})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func authorization() *device.Authorization {
	difyctl := client.Must(client.Settings{ID: "difyctl", Name: "Dify CLI"})
	a, _, _ := device.Start(difyctl, device.ParseLabel("laptop", difyctl), scope.Set{}, device.StandardTiming, begun, person)
	return a
}

// fixture is an SSO transaction with the values that its parties hold.
type fixture struct {
	transaction *approval.Transaction
	signIn      approval.SignInRequest
	device      *device.Authorization
	browser     approval.BrowserBinding
	ticket      approval.Ticket
}

func begin(t testing.TB, a *device.Authorization) *fixture {
	t.Helper()
	browser := approval.BrowserBinding{}.OrNew()
	tr, d, _, err := approval.Begin(a, approval.Beginning{Via: acme(t), Mount: connection.Canonical, Browser: browser}, begun, person)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{transaction: tr, signIn: d, device: a, browser: browser}
}

func accepted(t testing.TB, a *device.Authorization) *fixture {
	t.Helper()
	tr := begin(t, a)
	var err error
	tr.ticket, _, err = tr.transaction.AcceptAssertion(approval.VerifiedAssertion{Subject: subject(t, "alice@acme.example"), ID: "a-1"}, acme(t), connection.Legacy, begun.Add(10*second), person)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// spend spends a grant on an approval that no policy forbids.
func spend(gs approval.Grants, csrf approval.CSRF, keys approval.CSRFKeys, code device.UserCode, at time.Time) (*approval.Grant, error) {
	g, _, err := gs.Spend(approval.Approve, approval.Proof{CSRF: csrf}, keys, approval.Terms{}, code, at)
	return g, err
}

// decide decides about a.
func decide(t testing.TB, a *device.Authorization, verdict approval.Verdict, at time.Time) *device.Authorization {
	t.Helper()
	g := granted(t, a, "bob@acme.example", approval.NewGrantSession(), at)
	_, proof, err := approval.Grants{g}.Spend(verdict, approval.Proof{CSRF: keys.Token(g)}, keys, approval.Terms{}, a.Snapshot().UserCode, at)
	if err == nil && verdict == approval.Approve {
		_, err = a.Approve(proof, token.Lifetime(time.Hour), person)
	} else if err == nil {
		_, err = a.Deny(proof, "", person)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// granted is a grant for a device, made at the given time.
func granted(t testing.TB, a *device.Authorization, address string, session approval.GrantSession, at time.Time) *approval.Grant {
	t.Helper()
	browser := approval.BrowserBinding{}.OrNew()
	tr, _, _, err := approval.Begin(a, approval.Beginning{Via: acme(t), Mount: connection.Canonical, Browser: browser}, at, person)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := tr.AcceptAssertion(approval.VerifiedAssertion{Subject: subject(t, address), ID: "a"}, acme(t), connection.Canonical, at, person); err != nil {
		t.Fatal(err)
	}
	g, _, err := tr.Complete(a, browser, session, at, person)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
