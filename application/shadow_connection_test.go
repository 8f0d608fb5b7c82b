package application_test

import (
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
)

// shadows is a connection acme in the store, and the use case.
func newShadows(t *testing.T) (*idps, *application.ShadowConnection) {
	t.Helper()
	s := newIdPs(t)
	_, err := application.NewAddConnection(s.checks).Execute(t.Context(), s.acme(), false, admin)
	must(t, err)
	return s, application.NewShadowConnection(s.checks, application.NewEditConnection(s.checks))
}

func attribute(name string) func(*connection.Settings) error {
	return func(s *connection.Settings) error {
		s.EmailAttribute = name
		return nil
	}
}

func TestAShadowIsComparedWithLiveSignIns(t *testing.T) {
	s, uc := newShadows(t)
	_, err := uc.Try(t.Context(), "acme", 0, attribute("never"), admin)
	must(t, err)
	for _, says := range []string{"forged", "ok a1 ann@acme.example"} {
		started := s.start(laptop)
		s.begin(started.UserCode, approval.BrowserBinding{})
		_, err := s.accept(says)
		if (err == nil) != (says != "forged") {
			t.Errorf("%s: got %v, want the outcome of the connection alone", says, err)
		}
	}
	must(t, s.Shadows.CompareWaiting(t.Context()))
	got, err := uc.Show(t.Context(), "acme")
	must(t, err)
	if got.Compared != 2 || got.Same != 0 || len(got.Differences) != 2 {
		t.Fatalf("got %+v, want two responses that differ", got)
	}
	if d := got.Differences[0]; d.What != "verdict" || d.Now != "accepted" || d.Shadow != "refused: email_missing" || d.RequestID != "request-1" {
		t.Errorf("got %+v, want the good sign-in refused by the shadow", d)
	}
}

func TestAShadowIsPromotedUnlessTheConnectionWasChanged(t *testing.T) {
	s, uc := newShadows(t)
	edit := application.NewEditConnection(s.checks)
	_, err := uc.Promote(t.Context(), "acme", 0, admin)
	is(t, err, connection.ErrNoShadow)
	_, err = uc.Try(t.Context(), "acme", 0, func(*connection.Settings) error { return nil }, admin)
	is(t, err, connection.ErrNothingToChange)
	_, err = uc.Try(t.Context(), "acme", 7, attribute("mail2"), admin)
	is(t, err, connection.ErrEdited)
	_, err = uc.Try(t.Context(), "nope", 0, attribute("mail2"), admin)
	is(t, err, connection.ErrNotListed)
	_, err = uc.Try(t.Context(), "acme", 0, func(s *connection.Settings) error { s.ACSMount = "nowhere"; return nil }, admin)
	is(t, err, application.ErrInvalidConnection)

	_, err = uc.Try(t.Context(), "acme", 1, attribute("mail2"), admin)
	must(t, err)
	edited, err := uc.Promote(t.Context(), "acme", 0, admin)
	must(t, err)
	if edited.Revision != 2 || len(edited.Changes) != 1 {
		t.Errorf("got %+v, want revision 2 with one change", edited)
	}
	_, err = uc.Show(t.Context(), "acme")
	is(t, err, connection.ErrNoShadow)

	_, err = uc.Try(t.Context(), "acme", 0, attribute("mail3"), admin)
	must(t, err)
	_, err = edit.Execute(t.Context(), "acme", 0, func(s *connection.Settings) error { s.Name = "Other"; return nil }, false, admin)
	must(t, err)
	_, err = uc.Promote(t.Context(), "acme", 0, admin)
	is(t, err, connection.ErrEdited)
	must(t, uc.Drop(t.Context(), "acme", 0, admin))
	is(t, uc.Drop(t.Context(), "acme", 0, admin), connection.ErrNoShadow)
	if got := len(s.events(audit.ConnectionShadowed)); got != 2 {
		t.Errorf("got %d events of shadows, want 2", got)
	}

	_, err = uc.Try(t.Context(), "acme", 0, attribute("mail4"), admin)
	must(t, err)
	_, err = application.NewRemoveConnection(s.checks).Execute(t.Context(), "acme", 0, false, admin)
	must(t, err)
	_, err = uc.Show(t.Context(), "acme")
	is(t, err, connection.ErrNotListed)
	_, err = application.NewAddConnection(s.checks).Execute(t.Context(), s.acme(), false, admin)
	must(t, err)
	_, err = uc.Show(t.Context(), "acme")
	is(t, err, connection.ErrNoShadow)
}

// A shadow that another administrator drops, or replaces, while a promotion checks
// the change is not promoted, and the connection stays as it is.
func TestAPromotionChangesEverythingOrNothing(t *testing.T) {
	s, uc := newShadows(t)
	for name, c := range map[string]struct {
		meanwhile func(other *application.ShadowConnection) error
		want      error
	}{
		"dropped": {func(other *application.ShadowConnection) error { return other.Drop(t.Context(), "acme", 0, admin) }, connection.ErrNoShadow},
		"replaced": {func(other *application.ShadowConnection) error {
			s.Clock.Advance(time.Second)
			_, err := other.Try(t.Context(), "acme", 0, attribute("mail3"), admin)
			return err
		}, connection.ErrEdited},
	} {
		_, err := uc.Try(t.Context(), "acme", 0, attribute("mail2"), admin)
		must(t, err)
		once := sync.OnceFunc(func() { must(t, c.meanwhile(uc)) })
		checks := application.NewConnectionChecks(s.store, s.served, &s.published, func(connection.Connection) error { once(); return nil }, s.Clock.Now)
		edited, err := application.NewShadowConnection(checks, application.NewEditConnection(checks)).Promote(t.Context(), "acme", 0, admin)
		is(t, err, c.want)
		state, err := application.NewListConnections(s.checks).Find(t.Context(), "acme")
		must(t, err)
		if state.Stored.Revision != 1 || edited.Revision != 1 || state.Connection.Settings().EmailAttribute != "" {
			t.Errorf("%s: got revision %d with %q, want the connection as it was", name, state.Stored.Revision, state.Connection.Settings().EmailAttribute)
		}
	}
	if got := len(s.events(audit.ConnectionEdited)); got != 0 {
		t.Errorf("got %d edits, want none", got)
	}
}

func TestAShadowOfAnotherRevisionIsNeitherPromotedNorDropped(t *testing.T) {
	_, uc := newShadows(t)
	_, err := uc.Try(t.Context(), "acme", 1, attribute("mail2"), admin)
	must(t, err)
	_, err = uc.Promote(t.Context(), "acme", 2, admin)
	is(t, err, connection.ErrEdited)
	is(t, uc.Drop(t.Context(), "acme", 2, admin), connection.ErrEdited)
	edited, err := uc.Promote(t.Context(), "acme", 1, admin)
	must(t, err)
	if edited.Revision != 2 {
		t.Errorf("got revision %d, want 2", edited.Revision)
	}
}

func TestNothingIsComparedWithoutAShadow(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	s.begin(started.UserCode, approval.BrowserBinding{})
	for range 100 { // more than may wait: no sign-in waits for the comparison
		if _, err := s.accept("forged"); err == nil {
			t.Fatal("got no refusal, want one")
		}
	}
	must(t, s.Shadows.CompareWaiting(t.Context()))
}
