package adminapi_test

import (
	"context"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// held is an incident of 192.0.2.0/24, in which a device was started.
func (s *fixture) held() uid.ID {
	s.t.Helper()
	_, err := s.Start.Execute(s.t.Context(), application.Start{ClientID: "difyctl", Label: "prod", Origin: applicationtest.From("192.0.2.7")})
	if err != nil {
		s.t.Fatal(err)
	}
	now := s.Clock.Now()
	i, err := incident.Restore(incident.Snapshot{
		ID: uid.New(now), Source: incident.Source{Kind: incident.Network, Network: netip.MustParsePrefix("192.0.2.0/24")},
		NoticedAt: now, Why: "people: 3", HeldUntil: now.Add(time.Hour),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	event := audit.New(audit.IncidentNoticed, audit.WorkerOf("test"), now, applicationtest.From("192.0.2.7"))
	err = s.Store.Update(s.t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Incidents().Add(ctx, i, event) })
	if err != nil {
		s.t.Fatal(err)
	}
	return i.Snapshot().ID
}

func TestAnIncidentThatCannotBeReadHidesNoOther(t *testing.T) {
	s := newFixture(t)
	id := s.held().String()
	torn := "01a227a0-809a-74c4-91bb-c694a57a069e"
	_, err := s.DB.ExecContext(t.Context(), "INSERT INTO phishing_incidents (id, source, source_kind, noticed_at, reported, held_until) "+
		"VALUES (?, 'x', 'network', 'soon', false, '2226-11-25 12:00:00.000000+00:00')", torn)
	if err != nil {
		t.Fatal(err)
	}
	list := decoded[struct {
		Total int
		Data  []struct{ ID, Unreadable string }
	}](t, s.as("GET /admin/v1/incidents", ""))
	if list.Total != 2 || len(list.Data) != 2 || list.Data[0].ID != id || list.Data[0].Unreadable != "" || list.Data[1].ID != torn || list.Data[1].Unreadable == "" {
		t.Errorf("got %+v, want both, and why one cannot be read", list)
	}
}

func TestAdministratorsContainAndReleaseIncidents(t *testing.T) {
	s := newFixture(t)
	id := s.held().String()
	list := decoded[struct {
		Total int
		Data  []struct {
			ID     string
			Held   bool
			Source struct{ Network string }
		}
	}](t, s.as("GET /admin/v1/incidents?limit=5", ""))
	if list.Total != 1 || list.Data[0].ID != id || !list.Data[0].Held || list.Data[0].Source.Network != "192.0.2.0/24" {
		t.Errorf("got %+v, want the incident", list)
	}
	shown := decoded[struct {
		Devices []struct {
			Status        string
			RequestedFrom string `json:"requested_from"`
		}
	}](t, s.as("GET /admin/v1/incidents/"+id, ""))
	if len(shown.Devices) != 1 || shown.Devices[0].Status != "pending" || shown.Devices[0].RequestedFrom != "192.0.2.7" {
		t.Errorf("got %+v, want the device that waits", shown)
	}
	for _, c := range []struct {
		body   string
		dry    bool
		codes  int
		events int
	}{{`{}`, true, 1, 0}, {`{"dry_run":true}`, true, 1, 0}, {`{"dry_run":false}`, false, 1, 1}, {`{"dry_run":false,"near":true}`, false, 0, 2}} {
		got := decoded[struct {
			DryRun bool `json:"dry_run"`
			Codes  int
		}](t, s.as("POST /admin/v1/incidents/"+id+"/contain", c.body))
		if got.DryRun != c.dry || got.Codes != c.codes || s.Count(t, audit.IncidentContained) != c.events {
			t.Errorf("%s: got %+v and %d events, want %+v", c.body, got, s.Count(t, audit.IncidentContained), c)
		}
	}
	decoded[struct{ Status string }](t, s.as("POST /admin/v1/incidents/"+id+"/release", ""))
	s.refused(s.as("POST /admin/v1/incidents/"+id+"/release", ""), http.StatusConflict, "incident_released")
	s.refused(s.as("POST /admin/v1/incidents/"+id+"/contain", `{"dry_run":false}`), http.StatusConflict, "incident_released")
	for _, e := range s.AuditEvents(t) {
		if (e.Kind == audit.IncidentContained || e.Kind == audit.IncidentReleased) && (e.Actor != audit.AdminOf("ann") || e.Origin.ID == "") {
			t.Errorf("got the event %+v, want ann and the request", e)
		}
	}
}

func TestInvalidRequestsAboutIncidentsAreRefused(t *testing.T) {
	s := newFixture(t)
	id := s.held().String()
	for _, other := range []string{uid.New(s.Clock.Now()).String(), "contain", "00000000-0000-0000-0000-000000000000", "x"} {
		s.refused(s.as("GET /admin/v1/incidents/"+other, ""), http.StatusNotFound, "unknown_incident")
		s.refused(s.as("POST /admin/v1/incidents/"+other+"/contain", `{"dry_run":false}`), http.StatusNotFound, "unknown_incident")
		s.refused(s.as("POST /admin/v1/incidents/"+other+"/release", ""), http.StatusNotFound, "unknown_incident")
	}
	for body, code := range map[string]string{
		`{"people":["stranger@acme.example"],"dry_run":false}`: "not_of_incident",
		`{"people":["stranger"],"dry_run":false}`:              "invalid_email",
		`{"people":[],"dry_run":false}`:                        "invalid_request",
	} {
		s.refused(s.as("POST /admin/v1/incidents/"+id+"/contain", body), http.StatusBadRequest, code)
	}
	for _, body := range []string{``, `[]`, `{"dry_run":"no"}`, `{"all":true}`, `{"dry_run":true,"dry_run":false}`} {
		s.refused(s.as("POST /admin/v1/incidents/"+id+"/contain", body), http.StatusBadRequest, "invalid_request")
	}
	s.refused(s.as("GET /admin/v1/incidents?limit=0", ""), http.StatusUnprocessableEntity, "invalid_param")
	s.refused(s.as("DELETE /admin/v1/incidents/"+id, ""), http.StatusMethodNotAllowed, "method_not_allowed")
	if s.Count(t, audit.IncidentContained) != 0 {
		t.Errorf("got %d containments after refused requests, want 0", s.Count(t, audit.IncidentContained))
	}
}
