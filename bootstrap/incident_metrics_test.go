package bootstrap

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/uid"
)

// What is only noticed holds nothing, and wakes no operator as what is held does.
func TestHeldAndNoticedSourcesAreCountedApart(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	made := func(last byte, change func(*incident.Snapshot)) *incident.Incident {
		s := incident.Snapshot{ID: uid.New(now), NoticedAt: now, HeldUntil: now.Add(time.Hour)}
		s.Source = incident.Source{Kind: incident.Devices, ClientID: "difyctl"}.At(netip.AddrFrom4([4]byte{192, 0, 2, last}))
		change(&s)
		i, err := incident.Restore(s)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	all := incident.NewHolds(
		made(1, func(*incident.Snapshot) {}),
		made(2, func(s *incident.Snapshot) { s.ContainedAt, s.ContainedBy, s.Partly = now, "ops", true }),
		made(3, func(s *incident.Snapshot) { s.ContainedAt, s.ContainedBy = now, "ops" }),
		made(4, func(s *incident.Snapshot) { s.Source = incident.AddressOf(s.Source.Network.Addr()) }),
		made(5, func(s *incident.Snapshot) { s.Source = incident.AddressOf(s.Source.Network.Addr()) }),
		made(6, func(s *incident.Snapshot) { s.HeldUntil = now }),
	)
	read := func(context.Context) (incident.Holds, string, error) { return all, "1", nil }
	held := &heldSources{lastgood.Follow("held sources", slog.New(slog.DiscardHandler), read, func(context.Context, incident.Holds) {})}
	if err := held.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := &metrics{registry: prometheus.NewRegistry()}
	measureHolds(m, held, func() time.Time { return now })
	found, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range found {
		got[family.GetName()] = family.GetMetric()[0].GetGauge().GetValue()
	}
	if got["devicegate_incidents_open"] != 3 || got["devicegate_incidents_noticed"] != 2 {
		t.Errorf("got %v, want 3 held and 2 noticed", got)
	}
}
