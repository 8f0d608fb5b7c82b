package approval_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

var wrongCSRF = approval.ParseCSRF("wrong")

// Contract §3: cookie 401, CSRF 403, no grant for this code 400, spent grant
// 401, in this order: each refusal hides those behind it.
func TestTheRefusalsOfADecisionComeInTheContractsOrder(t *testing.T) {
	a, b := authorization(), authorization()
	codeA, codeB := a.Snapshot().UserCode, b.Snapshot().UserCode
	unknown := device.NewUserCode()
	late := begun.Add(300 * second)

	spent := func(t *testing.T) approval.Grants {
		g := granted(t, a, "alice@acme.example", approval.NewGrantSession(), begun)
		gs := approval.Grants{g}
		if _, err := spend(gs, keys.Token(g), keys, codeA, begun); err != nil {
			t.Fatal(err)
		}
		return gs
	}
	live := func(t *testing.T) approval.Grants {
		return approval.Grants{granted(t, a, "alice@acme.example", approval.NewGrantSession(), begun)}
	}
	none := func(*testing.T) approval.Grants { return nil }
	right := func(gs approval.Grants) approval.CSRF { return keys.Token(gs[0]) }
	wrong := func(approval.Grants) approval.CSRF { return wrongCSRF }
	empty := func(approval.Grants) approval.CSRF { return approval.CSRF{} }

	for _, c := range []struct {
		what   string
		grants func(*testing.T) approval.Grants
		csrf   func(approval.Grants) approval.CSRF
		code   device.UserCode
		at     time.Time
		want   error
	}{
		{"all is well", live, right, codeA, begun, nil},
		{"in the last moment", live, right, codeA, late.Add(-1), nil},
		{"no grant, and all else wrong", none, wrong, unknown, begun, approval.ErrInvalidSession},
		{"no grant, no token", none, empty, codeA, begun, approval.ErrInvalidSession},
		{"expired, and all else right", live, right, codeA, late, approval.ErrInvalidSession},
		{"expired, and all else wrong", live, wrong, codeB, late, approval.ErrInvalidSession},
		{"spent and expired", spent, right, codeA, late, approval.ErrInvalidSession},
		{"a wrong token", live, wrong, codeA, begun, approval.ErrCSRF},
		{"no token", live, empty, codeA, begun, approval.ErrCSRF},
		{"a wrong token for another code", live, wrong, codeB, begun, approval.ErrCSRF},
		{"a wrong token for a spent grant", spent, wrong, codeA, begun, approval.ErrCSRF},
		{"another code", live, right, codeB, begun, approval.ErrUserCodeMismatch},
		{"no code", live, right, device.UserCode{}, begun, approval.ErrUserCodeMismatch},
		{"another code for a spent grant", spent, right, codeB, begun, approval.ErrUserCodeMismatch},
		{"spent", spent, right, codeA, begun, approval.ErrConsumed},
	} {
		t.Run(c.what, func(t *testing.T) {
			gs := c.grants(t)
			before := snapshots(gs)
			g, err := spend(gs, c.csrf(gs), keys, c.code, c.at)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			switch after := snapshots(gs); {
			case err != nil && (g != nil || !equal(before, after)):
				t.Errorf("got %+v after a refusal, want the grants unchanged", after)
			case err == nil && (!g.Snapshot().SpentAt.Equal(c.at) || g.Live(c.at)):
				t.Errorf("got %+v, want it spent at %s", g.Snapshot(), c.at)
			}
		})
	}
}

func snapshots(gs approval.Grants) []approval.GrantSnapshot {
	var all []approval.GrantSnapshot
	for _, g := range gs {
		all = append(all, g.Snapshot())
	}
	return all
}

func equal(a, b []approval.GrantSnapshot) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Case T18: a proof works once.
func TestAProofWorksOnce(t *testing.T) {
	a := authorization()
	g := granted(t, a, "alice@acme.example", approval.NewGrantSession(), begun)
	gs, code := approval.Grants{g}, a.Snapshot().UserCode
	csrf := keys.Token(g)
	if _, err := spend(gs, csrf, keys, code, begun); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := spend(gs, csrf, keys, code, begun.Add(second)); !errors.Is(err, approval.ErrConsumed) {
			t.Errorf("again: got %v, want %v", err, approval.ErrConsumed)
		}
	}
	if gs.AnyLive(begun) {
		t.Error("got a live grant, want none")
	}
	if _, err := gs.Select(code, begun); !errors.Is(err, approval.ErrNoSession) {
		t.Errorf("got %v for a spent grant, want %v", err, approval.ErrNoSession)
	}
}

// Case S17, as far as grants go: two tabs do not disturb each other.
func TestTwoTabsDecideEachForItsOwnCode(t *testing.T) {
	a, b := authorization(), authorization()
	session := approval.NewGrantSession()
	ga := granted(t, a, "alice@acme.example", session, begun)
	gb := granted(t, b, "bob@acme.example", session, begun.Add(second))
	gs := approval.Grants{ga, gb}
	codeA, codeB := a.Snapshot().UserCode, b.Snapshot().UserCode
	now := begun.Add(2 * second)

	for code, want := range map[device.UserCode]*approval.Grant{codeA: ga, codeB: gb, {}: gb} {
		if g, err := gs.Select(code, now); err != nil || g != want {
			t.Errorf("got another grant for %v (%v), want its own", code, err)
		}
	}
	if decider, err := gs.Subject(codeA, now); err != nil || decider != subject(t, "alice@acme.example") {
		t.Errorf("got %v, %v, want alice to decide about the first", decider, err)
	}
	first, err := spend(gs, keys.Token(ga), keys, codeA, now)
	if err != nil || first != ga || !gs.AnyLive(now) {
		t.Fatalf("the first tab: got %v, want its own grant spent and the other left", err)
	}
	if g, err := gs.Select(device.UserCode{}, now); err != nil || g != gb {
		t.Errorf("the second tab: got %v, want it still described", err)
	}
	second, err := spend(gs, keys.Token(gb), keys, codeB, now)
	if err != nil || second != gb || gs.AnyLive(now) {
		t.Errorf("the second tab: got %v, want its own grant spent and none left", err)
	}
}

func TestTheLatestGrantForACodeCounts(t *testing.T) {
	a := authorization()
	session := approval.NewGrantSession()
	older := granted(t, a, "alice@acme.example", session, begun)
	newer := granted(t, a, "bob@acme.example", session, begun.Add(time.Minute))
	gs, code, now := approval.Grants{older, newer}, a.Snapshot().UserCode, begun.Add(2*time.Minute)
	if g, err := gs.Select(code, now); err != nil || g != newer {
		t.Errorf("described: got %v, want the newer one", err)
	}
	if decider, err := gs.Subject(code, now); err != nil || decider != newer.Snapshot().Subject {
		t.Errorf("got %v, %v, want the newer one's person to decide", decider, err)
	}
	if g, err := spend(gs, keys.Token(newer), keys, code, now); err != nil || g != newer {
		t.Errorf("spent: got %v, want the newer one", err)
	}
	if _, err := spend(gs, keys.Token(newer), keys, code, now); !errors.Is(err, approval.ErrConsumed) {
		t.Errorf("and the older one after it: got %v, want %v", err, approval.ErrConsumed)
	}
	if _, err := spend(gs, keys.Token(older), keys, code, now); !errors.Is(err, approval.ErrCSRF) {
		t.Errorf("from the older page: got %v, want %v", err, approval.ErrCSRF)
	}
	if _, err := gs.Select(code, now); !errors.Is(err, approval.ErrNoSession) || gs.AnyLive(now) {
		t.Errorf("described after it: got %v, want %v", err, approval.ErrNoSession)
	}
}

func TestSubjectDemandsAnUnexpiredGrant(t *testing.T) {
	a := authorization()
	gs := approval.Grants{granted(t, a, "alice@acme.example", approval.NewGrantSession(), begun)}
	for what, c := range map[string]struct {
		gs approval.Grants
		at time.Time
	}{"no grant": {nil, begun}, "an expired one": {gs, begun.Add(300 * second)}} {
		if _, err := c.gs.Subject(a.Snapshot().UserCode, c.at); !errors.Is(err, approval.ErrInvalidSession) {
			t.Errorf("%s: got %v, want %v", what, err, approval.ErrInvalidSession)
		}
		if _, err := c.gs.Select(device.UserCode{}, c.at); !errors.Is(err, approval.ErrNoSession) {
			t.Errorf("%s, described: got %v, want %v", what, err, approval.ErrNoSession)
		}
		if c.gs.AnyLive(c.at) {
			t.Errorf("%s: got a live grant, want none", what)
		}
	}
	// The tries of the person who signed in are counted, whatever the code.
	if decider, err := gs.Subject(device.NewUserCode(), begun); err != nil || decider != subject(t, "alice@acme.example") {
		t.Errorf("got %v, %v, want alice for a code of another device", decider, err)
	}
	if _, err := gs.Select(device.NewUserCode(), begun); !errors.Is(err, approval.ErrNoSession) {
		t.Errorf("another code, described: got %v, want %v", err, approval.ErrNoSession)
	}
}

// D11: keys rotate without downtime.
func TestACSRFTokenOfThePreviousKeyIsAccepted(t *testing.T) {
	old, active := []byte("the key before the last rotation"), []byte("the key since the last rotation")
	before, after, gone := approval.NewCSRFKeys(old), approval.NewCSRFKeys(active, old), approval.NewCSRFKeys(active)
	for what, c := range map[string]struct {
		shown, asked approval.CSRFKeys
		want         error
	}{
		"shown before, sent after":           {before, after, nil},
		"shown and sent after":               {after, after, nil},
		"shown after, sent once it is gone":  {after, gone, nil},
		"shown before, sent once it is gone": {before, gone, approval.ErrCSRF},
	} {
		a := authorization()
		g := granted(t, a, "alice@acme.example", approval.NewGrantSession(), begun)
		if _, err := spend(approval.Grants{g}, c.shown.Token(g), c.asked, a.Snapshot().UserCode, begun); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", what, err, c.want)
		}
	}
}

func TestACSRFTokenIsAGrantsOwnAndCanBeAskedForAgain(t *testing.T) {
	a := authorization()
	g, other := granted(t, a, "alice@acme.example", approval.NewGrantSession(), begun), granted(t, a, "alice@acme.example", approval.NewGrantSession(), begun)
	token := keys.Token(g)
	if !token.Equal(keys.Token(g).Text) || token.Equal(keys.Token(other).Text) || token.String() != "[csrf token]" {
		t.Errorf("got %v, want a token that is the same for one grant, and another for another", token)
	}
	if _, err := spend(approval.Grants{other}, token, keys, a.Snapshot().UserCode, begun); !errors.Is(err, approval.ErrCSRF) {
		t.Errorf("another browser's token: got %v, want %v", err, approval.ErrCSRF)
	}
	rapid.Check(t, func(t *rapid.T) {
		guess := approval.ParseCSRF(rapid.String().Draw(t, "guess"))
		if _, err := spend(approval.Grants{g}, guess, keys, a.Snapshot().UserCode, begun); !errors.Is(err, approval.ErrCSRF) {
			t.Errorf("got %v for %q, want %v", err, guess.Reveal(), approval.ErrCSRF)
		}
	})
}

func TestAnImpossibleGrantIsNotRestored(t *testing.T) {
	good := granted(t, authorization(), "alice@acme.example", approval.NewGrantSession(), begun).Snapshot()
	if g, err := approval.RestoreGrant(good); err != nil || g.Snapshot() != good {
		t.Fatalf("got %v, want a good grant restored", err)
	}
	for what, spoil := range map[string]func(*approval.GrantSnapshot){
		"without an id":              func(s *approval.GrantSnapshot) { s.ID = uid.ID{} },
		"without a handle":           func(s *approval.GrantSnapshot) { s.Session = secret.Digest{} },
		"without a code":             func(s *approval.GrantSnapshot) { s.UserCode = device.UserCode{} },
		"without a subject":          func(s *approval.GrantSnapshot) { s.Subject = identity.Subject{} },
		"for an unknown purpose":     func(s *approval.GrantSnapshot) { s.Purpose = "" },
		"a code, no authorization":   func(s *approval.GrantSnapshot) { s.Authorization = uid.ID{} },
		"a device to manage devices": func(s *approval.GrantSnapshot) { s.Purpose = approval.ManageDevices },
		"a typed code without one": func(s *approval.GrantSnapshot) {
			s.Authorization, s.UserCode, s.CodeTyped = uid.ID{}, device.UserCode{}, true
		},
		"without a connection": func(s *approval.GrantSnapshot) { s.Connection = "" },
		"without a beginning":  func(s *approval.GrantSnapshot) { s.GrantedAt = time.Time{} },
		"without an end":       func(s *approval.GrantSnapshot) { s.ExpiresAt = time.Time{} },
	} {
		s := good
		spoil(&s)
		if g, err := approval.RestoreGrant(s); err == nil || g != nil {
			t.Errorf("%s: got %+v, want an error", what, g)
		}
	}
}

// Secrets come back from what a browser sends, and print as what they are.
func TestBrowserSecretsParseBackAndPrintRedacted(t *testing.T) {
	session := approval.NewGrantSession()
	if approval.ParseGrantSession(session.Reveal()).Digest() != session.Digest() || session.String() != "[grant session]" || len(session.Reveal()) != 43 {
		t.Error("got another digest for the grant session parsed, or it shown in full, want its own, redacted")
	}
	tr := accepted(t, authorization())
	if approval.ParseTicket(tr.ticket.Reveal()).Digest() != tr.transaction.Snapshot().Ticket || tr.ticket.String() != "[ticket]" {
		t.Error("got another digest for the ticket parsed, or it shown in full, want its own, redacted")
	}
	if approval.ParseRelayState(tr.signIn.RelayState.Reveal()).Digest() != tr.transaction.Snapshot().RelayState {
		t.Error("got another digest for the relay state parsed, want its own")
	}
}

// Whatever is tried in whatever order: no grant is spent twice, and only for its
// own code.
func TestNoSequenceOfDecisionsSpendsAGrantTwice(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		devices := []*device.Authorization{authorization(), authorization(), authorization()}
		session := approval.NewGrantSession()
		var gs approval.Grants
		for _, a := range devices {
			gs = append(gs, granted(t, a, "alice@acme.example", session, begun.Add(time.Duration(rapid.IntRange(0, 120).Draw(r, "granted"))*second)))
		}
		spent := map[device.UserCode]bool{}
		at := begun.Add(2 * time.Minute)
		for range rapid.IntRange(1, 10).Draw(r, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 60).Draw(r, "wait")) * second)
			i := rapid.IntRange(0, 2).Draw(r, "device")
			code, before := devices[i].Snapshot().UserCode, snapshots(gs)
			g, err := spend(gs, keys.Token(gs[rapid.IntRange(0, 2).Draw(r, "token of")]), keys, code, at)
			if err != nil {
				if !equal(before, snapshots(gs)) {
					r.Fatalf("a refused spend (%v): got %+v, want %+v unchanged", err, snapshots(gs), before)
				}
				continue
			}
			if g.Snapshot().UserCode != code || spent[code] || !at.Before(before[i].ExpiresAt) {
				r.Fatalf("got %+v spent for %v, want one unspent grant of that code that has not expired", g.Snapshot(), code)
			}
			spent[code] = true
		}
	})
}
