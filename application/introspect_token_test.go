package application_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/resource"
	"github.com/devicegate/devicegate/domain/secret"
)

// api is the credentials of a resource server that every fixture knows.
func api() []resource.Credentials { return credentials(applicationtest.APISecret) }

func credentials(key string) []resource.Credentials {
	return []resource.Credentials{{ID: "api", Secret: secret.New("secret", key)}}
}

func (s *fixture) introspect(text string) application.Introspected {
	s.t.Helper()
	out, err := s.Introspect.Execute(s.t.Context(), api(), text, applicationtest.From(office))
	must(s.t, err)
	return out
}

func TestIntrospectToken(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	text := r.Secret.Reveal()
	got := s.introspect(text)
	if got.Token == nil || got.Token.Snapshot().ID != r.Token.Snapshot().ID {
		t.Fatalf("got %+v, want the token", got)
	}
	altered := text[:len(text)-1] + "A"
	if altered == text {
		altered = text[:len(text)-1] + "B"
	}
	for what, text := range map[string]string{
		"nothing": "", "junk": "junk", "another prefix": "dfox_" + text[5:], "cut off": text[:len(text)-1], "a wrong checksum": altered,
		"never issued": "dfoe_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "of another case": "DFOE_" + text[5:], "with a blank": " " + text,
	} {
		if got := s.introspect(text); got.Token != nil {
			t.Errorf("introspect(%s) = %+v, want no token", what, got)
		}
	}
	must(t, s.RevokeToken.Execute(t.Context(), r.Secret, "", applicationtest.From(home)))
	if got := s.introspect(text); got.Token != nil {
		t.Errorf("introspect(a revoked token) = %+v, want no token", got)
	}
	second := s.redeem(s.login("television").Code)
	s.Clock.Advance(time.Duration(applicationtest.TokenLife))
	if got := s.introspect(second.Secret.Reveal()); got.Token != nil {
		t.Errorf("introspect(an expired token) = %+v, want no token", got)
	}
}

func TestIntrospectionIsAUseOfTheToken(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.login(laptop)
	r := s.redeem(started.Code)
	s.introspect(r.Secret.Reveal())
	if got := s.Token(t, r.Token.Snapshot().ID).LastUsedAt; !got.Equal(s.Clock.Now()) {
		t.Errorf("last used at %s, want %s", got, s.Clock.Now())
	}
	s.Clock.Advance(interval)
	_, err := s.poll(started.Code, home)
	is(t, err, device.ErrExpiredToken)
	is(t, s.verifyRedeemed(r), nil)
}

func TestIntrospectionNeedsCredentials(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	for what, by := range map[string][]resource.Credentials{"none": nil, "another secret": credentials("guess"), "an empty secret": credentials("")} {
		if got, err := s.Introspect.Execute(t.Context(), by, r.Secret.Reveal(), applicationtest.From(office)); got.Token != nil || err == nil {
			t.Errorf("%s: got %+v, %v, want a refusal", what, got, err)
		}
	}
	if got := s.Token(t, r.Token.Snapshot().ID).LastUsedAt; !got.IsZero() {
		t.Errorf("got a last use at %s after refused introspections, want none", got)
	}
}

func TestEachResourceServerHasALimitOfItsOwn(t *testing.T) {
	limits := quota.Configure(6000, 1)
	limits.Introspections.Max = 3
	s := newFixture(t, applicationtest.Options{Limits: &limits})
	r := s.redeem(s.login(laptop).Code)
	for range 3 {
		s.introspect(r.Secret.Reveal())
	}
	_, err := s.Introspect.Execute(t.Context(), api(), r.Secret.Reveal(), applicationtest.From(office))
	is(t, err, quota.ErrExceeded)
	other := []resource.Credentials{{ID: "billing", Secret: secret.New("secret", applicationtest.APISecret)}}
	got, err := s.Introspect.Execute(t.Context(), other, r.Secret.Reveal(), applicationtest.From(office))
	if err != nil || got.Token == nil {
		t.Errorf("another resource server: got %+v, %v, want the token", got, err)
	}
	is(t, s.verifyRedeemed(r), nil) // the token's own limit was not counted
}
