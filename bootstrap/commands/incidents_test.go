package commands

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func TestIncidentsOnTheCommandLine(t *testing.T) {
	store, _ := stored(t)
	now := ports.SystemClock()
	i, err := incident.Restore(incident.Snapshot{
		ID: uid.New(now), Source: incident.Source{Kind: incident.Network, Network: netip.MustParsePrefix("203.0.113.0/24")},
		NoticedAt: now, Why: "people: 3", HeldUntil: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	add := func(i *incident.Incident) {
		t.Helper()
		event := audit.New(audit.IncidentNoticed, audit.WorkerOf("test"), now, request.Origin{})
		if err := store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Incidents().Add(ctx, i, event) }); err != nil {
			t.Fatal(err)
		}
	}
	add(i)
	id := i.Snapshot().ID.String()
	as := func(args ...string) (string, error) {
		t.Helper()
		return run(t, append([]string{"incidents"}, append(args, "--as", "ops")...)...)
	}
	for _, c := range []struct {
		args string
		want []string
	}{
		{"list", []string{id, "203.0.113.0/24", "held until", "1 of 1 incidents"}},
		{"list --json", []string{`"held": true`, `"network": "203.0.113.0/24"`}},
		{"show " + id, []string{"people: 3", "STARTED"}},
		{"show " + id + " --json", []string{`"devices": []`}},
		{"contain " + id, []string{"This would revoke 0 tokens", "Nothing was changed", "People concerned: -"}},
		{"contain " + id + " --dry-run --json", []string{`"dry_run": true`}},
		{"contain " + id + " --yes", []string{"Revoked 0 tokens", "stays held"}},
		{"list", []string{"contained by ops"}},
		{"release " + id, []string{"Released."}},
		{"list", []string{"released by ops"}},
	} {
		out, err := as(strings.Fields(c.args)...)
		if err != nil {
			t.Fatalf("%s: got %v, want no error", c.args, err)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: got %s, want %q in it", c.args, out, want)
			}
		}
	}
	noticed, err := incident.Restore(incident.Snapshot{
		ID: uid.New(now), Source: incident.Source{Kind: incident.Devices, ClientID: "difyctl"}.At(netip.MustParseAddr("192.0.2.7")),
		NoticedAt: now, Why: "people: 3", HeldUntil: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	add(noticed)
	for _, c := range []struct{ args, want string }{
		{"list", "noticed, holds nothing"},
		{"list --json", `"address": "192.0.2.7"`},
		{"list --json", `"state": "noticed"`},
		{"contain " + noticed.Snapshot().ID.String() + " --yes", "stays held"},
		{"list", "held until"},
	} {
		if out, err := as(strings.Fields(c.args)...); err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: got %s and %v, want %q in it", c.args, out, err, c.want)
		}
	}
	unknown := uid.New(now).String()
	for args, want := range map[string]error{
		"release " + id:                      incident.ErrReleased,
		"contain " + id + " --yes":           incident.ErrReleased,
		"contain " + id + " --yes --dry-run": errYesAndDry,
		"contain " + id + " --person x":      identity.ErrInvalidEmail,
		"show x":                             application.ErrNoSuchIncident,
		"release " + unknown:                 application.ErrNoSuchIncident,
		"contain " + unknown:                 application.ErrNoSuchIncident,
		"list --limit 0":                     application.ErrInvalidPage,
	} {
		if out, err := as(strings.Fields(args)...); !errors.Is(err, want) {
			t.Errorf("%s: got %s and %v, want %v", args, out, err, want)
		}
	}
}
