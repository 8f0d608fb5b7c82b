package approval_test

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

func TestBeginForAPendingAuthorization(t *testing.T) {
	a := authorization()
	tr := begin(t, a)
	s, d := tr.transaction.Snapshot(), a.Snapshot()
	want := approval.TransactionSnapshot{
		ID: s.ID, RelayState: tr.signIn.RelayState.Digest(), Purpose: approval.ApproveDevice, Authorization: d.ID, UserCode: d.UserCode, Connection: "acme",
		Mount: connection.Canonical, ACS: connection.Legacy, RequestID: tr.signIn.RequestID, Browser: tr.browser.Digest(),
		BegunAt: begun, ExpiresAt: begun.Add(15 * time.Minute),
	}
	if s != want || s.ID.IsZero() {
		t.Errorf("got\n%+v, want\n%+v", s, want)
	}
	if dep := tr.signIn; dep.UserCode != d.UserCode || dep.ACS != connection.Legacy || !dep.IssuedAt.Equal(begun) || !dep.ExpiresAt.Equal(begun.Add(900*second)) {
		t.Errorf("got the sign-in %+v, want the code, the mount and 15 minutes", dep)
	}
}

// Cases S19, S21 and S50: RelayState is short, opaque and its own escaped form;
// request IDs are NCNames; neither comes twice.
func TestRelayStateAndRequestIDAreOpaqueAndUnique(t *testing.T) {
	ncname := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	seen := map[string]bool{}
	a := authorization()
	for range 1000 {
		d := begin(t, a).signIn
		relay := d.RelayState.Reveal()
		if len(relay) > 80 || url.QueryEscape(relay) != relay || len(relay) < 32 {
			t.Fatalf("got the RelayState %q, want 32 to 80 characters that need no escape", relay)
		}
		if !ncname.MatchString(d.RequestID) {
			t.Fatalf("got the request ID %q, want an NCName", d.RequestID)
		}
		if seen[relay] || seen[d.RequestID] {
			t.Fatal("got one that came before, want each once")
		}
		seen[relay], seen[d.RequestID] = true, true
	}
}

func TestBeginRefusesADecidedOrExpiredAuthorization(t *testing.T) {
	for what, c := range map[string]struct {
		a  *device.Authorization
		at time.Time
	}{
		"decided": {decide(t, authorization(), approval.Deny, begun), begun},
		"expired": {authorization(), begun.Add(15 * time.Minute)},
	} {
		tr, _, _, err := approval.Begin(c.a, approval.Beginning{Via: acme(t), Mount: connection.Canonical, Browser: approval.BrowserBinding{}.OrNew()}, c.at, person)
		if !errors.Is(err, device.ErrInvalidUserCode) || tr != nil {
			t.Errorf("%s: got %v, want %v", what, err, device.ErrInvalidUserCode)
		}
	}
}

// TestTransactionStateMatrix is the matrix of every state against every move, at the times
// that matter.
func TestTransactionStateMatrix(t *testing.T) {
	soon := begun.Add(10 * second) // when the states below were reached
	completed := func(t *testing.T) *fixture {
		tr := accepted(t, authorization())
		if _, _, err := tr.transaction.Complete(tr.device, tr.browser, approval.NewGrantSession(), soon, person); err != nil {
			t.Fatal(err)
		}
		return tr
	}
	states := map[string]func(t *testing.T) *fixture{
		"begun":     func(t *testing.T) *fixture { return begin(t, authorization()) },
		"accepted":  func(t *testing.T) *fixture { return accepted(t, authorization()) },
		"completed": completed,
	}
	for _, c := range []struct {
		state, move string
		at          time.Time
		want        error
	}{
		{"begun", "AcceptAssertion", soon, nil},
		{"begun", "AcceptAssertion", begun.Add(15*time.Minute - 1), nil},
		{"begun", "AcceptAssertion", begun.Add(15 * time.Minute), approval.ErrTransactionOver},
		{"begun", "Complete", soon, approval.ErrTransactionOver},
		{"accepted", "AcceptAssertion", soon, approval.ErrTransactionOver},
		{"accepted", "AcceptAssertion", begun.Add(time.Hour), approval.ErrTransactionOver},
		{"accepted", "Complete", soon, nil},
		{"accepted", "Complete", soon.Add(60*second - 1), nil},
		{"accepted", "Complete", soon.Add(60 * second), approval.ErrTransactionOver},
		{"completed", "AcceptAssertion", soon, approval.ErrTransactionOver},
		{"completed", "Complete", soon, approval.ErrTransactionOver},
		{"completed", "Complete", soon.Add(time.Hour), approval.ErrTransactionOver},
	} {
		t.Run(fmt.Sprintf("%s, %s after %s", c.state, c.move, c.at.Sub(begun)), func(t *testing.T) {
			tr := states[c.state](t)
			before := tr.transaction.Snapshot()
			var err error
			switch c.move {
			case "AcceptAssertion":
				_, _, err = tr.transaction.AcceptAssertion(approval.VerifiedAssertion{Subject: subject(t, "alice@acme.example"), ID: "a-2"}, acme(t), connection.Canonical, c.at, person)
			case "Complete":
				_, _, err = tr.transaction.Complete(tr.device, tr.browser, approval.NewGrantSession(), c.at, person)
			}
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			after := tr.transaction.Snapshot()
			if err != nil && after != before {
				t.Errorf("got after a refused move\n%+v, want what was before:\n%+v", after, before)
			}
			if back, err := approval.RestoreTransaction(after); err != nil || back.Snapshot() != after {
				t.Errorf("got %v, want what came out restored", err)
			}
			if awaits := tr.transaction.AwaitsResponse(c.at) == nil; awaits && (c.state != "begun" || c.move == "AcceptAssertion") {
				t.Error("got a transaction that awaits another response, want none")
			}
		})
	}
}

func TestAcceptAssertionKeepsSubjectAndMount(t *testing.T) {
	tr := accepted(t, authorization())
	s := tr.transaction.Snapshot()
	if s.Subject != subject(t, "alice@acme.example") || s.AcceptedOn != connection.Legacy || s.Ticket != tr.ticket.Digest() ||
		!s.TicketExpiresAt.Equal(begun.Add(70*second)) || !s.CompletedAt.IsZero() {
		t.Errorf("got %+v, want alice accepted on the legacy mount, with a ticket", s)
	}
}

func TestAnAssertionThatDoesNotMatchTheTransactionIsRefused(t *testing.T) {
	other := authorization().Snapshot().UserCode
	for what, c := range map[string]struct {
		said approval.VerifiedAssertion
		want error
	}{
		"without a subject":       {approval.VerifiedAssertion{ID: "a"}, approval.ErrInvalidAssertion},
		"about another code":      {approval.VerifiedAssertion{ID: "a", Subject: subject(t, "alice@acme.example"), UserCode: other}, approval.ErrInvalidAssertion},
		"about a foreign address": {approval.VerifiedAssertion{ID: "a", Subject: subject(t, "mallory@elsewhere.example")}, connection.ErrForeignDomain},
	} {
		tr := begin(t, authorization())
		before := tr.transaction.Snapshot()
		ticket, _, err := tr.transaction.AcceptAssertion(c.said, acme(t), connection.Canonical, begun, person)
		if !errors.Is(err, c.want) || !ticket.IsZero() || tr.transaction.Snapshot() != before {
			t.Errorf("%s: got %v, %v, want %v and no change", what, err, tr.transaction.Snapshot(), c.want)
		}
		// A refused response burns nothing (D5): a good one is still accepted.
		good := approval.VerifiedAssertion{ID: "b", Subject: subject(t, "alice@acme.example"), UserCode: tr.device.Snapshot().UserCode}
		if _, _, err := tr.transaction.AcceptAssertion(good, acme(t), connection.Canonical, begun, person); err != nil {
			t.Errorf("%s, then a good one: got %v, want it accepted", what, err)
		}
	}
}

// D5: only the browser that began the transaction can complete it.
func TestCompleteDemandsTheBrowserBinding(t *testing.T) {
	tr := accepted(t, authorization())
	before := tr.transaction.Snapshot()
	for what, browser := range map[string]approval.BrowserBinding{
		"none":          {},
		"another":       approval.BrowserBinding{}.OrNew(),
		"a forged one":  approval.ParseBrowserBinding("x"),
		"one of no key": approval.ParseBrowserBinding(""),
	} {
		g, _, err := tr.transaction.Complete(tr.device, browser, approval.NewGrantSession(), begun.Add(20*second), person)
		if !errors.Is(err, approval.ErrOtherBrowser) || g != nil || tr.transaction.Snapshot() != before {
			t.Errorf("%s: got %v, want %v and no change", what, err, approval.ErrOtherBrowser)
		}
	}
	again := approval.ParseBrowserBinding(tr.browser.Reveal())
	if _, _, err := tr.transaction.Complete(tr.device, again, approval.NewGrantSession(), begun.Add(20*second), person); err != nil {
		t.Errorf("its own, from the cookie: got %v, want it completed", err)
	}
}

func TestBrowserBindingIsReusedByLaterTransactions(t *testing.T) {
	b := approval.BrowserBinding{}.OrNew()
	if b.IsZero() || !b.OrNew().Equal(b.Text) || !approval.ParseBrowserBinding(b.Reveal()).Equal(b.Text) {
		t.Error("got another binding for the same browser, want its own")
	}
	if approval.BrowserBinding.OrNew(approval.BrowserBinding{}).Equal(b.Text) {
		t.Error("got one binding for two browsers, want two")
	}
	for _, text := range []string{"", "x", b.Reveal() + "x", b.Reveal()[1:], b.Reveal()[1:] + "\n", " " + b.Reveal()[1:], b.Reveal()[1:] + "="} {
		if !approval.ParseBrowserBinding(text).IsZero() {
			t.Errorf("got a binding of %q, want none", text)
		}
	}
}

func TestCompleteRefusesADecidedOrExpiredAuthorization(t *testing.T) {
	a := authorization()
	tr := accepted(t, a)
	decide(t, a, approval.Approve, begun)
	before := tr.transaction.Snapshot()
	if g, _, err := tr.transaction.Complete(a, tr.browser, approval.NewGrantSession(), begun.Add(20*second), person); !errors.Is(err, device.ErrNotPending) || g != nil || tr.transaction.Snapshot() != before {
		t.Errorf("got %v, %v, want %v and no change", g, err, device.ErrNotPending)
	}
}

func TestCompleteGrantsFiveMinutes(t *testing.T) {
	tr := accepted(t, authorization())
	session, at := approval.NewGrantSession(), begun.Add(20*second)
	g, completed, err := tr.transaction.Complete(tr.device, tr.browser, session, at, person)
	if err != nil {
		t.Fatal(err)
	}
	s, d := g.Snapshot(), tr.device.Snapshot()
	want := approval.GrantSnapshot{
		ID: s.ID, Session: session.Digest(), Purpose: approval.ApproveDevice, Authorization: d.ID, UserCode: d.UserCode, Subject: subject(t, "alice@acme.example"),
		Connection: "acme", SignedInFrom: person.IP, GrantedAt: at, ExpiresAt: at.Add(300 * second),
	}
	if s != want || s.ID.IsZero() || !g.Live(at) || !g.Live(at.Add(300*second-1)) || g.Live(at.Add(300*second)) {
		t.Errorf("got %+v, want %+v, live for five minutes", s, want)
	}
	if completed.Kind != audit.LoginCompleted || completed.Connection != "acme" || completed.Mount != "legacy" || completed.Subject != want.Subject ||
		completed.ClientID != "difyctl" || completed.DeviceLabel != "laptop" || completed.Origin != person {
		t.Errorf("got the event %+v, want alice's sign-in completed on the legacy mount", completed)
	}
	if d.Status != device.Pending {
		t.Errorf("got %s, want it still pending", d.Status)
	}
}

func TestLoginFailedEvent(t *testing.T) {
	e := approval.LoginFailed("acme", "audience_mismatch", "expected a, received b", connection.Legacy, begun, person)
	if e.Kind != audit.LoginFailed || e.Reason != "audience_mismatch" || e.Detail != "expected a, received b" || e.Connection != "acme" ||
		e.Mount != "legacy" || !e.Subject.IsZero() {
		t.Errorf("got %+v, want a failed sign-in at acme with its reason", e)
	}
}

func TestARefusalTellsOperatorsMoreThanBrowsers(t *testing.T) {
	for _, c := range []struct {
		r      *approval.Refusal
		text   string
		detail string
		as     error
	}{
		{approval.Refuse("unknown_key", "", ""), "unknown_key", "", approval.ErrInvalidAssertion},
		{approval.Refuse("unknown_key", "", "x"), "unknown_key: received x", "received x", approval.ErrInvalidAssertion},
		{approval.Refuse("audience_mismatch", "a", "b"), "audience_mismatch: expected a, received b", "expected a, received b", approval.ErrInvalidAssertion},
		{approval.RefuseAs(approval.ErrDeniedByIdP, "denied", "", ""), "denied", "", approval.ErrDeniedByIdP},
	} {
		if c.r.Error() != c.text || c.r.Detail() != c.detail || !errors.Is(c.r, c.as) {
			t.Errorf("got %v, %q, want %s, %q", c.r, c.r.Detail(), c.text, c.detail)
		}
	}
	for err, page := range map[interface{ PageCode() string }]string{
		approval.ErrOtherBrowser: "browser_mismatch", approval.ErrTransactionOver: "sso_expired", approval.ErrReplayed: "sso_replayed",
	} {
		if err.PageCode() != page {
			t.Errorf("%v: got %s on the page, want %s", err, err.PageCode(), page)
		}
	}
}

// F12: the log and the audit name no user code on a mismatch.
func TestAUserCodeMismatchNamesNoCode(t *testing.T) {
	tr, other := begin(t, authorization()), authorization().Snapshot().UserCode
	_, _, err := tr.transaction.AcceptAssertion(approval.VerifiedAssertion{ID: "a", Subject: subject(t, "alice@acme.example"), UserCode: other}, acme(t), connection.Canonical, begun, person)
	var refusal *approval.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != "user_code_mismatch" {
		t.Fatalf("got %v, want user_code_mismatch", err)
	}
	for _, code := range []device.UserCode{other, tr.device.Snapshot().UserCode} {
		if strings.Contains(refusal.Error(), code.String()) {
			t.Errorf("got %q, want it without the user code %s", refusal.Error(), code)
		}
	}
}

// F08: an assertion counts only for the connection that the sign-in began with.
func TestAnAssertionOfAnotherConnectionIsRefused(t *testing.T) {
	tr := begin(t, authorization())
	other, err := connection.New(connection.Settings{Slug: "other", Domains: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	before := tr.transaction.Snapshot()
	_, _, err = tr.transaction.AcceptAssertion(approval.VerifiedAssertion{ID: "a", Subject: subject(t, "alice@acme.example")}, other, connection.Canonical, begun, person)
	var refusal *approval.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != "connection_mismatch" || !errors.Is(err, approval.ErrInvalidAssertion) || tr.transaction.Snapshot() != before {
		t.Errorf("got %v, want connection_mismatch and no change", err)
	}
}

// F08: a sign-in is completed with the authorization that it began for.
func TestASignInIsCompletedWithItsOwnAuthorizationOnly(t *testing.T) {
	tr := accepted(t, authorization())
	before := tr.transaction.Snapshot()
	if g, _, err := tr.transaction.Complete(authorization(), tr.browser, approval.NewGrantSession(), begun.Add(20*second), person); err == nil || g != nil || tr.transaction.Snapshot() != before {
		t.Errorf("got %v, %v, want an error and no change", g, err)
	}
}

func TestAnImpossibleTransactionIsNotRestored(t *testing.T) {
	for what, spoil := range map[string]func(*approval.TransactionSnapshot){
		"without an id":              func(s *approval.TransactionSnapshot) { s.ID = uid.ID{} },
		"without a relay state":      func(s *approval.TransactionSnapshot) { s.RelayState = secret.Digest{} },
		"for an unknown purpose":     func(s *approval.TransactionSnapshot) { s.Purpose = "" },
		"a device to manage devices": func(s *approval.TransactionSnapshot) { s.Purpose = approval.ManageDevices },
		"without a browser":          func(s *approval.TransactionSnapshot) { s.Browser = secret.Digest{} },
		"without a user code":        func(s *approval.TransactionSnapshot) { s.UserCode = device.UserCode{} },
		"without a connection":       func(s *approval.TransactionSnapshot) { s.Connection = "" },
		"begun on no mount":          func(s *approval.TransactionSnapshot) { s.Mount = "" },
		"with an unknown ACS":        func(s *approval.TransactionSnapshot) { s.ACS = "other" },
		"accepted on no mount":       func(s *approval.TransactionSnapshot) { s.AcceptedOn = "" },
		"without a request ID":       func(s *approval.TransactionSnapshot) { s.RequestID = "" },
		"without a beginning":        func(s *approval.TransactionSnapshot) { s.BegunAt = time.Time{} },
		"without an end":             func(s *approval.TransactionSnapshot) { s.ExpiresAt = time.Time{} },
		"a ticket without an end":    func(s *approval.TransactionSnapshot) { s.TicketExpiresAt = time.Time{} },
		"a ticket without a subject": func(s *approval.TransactionSnapshot) { s.Subject = identity.Subject{} },
		"accepted, no ticket":        func(s *approval.TransactionSnapshot) { s.Ticket = secret.Digest{} },
		"completed, no assertion accepted": func(s *approval.TransactionSnapshot) {
			s.Subject, s.Ticket, s.CompletedAt = identity.Subject{}, secret.Digest{}, begun
		},
	} {
		s := accepted(t, authorization()).transaction.Snapshot()
		if _, err := approval.RestoreTransaction(s); err != nil {
			t.Fatal(err)
		}
		spoil(&s)
		if tr, err := approval.RestoreTransaction(s); err == nil || tr != nil {
			t.Errorf("%s: got %+v, want an error", what, tr)
		}
	}
}
