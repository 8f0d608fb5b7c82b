package application_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// record keeps an event of an administrator, of some time ago.
func (s *fixture) record(name string, ago time.Duration) audit.Event {
	s.t.Helper()
	e := audit.New(audit.ConnectionEdited, audit.AdminOf(name), s.Clock.Now().Add(-ago), request.Origin{})
	must(s.t, s.Store.Update(s.t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Audit().Record(ctx, e) }))
	return e
}

// exported are the names of the actors of the events after one.
func (s *fixture) exported(wanted ports.AuditFilter, after uid.ID) (names []string) {
	s.t.Helper()
	must(s.t, s.ReadAudit.Each(s.t.Context(), wanted, after, func(e audit.Event) error {
		names = append(names, e.Actor.Name)
		return nil
	}))
	return names
}

func want[T any](t *testing.T, what string, got, wanted T) {
	t.Helper()
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("%s: got %v, want %v", what, got, wanted)
	}
}

// What another replica commits late, with an earlier time, is in the next export
// and not lost behind its beginning.
func TestAnExportIsResumedWithoutGapsOrRepetitions(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.record("a", 3*time.Minute)
	b := s.record("b", 2*time.Minute)
	s.record("d", 10*time.Second)
	want(t, "settled events", s.exported(ports.AuditFilter{}, uid.ID{}), []string{"a", "b"})
	want(t, "after b", s.exported(ports.AuditFilter{}, b.ID), nil)

	s.record("c", 20*time.Second) // committed after d
	s.Clock.Advance(2 * time.Minute)
	want(t, "after b, later", s.exported(ports.AuditFilter{}, b.ID), []string{"c", "d"})
	want(t, "with a filter that does not match b", s.exported(ports.AuditFilter{Actor: audit.Actor{Name: "d"}}, b.ID), []string{"d"})
	want(t, "until", s.exported(ports.AuditFilter{Until: b.At}, uid.ID{}), []string{"a"})

	err := s.ReadAudit.Each(t.Context(), ports.AuditFilter{}, uid.New(time.Now()), nil)
	if !errors.Is(err, audit.ErrUnknown) {
		t.Errorf("after an unknown event: got %v, want ErrUnknown", err)
	}
	stop := errors.New("stop")
	if err := s.ReadAudit.Each(t.Context(), ports.AuditFilter{}, uid.ID{}, func(audit.Event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want the error of visit", err)
	}
}

func TestAnExportOfManyEventsReadsPages(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	const many = 2*ports.AuditLimit + 1
	at := s.Clock.Now().Add(-time.Hour)
	must(t, s.Store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		for i := range many { // three in each microsecond: a page ends within one
			e := audit.New(audit.ConnectionEdited, audit.AdminOf(fmt.Sprint(i)), at.Add(time.Duration(i/3)*time.Microsecond), request.Origin{})
			must(t, tx.Audit().Record(ctx, e))
		}
		return nil
	}))
	names := s.exported(ports.AuditFilter{}, uid.ID{})
	if len(names) != many {
		t.Fatalf("got %d events, want %d", len(names), many)
	}
	for i, name := range names {
		if name != fmt.Sprint(i) {
			t.Fatalf("got event %s in place %d, want %d", name, i, i)
		}
	}
	page, err := s.ReadAudit.Execute(t.Context(), ports.AuditFilter{}, uid.ID{}, 2)
	if err != nil || len(page.Events) != 2 || !page.More {
		t.Errorf("got %d events, more %v, %v, want two and more", len(page.Events), page.More, err)
	}
	for _, limit := range []int{0, -1, ports.AuditLimit + 1} {
		if _, err := s.ReadAudit.Execute(t.Context(), ports.AuditFilter{}, uid.ID{}, limit); !errors.Is(err, application.ErrAuditLimit) {
			t.Errorf("limit %d: got %v, want ErrAuditLimit", limit, err)
		}
	}
}

func TestATailShowsTheNewestAndThenEachEventOnce(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.record("a", time.Hour)
	s.record("b", 30*time.Second)
	s.record("c", 20*time.Second)
	var names []string
	show := func(e audit.Event) error {
		names = append(names, e.Actor.Name)
		return nil
	}
	must(t, s.TailAudit.Execute(t.Context(), ports.AuditFilter{}, 2, nil, show))
	want(t, "the last two", names, []string{"b", "c"})

	names = nil
	ticks, done := make(chan time.Time), make(chan error)
	go func() { done <- s.TailAudit.Execute(t.Context(), ports.AuditFilter{}, 1, ticks, show) }()
	ticks <- time.Time{}
	s.record("d", 0)
	s.record("late", 25*time.Second)
	ticks <- time.Time{}
	ticks <- time.Time{}
	s.Clock.Advance(2 * time.Minute)
	s.record("e", 0)
	ticks <- time.Time{}
	close(ticks)
	must(t, <-done)
	want(t, "followed", names, []string{"c", "late", "d", "e"})

	if err := s.TailAudit.Execute(t.Context(), ports.AuditFilter{}, 0, nil, show); !errors.Is(err, application.ErrAuditLimit) {
		t.Errorf("got %v, want ErrAuditLimit", err)
	}
}

func TestInvalidAuditFiltersAreRefused(t *testing.T) {
	for name, value := range map[string]string{
		"subject_email": "ann", "token_id": "x", "authorization_id": "00000000-0000-0000-0000-000000000000", "actor_kind": "boss",
		"since": "yesterday", "until": "2026-13-01", "event": " ", "connection": "a\x00", "client_id": strings.Repeat("x", 1025), "colour": "red",
	} {
		_, err := application.AuditFilterText{name: value}.Parse()
		if f, is := fault.Of(err); !is || f.Code != "invalid_filter" || !strings.Contains(f.Message, name) {
			t.Errorf("%s=%q: got %v, want invalid_filter that names it", name, value, err)
		}
	}
	_, err := application.AuditFilterText{"event": "oauth.token_mintd"}.Parse()
	if f, is := fault.Of(err); !is || f.Code != "invalid_filter" || !strings.Contains(f.Message, "oauth.token_minted,") {
		t.Errorf("got %v, want invalid_filter that names the kinds of events", err)
	}
	_, err = application.AuditFilterText{"since": "2026-11-02", "until": "2026-11-02T00:00:00Z"}.Parse()
	if f, is := fault.Of(err); !is || f.Code != "invalid_filter" {
		t.Errorf("got %v, want invalid_filter", err)
	}
	at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	f, err := application.AuditFilterText{"event": "oauth.token_minted", "subject_email": "ANN@acme.example", "actor_kind": "admin", "actor_name": "bob", "since": "2026-11-02"}.Parse()
	must(t, err)
	want(t, "filter", f, ports.AuditFilter{Kind: audit.TokenMinted, Email: "ann@acme.example", Actor: audit.AdminOf("bob"), Since: at})
}
