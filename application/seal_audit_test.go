package application_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

func (s *fixture) verified(expected map[audit.Day]audit.Chain) (days []string, err error) {
	err = s.VerifyAudit.Execute(s.t.Context(), expected, func(of audit.Seal) error {
		days = append(days, fmt.Sprintf("%s:%d", of.Day, of.Events))
		return nil
	})
	return days, err
}

// sealed are three days of events, the middle one with many, of which two are
// over. It is noon of 2026-11-27.
func sealed(t *testing.T) (s *fixture, second []audit.Event, seals []audit.Seal) {
	t.Helper()
	s = newFixture(t, applicationtest.Options{})
	s.Clock.Advance(2 * day)
	s.record("first", 2*day)
	s.record("today", 0)
	must(t, s.Store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		for i := range ports.AuditLimit + 1 {
			e := audit.New(audit.ConnectionEdited, audit.AdminOf("ann"), s.Clock.Now().Add(-day+time.Duration(i/3)*time.Microsecond), request.Origin{})
			second = append(second, e)
			must(t, tx.Audit().Record(ctx, e))
		}
		return nil
	}))
	seals, err := s.SealAudit.Execute(t.Context())
	must(t, err)
	return s, second, seals
}

const day = 24 * time.Hour

func TestDaysThatAreOverAreSealedAndVerified(t *testing.T) {
	s, _, seals := sealed(t)
	if len(seals) != 2 || seals[0].Day != "2026-11-25" || seals[1].Before != seals[0].Head || seals[1].Events != ports.AuditLimit+1 {
		t.Fatalf("got %+v, want two days", seals)
	}
	days, err := s.verified(map[audit.Day]audit.Chain{seals[0].Day: seals[0].Head, seals[1].Day: seals[1].Head})
	must(t, err)
	want(t, "days", days, []string{"2026-11-25:1", "2026-11-26:1001"})

	again, err := s.SealAudit.Execute(t.Context())
	if err != nil || len(again) != 0 {
		t.Errorf("sealed again: got %+v, %v, want nothing to do", again, err)
	}
	s.Clock.Advance(12*time.Hour + 59*time.Minute) // the day has ended, and late events may still come
	if again, err = s.SealAudit.Execute(t.Context()); err != nil || len(again) != 0 {
		t.Errorf("early: got %+v, %v, want nothing to do", again, err)
	}
	s.Clock.Advance(day + 2*time.Minute)
	if again, err = s.SealAudit.Execute(t.Context()); err != nil || len(again) != 2 || again[0].Events != 1 || again[1].Events != 0 {
		t.Errorf("got %+v, %v, want today and an empty day", again, err)
	}
	_, err = s.verified(nil)
	must(t, err)
}

func TestWithoutEventsNothingIsSealed(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	if seals, err := s.SealAudit.Execute(t.Context()); err != nil || len(seals) != 0 {
		t.Errorf("got %+v, %v, want none", seals, err)
	}
	if days, err := s.verified(nil); err != nil || len(days) != 0 {
		t.Errorf("got %v, %v, want none", days, err)
	}
}

func TestWhatWasTamperedWithIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(events []audit.Event) string
		want   func(events []audit.Event) string
	}{
		"changed": {
			func(e []audit.Event) string {
				return "UPDATE audit_events SET reason = 'x' WHERE id IN ('" + e[700].ID.String() + "', '" + e[900].ID.String() + "')"
			},
			func(e []audit.Event) string {
				return "2026-11-26: event " + e[700].ID.String() + " differs from what was sealed"
			},
		},
		"deleted": {
			func(e []audit.Event) string { return "DELETE FROM audit_events WHERE id = '" + e[3].ID.String() + "'" },
			func(e []audit.Event) string { return "2026-11-26: event " + e[3].ID.String() + " is missing" },
		},
		"the last one deleted": {
			func(e []audit.Event) string {
				return "DELETE FROM audit_events WHERE id = '" + e[1000].ID.String() + "'"
			},
			func(e []audit.Event) string { return "2026-11-26: event " + e[1000].ID.String() + " is missing" },
		},
		"added": {
			func([]audit.Event) string {
				return "INSERT INTO audit_events (id, time, event) VALUES ('01a21293-b600-7088-aa01-d69538312388', '2026-11-26 23:00:00.000000+00:00', 'x')"
			},
			func([]audit.Event) string {
				return "2026-11-26: event 01a21293-b600-7088-aa01-d69538312388 was added after the day was sealed"
			},
		},
		"moved to another time": {
			func(e []audit.Event) string {
				return "UPDATE audit_events SET time = '2026-11-26 23:00:00.000000+00:00' WHERE id = '" + e[5].ID.String() + "'"
			},
			func(e []audit.Event) string { return "2026-11-26: event " + e[5].ID.String() + " is missing" },
		},
		"the event and its link deleted": {
			func(e []audit.Event) string {
				return "DELETE FROM audit_events WHERE id = '" + e[1000].ID.String() + "'; DELETE FROM audit_links WHERE number = 1001"
			},
			func([]audit.Event) string { return "2026-11-26: the seal is of 1001 events" },
		},
		"the first day with all of it": {
			func([]audit.Event) string {
				return "DELETE FROM audit_events WHERE time < '2026-11-26'; DELETE FROM audit_links WHERE day = '2026-11-25'; DELETE FROM audit_seals WHERE day = '2026-11-25'"
			},
			func([]audit.Event) string { return "2026-11-26: the seal does not follow from the day before" },
		},
		"a seal": {
			func([]audit.Event) string { return "UPDATE audit_seals SET events = 2 WHERE day = '2026-11-25'" },
			func([]audit.Event) string { return "2026-11-25: the seal is of 2 events" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, events, _ := sealed(t)
			_, err := s.DB.ExecContext(t.Context(), c.change(events))
			must(t, err)
			_, err = s.verified(nil)
			if !errors.As(err, new(*application.AuditDifference)) || !strings.HasPrefix(err.Error(), c.want(events)) {
				t.Errorf("got %v, want %s", err, c.want(events))
			}
		})
	}
}

// A chain that was made anew fits; only a head that was kept elsewhere shows it.
func TestHeadsThatWereKeptElsewhereAreCompared(t *testing.T) {
	s, events, seals := sealed(t)
	expected := map[audit.Day]audit.Chain{seals[1].Day: seals[1].Head}
	_, err := s.DB.ExecContext(t.Context(), "UPDATE audit_events SET reason = 'x' WHERE id = '"+events[0].ID.String()+"'; DELETE FROM audit_links; DELETE FROM audit_seals")
	must(t, err)
	if _, err := s.verified(expected); err == nil || err.Error() != "2026-11-26: the seal is missing" {
		t.Errorf("got %v, want that the seal is missing", err)
	}
	_, err = s.SealAudit.Execute(t.Context())
	must(t, err)
	_, err = s.verified(nil)
	must(t, err)
	if _, err := s.verified(expected); err == nil || err.Error() != "2026-11-26: the head is another one than expected" {
		t.Errorf("got %v, want another head", err)
	}
}
