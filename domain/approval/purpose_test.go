package approval_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/uid"
)

// signedInWithoutDevice is the grant of a sign-in that has no authorization.
func signedInWithoutDevice(t testing.TB, purpose approval.Purpose, session approval.GrantSession, at time.Time) *approval.Grant {
	t.Helper()
	how := approval.Beginning{Via: acme(t), Mount: connection.Canonical, Browser: approval.BrowserBinding{}.OrNew()}
	begin := approval.BeginManaging
	if purpose == approval.ApproveDevice {
		begin = approval.BeginWithoutCode
	}
	tr, _, started := begin(how, at, person)
	if started.Kind != audit.LoginStarted || started.ClientID != "" || !started.AuthorizationID.IsZero() || started.Actor != audit.Anonymous {
		t.Errorf("%s: got the event %+v, want a login of an anonymous person without a device", purpose, started)
	}
	if back, err := approval.RestoreTransaction(tr.Snapshot()); err != nil || back.Snapshot() != tr.Snapshot() {
		t.Errorf("%s: got %v, want it restored", purpose, err)
	}
	if _, _, err := tr.AcceptAssertion(approval.VerifiedAssertion{Subject: subject(t, "alice@acme.example"), ID: "a"}, acme(t), connection.Canonical, at, person); err != nil {
		t.Fatal(err)
	}
	g, _, err := tr.Complete(nil, how.Browser, session, at, person)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// F10: a sign-in for managing devices has no authorization and no user code, and
// can decide nothing.
func TestAGrantForManagingDevicesDecidesNothing(t *testing.T) {
	session := approval.NewGrantSession()
	g := signedInWithoutDevice(t, approval.ManageDevices, session, begun)
	if s := g.Snapshot(); s.Purpose != approval.ManageDevices || !s.Authorization.IsZero() || !s.UserCode.IsZero() || g.NeedsCode() {
		t.Errorf("got %+v, want a grant without a device", s)
	}
	other := granted(t, authorization(), "alice@acme.example", session, begun)
	for what, gs := range map[string]approval.Grants{"alone": {g}, "beside another": {g, other}} {
		for _, code := range []device.UserCode{{}, device.NewUserCode()} {
			if _, err := spend(gs, keys.Token(g), keys, code, begun); !errors.Is(err, approval.ErrUserCodeMismatch) {
				t.Errorf("%s: got %v, want user_code_mismatch", what, err)
			}
		}
	}
	if _, err := (approval.Grants{g}).Select(device.UserCode{}, begun); !errors.Is(err, approval.ErrNoSession) {
		t.Errorf("described: got %v, want no_session", err)
	}
	if (approval.Grants{g}).AnyLive(begun) {
		t.Error("got a live grant to decide with, want none")
	}
	if _, err := g.EnterCode(authorization(), begun, person); !errors.Is(err, approval.ErrUserCodeMismatch) {
		t.Errorf("a code entered: got %v, want user_code_mismatch", err)
	}
	if latest, err := (approval.Grants{g}).Latest(begun); err != nil || latest != g {
		t.Errorf("the person: got %v, %v, want the grant", latest, err)
	}
}

// F02: when codes cannot be looked up before the sign-in, the person types the
// code afterwards.
func TestACodeCanBeEnteredAfterSigningIn(t *testing.T) {
	g := signedInWithoutDevice(t, approval.ApproveDevice, approval.NewGrantSession(), begun)
	if !g.NeedsCode() {
		t.Fatal("got a grant that needs no code, want one that does")
	}
	gone := decide(t, authorization(), approval.Deny, begun)
	before := g.Snapshot()
	if _, err := g.EnterCode(gone, begun, person); !errors.Is(err, device.ErrNotPending) || g.Snapshot() != before {
		t.Errorf("a decided one: got %v, want user_code_not_pending", err)
	}
	if _, err := g.EnterCode(authorization(), begun.Add(300*second), person); !errors.Is(err, approval.ErrUserCodeMismatch) || g.Snapshot() != before {
		t.Errorf("too late: got %v, want user_code_mismatch", err)
	}
	a := authorization()
	entered, err := g.EnterCode(a, begun, person)
	s := g.Snapshot()
	if err != nil || s.Authorization != a.Snapshot().ID || s.UserCode != a.Snapshot().UserCode || !s.CodeTyped || !s.ExpiresAt.Equal(before.ExpiresAt) {
		t.Errorf("got %+v, %v, want the authorization and its code", s, err)
	}
	if entered.Kind != audit.UserCodeEntered || entered.AuthorizationID != s.Authorization || entered.Actor != audit.PersonOf(s.Subject) {
		t.Errorf("got the event %+v, want the code entered by %s", entered, s.Subject.Email())
	}
	if _, err := g.EnterCode(authorization(), begun, person); !errors.Is(err, approval.ErrUserCodeMismatch) {
		t.Errorf("another code: got %v, want user_code_mismatch", err)
	}
	if _, err := spend(approval.Grants{g}, keys.Token(g), keys, s.UserCode, begun); err != nil {
		t.Errorf("spent: got %v, want none", err)
	}
}

// F04: a policy holds wherever a grant is spent, and never against a denial.
func TestATypedCodeCanBeRequired(t *testing.T) {
	strict := approval.Terms{Policy: policy.Must(policy.Settings{RequireTypedCode: true}).Resolve(policy.Circumstances{})}
	for _, c := range []struct {
		what      string
		codeTyped bool
		typed     func(own device.UserCode) device.UserCode
		verdict   approval.Verdict
		want      error
	}{
		{"approved, nothing typed", false, nil, approval.Approve, policy.ErrTypedCodeRequired},
		{"approved, another code typed", false, func(device.UserCode) device.UserCode { return device.NewUserCode() }, approval.Approve, policy.ErrTypedCodeRequired},
		{"approved, typed with the decision", false, func(own device.UserCode) device.UserCode { return own }, approval.Approve, nil},
		{"approved, typed before the sign-in", true, nil, approval.Approve, nil},
		{"denied, nothing typed", false, nil, approval.Deny, nil},
	} {
		a := authorization()
		g := granted(t, a, "alice@acme.example", approval.NewGrantSession(), begun)
		s := g.Snapshot()
		s.CodeTyped = c.codeTyped
		g, err := approval.RestoreGrant(s)
		if err != nil {
			t.Fatal(err)
		}
		by := approval.Proof{CSRF: keys.Token(g)}
		if c.typed != nil {
			by.Typed = c.typed(s.UserCode)
		}
		_, _, err = approval.Grants{g}.Spend(c.verdict, by, keys, strict, s.UserCode, begun)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, err, c.want)
		}
		if spent := !g.Live(begun); spent != (err == nil) {
			t.Errorf("%s: got spent %t, want %t", c.what, spent, err == nil)
		}
	}
}

// F01: the undo token is the decision's own. Moving the grant to another session
// does not matter to it.
func TestADecisionCanBeUndoneForFiveMinutes(t *testing.T) {
	a := authorization()
	g := granted(t, a, "alice@acme.example", approval.NewGrantSession(), begun)
	token := keys.UndoToken(g)
	if _, err := g.Undoable(token, keys, begun); !errors.Is(err, approval.ErrInvalidSession) {
		t.Errorf("before the decision: got %v, want invalid_session", err)
	}
	decided := begun.Add(4 * time.Minute)
	if _, err := spend(approval.Grants{g}, keys.Token(g), keys, a.Snapshot().UserCode, decided); err != nil {
		t.Fatal(err)
	}
	moved := g.Snapshot()
	moved.Session = approval.NewGrantSession().Digest()
	g, err := approval.RestoreGrant(moved)
	if err != nil {
		t.Fatal(err)
	}
	sent := approval.ParseUndoToken(token.Reveal())
	if sent.Grant() != moved.ID || sent.String() != "[undo token]" {
		t.Errorf("got a token of %s that prints as %s, want %s and redacted", sent.Grant(), sent, moved.ID)
	}
	for _, c := range []struct {
		what  string
		token approval.UndoToken
		keys  approval.CSRFKeys
		at    time.Time
		want  error
	}{
		{"at once", sent, keys, decided, nil},
		{"in the last moment", sent, keys, decided.Add(300*second - 1), nil},
		{"too late", sent, keys, decided.Add(300 * second), approval.ErrInvalidSession},
		{"with no token", approval.UndoToken{}, keys, decided, approval.ErrInvalidSession},
		{"with the CSRF token", approval.ParseUndoToken(keys.Token(g).Reveal()), keys, decided, approval.ErrInvalidSession},
		{"after a rotation", sent, approval.NewCSRFKeys([]byte("a newer key"), []byte("the active key of the tests, long")), decided, nil},
		{"after two rotations", sent, approval.NewCSRFKeys([]byte("a newer key"), []byte("a new key")), decided, approval.ErrInvalidSession},
	} {
		proof, err := g.Undoable(c.token, c.keys, c.at)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, err, c.want)
		}
		if err == nil && (proof.Authorization() != a.Snapshot().ID || !proof.Subject().Same(subject(t, "alice@acme.example")) || !proof.At().Equal(c.at)) {
			t.Errorf("%s: got %+v, want alice's, of this authorization, at %s", c.what, proof, c.at)
		}
	}
}

func TestNoOtherTextIsAnUndoToken(t *testing.T) {
	a := authorization()
	g := granted(t, a, "alice@acme.example", approval.NewGrantSession(), begun)
	if _, err := spend(approval.Grants{g}, keys.Token(g), keys, a.Snapshot().UserCode, begun); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if rapid.Bool().Draw(t, "right grant") {
			text = g.Snapshot().ID.String() + "." + text
		}
		if _, err := g.Undoable(approval.ParseUndoToken(text), keys, begun); !errors.Is(err, approval.ErrInvalidSession) {
			t.Errorf("%q: got %v, want invalid_session", text, err)
		}
	})
	for _, text := range []string{"", ".", "x.y", g.Snapshot().ID.String()[1:] + ".y"} {
		if id := approval.ParseUndoToken(text).Grant(); id != (uid.ID{}) {
			t.Errorf("got the grant %s for %q, want none", id, text)
		}
	}
}

func TestAuthenticateAcceptsASpentGrant(t *testing.T) {
	a, b := authorization(), authorization()
	session := approval.NewGrantSession()
	older := granted(t, a, "alice@acme.example", session, begun)
	newer := granted(t, b, "bob@acme.example", session, begun.Add(second))
	gs, now := approval.Grants{older, newer}, begun.Add(2*second)
	if _, err := spend(gs, keys.Token(newer), keys, b.Snapshot().UserCode, now); err != nil {
		t.Fatal(err)
	}
	if g, err := gs.Latest(now); err != nil || g != newer {
		t.Errorf("latest: got %v, %v, want the newer grant", g, err)
	}
	for _, want := range gs {
		if g, err := gs.Authenticate(keys.Token(want), keys, now); err != nil || g != want {
			t.Errorf("authenticated: got %v, %v, want %v", g, err, want)
		}
	}
	if _, err := gs.Authenticate(approval.ParseCSRF("x"), keys, now); !errors.Is(err, approval.ErrCSRF) {
		t.Errorf("without a token: got %v, want csrf_mismatch", err)
	}
	late := begun.Add(10 * time.Minute)
	if _, err := gs.Latest(late); !errors.Is(err, approval.ErrNoSession) {
		t.Errorf("too late: got %v, want no_session", err)
	}
	if _, err := gs.Authenticate(keys.Token(newer), keys, late); !errors.Is(err, approval.ErrInvalidSession) {
		t.Errorf("too late: got %v, want invalid_session", err)
	}
}
