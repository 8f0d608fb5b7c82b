package porttest

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// devices is a source that no other test has.
func (w *fixture) devices() incident.Source {
	return incident.Source{Kind: incident.Devices, ClientID: "difyctl", Label: random().Hex(), UserAgent: "test/1"}
}

// observation has every field.
func (w *fixture) observation(at time.Time) incident.Observation {
	return incident.Observation{
		ID: uid.New(at), Kind: incident.Opened, At: at, Authorization: uid.New(at), Network: netip.MustParsePrefix("2001:db8:7::/48"),
		Devices: w.devices().Key(), FirstTime: random().Hex(), Person: w.ann, Browser: random(), Where: incident.Far,
		DeviceAddress: netip.MustParseAddr("2001:db8:7::1"), BrowserAddress: netip.MustParseAddr("2001:db8:7::2"),
	}
}

func (w *fixture) observed(s ports.Store, all ...incident.Observation) {
	w.t.Helper()
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error {
		for _, o := range all {
			must(w.t, tx.Incidents().Observe(ctx, o, w.event()))
		}
		return nil
	})
}

// saw makes sure that s holds these observations of an authorization and no others.
func (w *fixture) saw(s ports.Store, authorization uid.ID, want ...incident.Observation) {
	w.t.Helper()
	view(w.t, s, func(ctx context.Context, r ports.Reader) error {
		got, err := r.Incidents().SeenOf(ctx, authorization)
		if !slices.Equal(got, want) {
			w.t.Errorf("observations:\n got %+v\nwant %+v", got, want)
		}
		return err
	})
}

// fullIncident has every field.
func (w *fixture) fullIncident() incident.Snapshot {
	return incident.Snapshot{
		ID: uid.New(w.now), Source: w.devices(), NoticedAt: w.now, Since: w.now.Add(-hour), Authorization: uid.New(w.now), Why: "people: 3", Reported: true,
		HeldUntil: w.now.Add(hour), ContainedAt: w.now, ContainedBy: "ops", Partly: true, ReleasedAt: w.now, ReleasedBy: "ops",
	}
}

func (w *fixture) incident(of incident.Snapshot) *incident.Incident {
	w.t.Helper()
	i, err := incident.Restore(of)
	must(w.t, err)
	return i
}

func (w *fixture) noticed(s ports.Store, of incident.Snapshot) {
	w.t.Helper()
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error {
		return tx.Incidents().Add(ctx, w.incident(of), w.event())
	})
}

func (w *fixture) keepsIncident(s ports.Store, want incident.Snapshot) {
	w.t.Helper()
	view(w.t, s, func(ctx context.Context, r ports.Reader) error {
		got, err := r.Incidents().ByID(ctx, want.ID)
		if err == nil {
			equal(w.t, got.Snapshot(), want)
		}
		return err
	})
}

func storeIncidents(t *testing.T, open func(t *testing.T) ports.Store) {
	t.Run("an observation is found with every field", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		full := w.observation(w.now)
		noZero(t, full)
		least := incident.Observation{ID: uid.New(w.now), Kind: incident.Burst, At: w.now, Authorization: uid.New(w.now)}
		w.observed(s, full, least)
		w.saw(s, full.Authorization, full)
		w.saw(s, least.Authorization, least)
		w.saw(s, uid.New(w.now))
	})

	t.Run("observations are found by source, the youngest first", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		source := w.devices()
		var all []incident.Observation
		for i := range 4 {
			o := w.observation(w.now.Add(time.Duration(i) * time.Second))
			o.Devices = source.Key()
			all = append(all, o)
		}
		w.observed(s, all...)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Incidents().Seen(ctx, source, all[1].At, 2)
			if want := []incident.Observation{all[3], all[2]}; !slices.Equal(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			must(t, err)
			got, err = r.Incidents().Seen(ctx, incident.Source{Kind: incident.Network, Network: all[0].Network}, all[0].At, incident.SeenAtMost)
			for _, o := range all {
				if !slices.Contains(got, o) {
					t.Errorf("of the network: got %v, want %s among them", got, o.ID)
				}
			}
			must(t, err)
			of, err := r.Incidents().Seen(ctx, incident.AddressOf(netip.MustParseAddr("2001:db8:7::99")), all[0].At, incident.SeenAtMost)
			if !slices.Equal(of, got) {
				t.Errorf("of an address: got %v, want those of its network: %v", of, got)
			}
			return err
		})
	})

	t.Run("observations of devices alike are found by their address", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		alike := w.devices()
		there, elsewhere, other := w.observation(w.now), w.observation(w.now), w.observation(w.now)
		there.Devices, elsewhere.Devices = alike.Key(), alike.Key()
		elsewhere.DeviceAddress = there.DeviceAddress.Next()
		before := there
		before.ID, before.At = uid.New(w.now), w.now.Add(-time.Second)
		w.observed(s, there, elsewhere, other, before)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Incidents().Seen(ctx, alike.At(there.DeviceAddress), w.now, incident.SeenAtMost)
			if want := []incident.Observation{there}; !slices.Equal(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			return err
		})
	})

	t.Run("what one person causes displaces no observation of another", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		source := w.devices()
		other, flood := w.observation(w.now), w.observation(w.now)
		flood.Person = w.subject("flood@example.com", "flood")
		other.Devices, flood.Devices = source.Key(), source.Key()
		w.observed(s, other)
		for i := range 4 {
			flood.ID, flood.At = uid.New(w.now), w.now.Add(time.Duration(i+1)*time.Second)
			w.observed(s, flood)
		}
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Incidents().Seen(ctx, source, w.now, 3)
			if len(got) != 3 || got[0] != flood || got[2] != other {
				t.Errorf("got %+v, want the two youngest of the flood, and the other person's", got)
			}
			return err
		})
	})

	t.Run("what strangers cause displaces no observation of a person", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		source := w.devices()
		person, poll := w.observation(w.now), w.observation(w.now)
		person.Devices, poll.Devices = source.Key(), source.Key()
		poll.Kind, poll.Person, poll.Where = incident.PolledElsewhere, identity.Subject{}, ""
		first := poll
		for i := range 3 {
			poll.ID, poll.At = uid.New(w.now), w.now.Add(time.Duration(i+1)*time.Second)
			w.observed(s, poll)
			first = poll
		}
		w.observed(s, person)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Incidents().Seen(ctx, source, w.now, 1)
			if want := []incident.Observation{first, person}; !slices.Equal(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			return err
		})
	})

	t.Run("an incident is kept with every field", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		full := w.fullIncident()
		w.noticed(s, full)
		w.keepsIncident(s, full)
		network := w.fullIncident()
		network.Source = incident.Source{Kind: incident.Network, Network: netip.MustParsePrefix("192.0.2.0/24")}
		w.noticed(s, network)
		w.keepsIncident(s, network)
		address := w.fullIncident()
		address.Source = incident.AddressOf(netip.MustParseAddr("192.0.2.7"))
		w.noticed(s, address)
		w.keepsIncident(s, address)
		alike := w.fullIncident()
		alike.Source = w.devices().At(netip.MustParseAddr("192.0.2.7"))
		w.noticed(s, alike)
		w.keepsIncident(s, alike)
		changed := network
		changed.Why, changed.Reported, changed.HeldUntil = "people: 4", false, w.now.Add(2*hour)
		changed.ContainedAt, changed.ContainedBy, changed.Partly, changed.Since = time.Time{}, "", false, time.Time{}
		changed.ReleasedAt, changed.ReleasedBy = w.now.Add(1000), "other"
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			return tx.Incidents().Save(ctx, w.incident(changed), w.event())
		})
		w.keepsIncident(s, changed)
	})

	t.Run("a source has one open incident", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		released := w.fullIncident()
		first := released
		first.ID, first.NoticedAt, first.ReleasedAt, first.ReleasedBy = uid.New(w.now), w.now.Add(time.Second), time.Time{}, ""
		second := first
		second.ID = uid.New(w.now)
		w.noticed(s, released)
		w.noticed(s, first)
		refused := w.event()
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.Incidents().Add(ctx, w.incident(second), refused), incident.ErrOpen)
			return nil
		})
		seen(t, s, refused, 0)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			latest, err := r.Incidents().LatestOf(ctx, first.Source)
			must(t, err)
			equal(t, latest.Snapshot(), first)
			page, total, err := r.Incidents().All(ctx, 0, 1)
			if len(page) != 1 || total < 2 {
				t.Errorf("got a page of %d and %d in all, want one of at least two", len(page), total)
			}
			return err
		})
	})

	t.Run("those that hold are found", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		holds, over, released := w.fullIncident(), w.fullIncident(), w.fullIncident()
		holds.ReleasedAt, holds.ReleasedBy = time.Time{}, ""
		over.ReleasedAt, over.ReleasedBy, over.HeldUntil = time.Time{}, "", w.now
		for _, one := range []incident.Snapshot{holds, over, released} {
			w.noticed(s, one)
		}
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			all, err := r.Incidents().Holding(ctx, w.now)
			var ids []uid.ID
			for _, one := range all {
				ids = append(ids, one.Snapshot().ID)
			}
			if !slices.Contains(ids, holds.ID) || slices.Contains(ids, over.ID) || slices.Contains(ids, released.ID) {
				t.Errorf("got %v, want %s and neither %s nor %s", ids, holds.ID, over.ID, released.ID)
			}
			return err
		})
	})

	t.Run("unknown incidents are unknown", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		unknown, event := w.incident(w.fullIncident()), w.event()
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			_, err := r.Incidents().ByID(ctx, unknown.Snapshot().ID)
			is(t, err, incident.ErrUnknown)
			_, err = r.Incidents().LatestOf(ctx, w.devices())
			is(t, err, incident.ErrUnknown)
			return nil
		})
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.Incidents().Save(ctx, unknown, event), incident.ErrUnknown)
			return nil
		})
		seen(t, s, event, 0)
	})

	t.Run("what a source started is found", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		w.by.UserAgent, w.by.IP = random().Hex(), netip.MustParseAddr("2001:db8:77::1")
		a := w.added(s).Snapshot()
		w.by.IP = netip.MustParseAddr("203.0.113.9")
		b := w.added(s).Snapshot()
		w.by.UserAgent = ""
		c := w.added(s).Snapshot()
		look := incident.Source{Kind: incident.Devices, ClientID: a.ClientID, Label: a.Label, UserAgent: a.UserAgent}
		unlike := look
		unlike.Label = "another"
		bare := incident.Source{Kind: incident.Devices, ClientID: c.ClientID, Label: c.Label}
		network := incident.Source{Kind: incident.Network, Network: netip.MustParsePrefix("203.0.113.0/24")}
		for _, q := range []struct {
			of      incident.Source
			since   time.Time
			want    []uid.ID
			without []uid.ID
		}{
			{look, w.now, []uid.ID{a.ID, b.ID}, []uid.ID{c.ID}},
			{unlike, w.now, nil, []uid.ID{a.ID, b.ID, c.ID}},
			{bare, w.now, []uid.ID{c.ID}, []uid.ID{a.ID, b.ID}},
			{network, w.now, []uid.ID{b.ID, c.ID}, []uid.ID{a.ID}},
			{incident.AddressOf(b.RequestedFrom), w.now, []uid.ID{b.ID, c.ID}, []uid.ID{a.ID}},
			{incident.AddressOf(b.RequestedFrom.Next()), w.now, nil, []uid.ID{a.ID, b.ID, c.ID}},
			{look.At(a.RequestedFrom), w.now, []uid.ID{a.ID}, []uid.ID{b.ID, c.ID}},
			{look.At(b.RequestedFrom), w.now, []uid.ID{b.ID}, []uid.ID{a.ID, c.ID}},
			{bare.At(b.RequestedFrom), w.now, []uid.ID{c.ID}, []uid.ID{a.ID, b.ID}},
			{unlike.At(b.RequestedFrom), w.now, nil, []uid.ID{a.ID, b.ID, c.ID}},
			{look, w.now.Add(1000), nil, []uid.ID{a.ID, b.ID, c.ID}},
		} {
			view(t, s, func(ctx context.Context, r ports.Reader) error {
				found, err := r.Incidents().StartedBy(ctx, q.of, q.since, 10_000)
				ids := idsOf(found)
				for _, id := range q.want {
					if !slices.Contains(ids, id) {
						t.Errorf("%s: got %v, want %s among them", q.of, ids, id)
					}
				}
				for _, id := range q.without {
					if slices.Contains(ids, id) {
						t.Errorf("%s: got %v, want it without %s", q.of, ids, id)
					}
				}
				return err
			})
		}
	})

	t.Run("codes that wait displace none that was decided", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		w.by.UserAgent = random().Hex()
		decided := w.added(s).Snapshot()
		decided.Status, decided.Subject, decided.DecidedAt = device.Denied, w.ann, w.now
		w.saved(s, decided)
		w.added(s)
		source := incident.Source{Kind: incident.Devices, ClientID: decided.ClientID, Label: decided.Label, UserAgent: decided.UserAgent}
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			found, err := r.Incidents().StartedBy(ctx, source, w.now, 1)
			if got := idsOf(found); !slices.Equal(got, []uid.ID{decided.ID}) {
				t.Errorf("got %v, want %s, which was decided", got, decided.ID)
			}
			return err
		})
	})

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"observing": func(w *fixture, _ ports.Store) eventWrite {
			o := w.observation(w.now)
			return func(ctx context.Context, tx ports.Tx, e audit.Event) error { return tx.Incidents().Observe(ctx, o, e) }
		},
		"adding an incident": func(w *fixture, _ ports.Store) eventWrite {
			i := w.incident(w.fullIncident())
			return func(ctx context.Context, tx ports.Tx, e audit.Event) error { return tx.Incidents().Add(ctx, i, e) }
		},
		"changing an incident": func(w *fixture, s ports.Store) eventWrite {
			of := w.fullIncident()
			w.noticed(s, of)
			return func(ctx context.Context, tx ports.Tx, e audit.Event) error {
				return tx.Incidents().Save(ctx, w.incident(of), e)
			}
		},
	})
}

func idsOf(all []*device.Authorization) (ids []uid.ID) {
	for _, a := range all {
		ids = append(ids, a.Snapshot().ID)
	}
	return ids
}
