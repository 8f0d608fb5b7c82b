package token_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

var (
	born = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	dies = born.Add(life)
	by   = request.Origin{ID: "r-1", UserAgent: "difyctl/1"}
)

const life = 14 * 24 * time.Hour

// login is the authorization for which tokens are minted.
var login = uid.New(born)

func alice(t testing.TB) identity.Subject {
	t.Helper()
	email, err := identity.ParseEmail("alice@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	s, err := identity.NewSubject(email, "https://idp.acme.example", "a-1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mint(t testing.TB) (*token.AccessToken, token.Secret) {
	t.Helper()
	tok, s, _ := token.Mint(token.Order{ID: uid.New(born), Device: token.DeviceOf(alice(t), "difyctl", "laptop"), Subject: identity.ExternalSSO, Lifetime: token.Lifetime(life)}, born, by)
	return tok, s
}

func TestATokenIsMintedForADevice(t *testing.T) {
	id := uid.New(born)
	of := token.DeviceOf(alice(t), "difyctl", "laptop")
	tok, s, minted := token.Mint(token.Order{ID: id, Authorization: login, Device: of, Subject: identity.ExternalSSO, Lifetime: token.Lifetime(life)}, born, by)
	want := token.Snapshot{ID: id, Authorization: login, Device: of, Scopes: scope.External, Prefix: "dfoe_", Digest: s.Digest(), CreatedAt: born, ExpiresAt: dies}
	if tok.Snapshot() != want {
		t.Errorf("got %+v, want %+v", tok.Snapshot(), want)
	}
	if minted.Kind != audit.TokenMinted || minted.TokenID != id || minted.ClientID != "difyctl" || minted.DeviceLabel != "laptop" ||
		!minted.Subject.Same(alice(t)) || !slices.Equal(minted.Scopes, tok.Scopes()) || minted.Origin != by || minted.AuthorizationID != login || minted.Actor != audit.ClientOf("difyctl") {
		t.Errorf("got the event %+v, want the token of alice's laptop minted", minted)
	}
	if !tok.BelongsTo(alice(t).Email(), alice(t).Issuer()) {
		t.Error("got a token of another person, want alice's")
	}
	other, err := identity.ParseEmail("bob@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	if tok.BelongsTo(other, alice(t).Issuer()) || tok.BelongsTo(alice(t).Email(), "https://other") || tok.BelongsTo(identity.Email{}, alice(t).Issuer()) {
		t.Error("got a token of another address or issuer, want alice's alone")
	}
}

// The prefix decides about the kind of subject and the scopes (contract §4).
func TestThePrefixTellsTheKindOfSubject(t *testing.T) {
	for kind, want := range map[identity.Type]struct {
		prefix string
		scopes []string
	}{
		identity.ExternalSSO: {"dfoe_", []string{"apps:run", "apps:read:permitted-external"}},
		identity.Account:     {"dfoa_", []string{"full"}},
	} {
		tok, s, _ := token.Mint(token.Order{ID: uid.New(born), Device: token.Device{}, Subject: kind, Lifetime: token.Lifetime(life)}, born, by)
		if tok.SubjectType() != kind || tok.Snapshot().Prefix != want.prefix || !slices.Equal(tok.Scopes(), want.scopes) ||
			!strings.HasPrefix(s.Reveal(), want.prefix) {
			t.Errorf("%s: got %+v, %v, want %s with %v", kind, tok.Snapshot(), tok.Scopes(), want.prefix, want.scopes)
		}
		if got, want := tok.Scope(), strings.Join(want.scopes, " "); got != want {
			t.Errorf("%s: got the scope %q, want %q", kind, got, want)
		}
		if !slices.Equal(token.ScopesOf(kind).Names(), want.scopes) {
			t.Errorf("%s: got %v, want %v", kind, token.ScopesOf(kind), want.scopes)
		}
	}
}

func TestASecretHasAPrefixAndAChecksum(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	seen := map[string]bool{}
	for range 500 {
		_, s := mint(t)
		text := s.Reveal()
		if len(text) != 5+43 || strings.Trim(text[5:], alphabet) != "" || !s.ChecksumHolds() || seen[text] || s.String() != "[token]" {
			t.Fatalf("got %q, want a prefix and 43 characters that are new", text)
		}
		seen[text] = true
		back, err := token.ParseSecret(text)
		if err != nil || back.Digest() != s.Digest() || !back.ChecksumHolds() {
			t.Fatalf("got %v for %q, want the token itself", err, text)
		}
	}
}

// A leaked-secret scanner needs the checksum to break with any character.
func TestNoSingleCharacterCanChangeUnnoticed(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	_, s := mint(t)
	text := s.Reveal()
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(5, len(text)-1).Draw(t, "at")
		c := rapid.SampledFrom([]byte(alphabet)).Draw(t, "to")
		changed := text[:i] + string(c) + text[i+1:]
		back, err := token.ParseSecret(changed)
		if err != nil || back.ChecksumHolds() != (changed == text) {
			t.Errorf("got a checksum that holds: %v, %v for %q instead of %q, want it of the text itself alone", back.ChecksumHolds(), err, changed, text)
		}
	})
	account, _ := token.ParseSecret("dfoa_" + text[5:])
	if account.ChecksumHolds() {
		t.Error("got a checksum that holds for another prefix, want it covered")
	}
	if (token.Secret{}).ChecksumHolds() {
		t.Error("got a checksum for no token, want none")
	}
}

func TestMalformedTokensAreRefused(t *testing.T) {
	_, s := mint(t)
	body := s.Reveal()[5:]
	for _, text := range []string{
		"", "dfoe_", body, "dfoe_" + body[1:], "dfoe_" + body + "A", "dfox_" + body, "DFOE_" + body, "dfoe-" + body,
		" dfoe_" + body, "dfoe_" + body + "\n", "dfoe_" + body[:42] + "=", "dfoe_" + body[:42] + "+", "dfoe_" + body[:20] + "é" + body[22:],
		"dfoe_" + body[:20] + "." + body[21:], "dfoe_dfoe_" + body[5:] + "\x00", "Bearer dfoe_" + body,
	} {
		if s, err := token.ParseSecret(text); !errors.Is(err, token.ErrInvalid) || !s.IsZero() {
			t.Errorf("got %v for %q, want %v", err, text, token.ErrInvalid)
		}
	}
	// Another issuer that shares the table makes tokens without a checksum.
	if _, err := token.ParseSecret("dfoa_" + strings.Repeat("x", 43)); err != nil {
		t.Errorf("a token without a checksum: got %v, want it taken", err)
	}
}

func TestATokenIsValidUntilItExpiresOrIsRevoked(t *testing.T) {
	for at, want := range map[time.Time]error{
		born: nil, dies.Add(-1): nil, dies: token.ErrInvalid, dies.Add(time.Hour): token.ErrInvalid,
	} {
		tok, _ := mint(t)
		if err := tok.Valid(at); !errors.Is(err, want) {
			t.Errorf("%s after it was made: got %v, want %v", at.Sub(born), err, want)
		}
		before := tok.Snapshot()
		if _, changed, err := tok.RecordUse(at, by); !errors.Is(err, want) || changed != (want == nil) {
			t.Errorf("%s after it was made, used: got %v, %v, want %v", at.Sub(born), changed, err, want)
		} else if err != nil && tok.Snapshot() != before {
			t.Errorf("got %+v after a refused use, want it unchanged", tok.Snapshot())
		}
	}
}

func TestALastUseIsKeptByTheMinute(t *testing.T) {
	tok, _ := mint(t)
	kept := time.Time{}
	for _, c := range []struct {
		after time.Duration
		news  bool
	}{
		{0, true},
		{1, false},
		{time.Minute - 1, false},
		{time.Minute, true},
		{time.Minute + 30*time.Second, false},
		{30 * time.Second, false}, // a clock that went back
		{2*time.Minute - 1, false},
		{2 * time.Minute, true},
		{48 * time.Hour, true},
	} {
		at := born.Add(c.after)
		first, changed, err := tok.RecordUse(at, by)
		if want := c.news && kept.IsZero(); want != (first.Kind == audit.TokenFirstUsed) || want == first.ID.IsZero() {
			t.Errorf("%s after its birth: got event %+v, want one: %v", c.after, first, want)
		}
		if c.news {
			kept = at
		}
		if err != nil || changed != c.news || !tok.Snapshot().LastUsedAt.Equal(kept) {
			t.Errorf("%s after it was made: got %v, %v, last used at %s, want %v and %s", c.after, changed, err, tok.Snapshot().LastUsedAt, c.news, kept)
		}
	}
}

func TestATokenIsRevokedOnce(t *testing.T) {
	tok, _ := mint(t)
	at := born.Add(time.Hour)
	e, changed := tok.Revoke("by_owner", audit.ClientOf("difyctl"), at, by)
	s := tok.Snapshot()
	if !changed || e.Kind != audit.TokenRevoked || e.Reason != "by_owner" || e.TokenID != s.ID || !s.RevokedAt.Equal(at) || !s.Digest.IsZero() {
		t.Errorf("got %+v, %v, %+v, want it revoked by its owner", e, changed, s)
	}
	if err := tok.Valid(at); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("got %v for a revoked token, want %v", err, token.ErrInvalid)
	}
	if e, changed := tok.Revoke("again", audit.ClientOf("difyctl"), at.Add(time.Hour), by); changed || e.Kind != "" || tok.Snapshot() != s {
		t.Errorf("got %+v, %+v for a second revocation, want no change", e, tok.Snapshot())
	}
	if _, changed := tok.Expire(dies, by); changed || tok.Snapshot() != s {
		t.Error("got a revoked token expired, want no change")
	}
}

func TestATokenExpiresOnce(t *testing.T) {
	tok, _ := mint(t)
	before := tok.Snapshot()
	if _, changed := tok.Expire(dies.Add(-1), by); changed || tok.Snapshot() != before {
		t.Error("got it expired before its time, want no change")
	}
	e, changed := tok.Expire(dies, by)
	if s := tok.Snapshot(); !changed || e.Kind != audit.TokenExpired || !s.RevokedAt.Equal(dies) || !s.Digest.IsZero() {
		t.Errorf("got %+v, %v, %+v, want it expired at %s", e, changed, tok.Snapshot(), dies)
	}
	if _, changed := tok.Expire(dies.Add(time.Hour), by); changed {
		t.Error("got it expired twice, want it once")
	}
	if _, changed := tok.Revoke("late", audit.ClientOf("difyctl"), dies.Add(time.Hour), by); changed {
		t.Error("got an expired token revoked, want no change")
	}
}

func TestATokenThatWasNeverUsedGetsAnotherSecret(t *testing.T) {
	use := func(tok *token.AccessToken) { _, _, _ = tok.RecordUse(born, by) }
	revoke := func(tok *token.AccessToken) { tok.Revoke("not_delivered", audit.ClientOf("difyctl"), born, by) }
	for what, c := range map[string]struct {
		before func(*token.AccessToken)
		at     time.Time
		want   error
	}{
		"as it is":                  {nil, born, nil},
		"in its last moment":        {nil, dies.Add(-1), nil},
		"when its time is up":       {nil, dies, token.ErrInvalid},
		"used":                      {use, born, token.ErrInvalid},
		"withdrawn":                 {revoke, born, nil},
		"used and then withdrawn":   {func(tok *token.AccessToken) { use(tok); revoke(tok) }, born, token.ErrInvalid},
		"withdrawn, its time is up": {revoke, dies, token.ErrInvalid},
	} {
		t.Run(what, func(t *testing.T) {
			tok, first := mint(t)
			if c.before != nil {
				c.before(tok)
			}
			before := tok.Snapshot()
			second, e, err := tok.Reissue(c.at, by)
			after := tok.Snapshot()
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil {
				if after != before || !second.IsZero() || e.Kind != "" {
					t.Errorf("got %+v and %v after a refusal, want no change", after, e)
				}
				return
			}
			if second.Equal(first.Text) || after.Digest != second.Digest() || !after.RevokedAt.IsZero() ||
				after.ID != before.ID || !after.ExpiresAt.Equal(before.ExpiresAt) || e.Kind != audit.TokenRotated || e.TokenID != before.ID {
				t.Errorf("got %+v with %+v, want another secret for the same token", after, e)
			}
		})
	}
}

func TestAnImpossibleTokenIsNotRestored(t *testing.T) {
	live, _ := mint(t)
	dead, _ := mint(t)
	dead.Revoke("by_owner", audit.ClientOf("difyctl"), born, by)
	for _, tok := range []*token.AccessToken{live, dead} {
		back, err := token.Restore(tok.Snapshot())
		if err != nil || back.Snapshot() != tok.Snapshot() {
			t.Errorf("got %v for %+v, want it restored", err, tok.Snapshot())
		}
	}
	for what, spoil := range map[string]func(*token.Snapshot){
		"without an id":           func(s *token.Snapshot) { s.ID = uid.ID{} },
		"without an end":          func(s *token.Snapshot) { s.ExpiresAt = time.Time{} },
		"live without a secret":   func(s *token.Snapshot) { s.Digest = secret.Digest{} },
		"revoked with its secret": func(s *token.Snapshot) { s.RevokedAt = born },
	} {
		s := live.Snapshot()
		spoil(&s)
		if tok, err := token.Restore(s); err == nil || tok != nil {
			t.Errorf("%s: got %+v, want an error", what, tok)
		}
	}
}

// F22: a token has the scopes that were asked for.
func TestATokenKeepsItsScopes(t *testing.T) {
	run, err := scope.Parse("apps:run")
	if err != nil {
		t.Fatal(err)
	}
	tok, _, minted := token.Mint(token.Order{ID: uid.New(born), Device: token.DeviceOf(alice(t), "difyctl", "laptop"), Subject: identity.ExternalSSO, Scopes: run, Lifetime: token.Lifetime(life)}, born, by)
	back, err := token.Restore(tok.Snapshot())
	if err != nil || !slices.Equal(back.Scopes(), []string{"apps:run"}) || !slices.Equal(minted.Scopes, []string{"apps:run"}) {
		t.Errorf("got %v and the event %v, %v, want apps:run", back.Scopes(), minted.Scopes, err)
	}
	// A token of another issuer, or of an earlier release, has all.
	s := tok.Snapshot()
	s.Scopes = scope.Set{}
	if back, err = token.Restore(s); err != nil || back.Snapshot().Scopes != scope.External {
		t.Errorf("got %v, %v, want all", back.Scopes(), err)
	}
}

// Whatever is tried in whatever order: a token that ended stays ended unless it is
// reissued, a used one is never reissued, and all of it can be stored.
func TestNoSequenceOfMovesBreaksTheRules(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tok, _ := mint(t)
		at := born
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			at = at.Add(rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, 24 * time.Hour, 13 * 24 * time.Hour}).Draw(r, "wait"))
			name := rapid.SampledFrom([]string{"use", "revoke", "expire", "reissue"}).Draw(r, "move")
			before := tok.Snapshot()
			var moved bool
			switch name {
			case "use":
				_, moved, _ = tok.RecordUse(at, by)
			case "revoke":
				_, moved = tok.Revoke("x", audit.ClientOf("difyctl"), at, by)
			case "expire":
				_, moved = tok.Expire(at, by)
			case "reissue":
				_, _, err := tok.Reissue(at, by)
				moved = err == nil
			}
			after := tok.Snapshot()
			if !moved && after != before {
				r.Fatalf("%s refused: got %+v, want %+v unchanged", name, after, before)
			}
			if name != "reissue" && !before.RevokedAt.IsZero() && after.RevokedAt.IsZero() || moved && name == "reissue" && !before.LastUsedAt.IsZero() {
				r.Fatalf("%s: got %+v, want what was ended in %+v to stay ended, and a used token to keep its value", name, after, before)
			}
			if back, err := token.Restore(after); err != nil || back.Snapshot() != after {
				r.Fatalf("Restore(after %s): got %v, want the same %+v", name, err, after)
			}
		}
	})
}
