package porttest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func storeAudit(t *testing.T, open func(t *testing.T) ports.Store) {
	record := func(t *testing.T, s ports.Store, events ...audit.Event) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			for _, e := range events {
				must(t, tx.Audit().Record(ctx, e))
			}
			return nil
		})
	}
	read := func(t *testing.T, s ports.Store, wanted ports.AuditFilter) (events []audit.Event) {
		t.Helper()
		view(t, s, func(ctx context.Context, r ports.Reader) (err error) {
			events, err = r.Audit().Events(ctx, wanted)
			return err
		})
		return events
	}

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"Record": func(*fixture, ports.Store) eventWrite {
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error { return tx.Audit().Record(ctx, event) }
		},
	})

	t.Run("an event comes back with every field, or without", func(t *testing.T) { // F05
		s, w := open(t), newFixture(t)
		full := w.event()
		noZeroEvent(t, full)
		bare := audit.New(audit.LoginFailed, audit.Anonymous, w.now, request.Origin{})
		record(t, s, full, bare)
		seen(t, s, full, 1)
		seen(t, s, bare, 1)
	})

	t.Run("an event is found by its ID", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		e := w.event()
		record(t, s, e)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Audit().Find(ctx, e.ID)
			if err != nil || !reflect.DeepEqual(got, e) {
				t.Errorf("got %+v, %v, want %+v", got, err, e)
			}
			_, err = r.Audit().Find(ctx, uid.New(w.now))
			if !errors.Is(err, audit.ErrUnknown) {
				t.Errorf("got %v, want ErrUnknown", err)
			}
			return nil
		})
	})

	t.Run("text that no database keeps is replaced", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		e := w.event()
		e.DeviceLabel, e.Detail, e.Origin.UserAgent = longLabel, "expected it's, received \x00\xff\\'", "Mozilla/5.0 \x00 \xff"
		record(t, s, e)
		e.Detail, e.Origin.UserAgent = "expected it's, received \uFFFD\uFFFD\\'", "Mozilla/5.0 \uFFFD \uFFFD"
		seen(t, s, e, 1)
	})

	t.Run("events are found by each part of a filter, in order", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		id, slug := uid.New(w.now), w.issuer
		var all []audit.Event
		for i := range 4 {
			e := w.event()
			e.At, e.TokenID, e.Connection = w.now.Add(time.Duration(i)*time.Microsecond), id, slug
			all = append(all, e)
		}
		all[1].Kind, all[2].At = audit.LoginFailed, all[1].At // the order in which they were made decides
		for i := range all[1:] {
			all[i+1].Subject, all[i+1].Actor = identity.Subject{}, audit.AdminOf("bob")
		}
		all[0].Actor, all[2].Actor, all[3].Actor, all[3].ClientID = audit.Anonymous, audit.AdminOf("ann"), audit.ClientOf("c"), "another"
		record(t, s, all[3], all[1], all[0], all[2])
		other := w.event()
		record(t, s, other)

		for name, c := range map[string]struct {
			wanted ports.AuditFilter
			want   []audit.Event
		}{
			"token":                      {ports.AuditFilter{TokenID: id}, all},
			"connection":                 {ports.AuditFilter{Connection: slug}, all},
			"newest first":               {ports.AuditFilter{TokenID: id, Newest: true}, []audit.Event{all[3], all[2], all[1], all[0]}},
			"limit":                      {ports.AuditFilter{TokenID: id, Limit: 2}, all[:2]},
			"newest of limit":            {ports.AuditFilter{TokenID: id, Newest: true, Limit: 1}, all[3:]},
			"kind":                       {ports.AuditFilter{TokenID: id, Kind: audit.LoginFailed}, all[1:2]},
			"since":                      {ports.AuditFilter{TokenID: id, Since: all[1].At}, all[1:]},
			"token, other":               {ports.AuditFilter{TokenID: other.TokenID}, []audit.Event{other}},
			"until":                      {ports.AuditFilter{TokenID: id, Until: all[1].At}, all[:1]},
			"authorization":              {ports.AuditFilter{AuthorizationID: other.AuthorizationID}, []audit.Event{other}},
			"subject":                    {ports.AuditFilter{TokenID: id, Email: all[0].Subject.Email().String()}, all[:1]},
			"issuer":                     {ports.AuditFilter{TokenID: id, Issuer: all[0].Subject.Issuer()}, all[:1]},
			"client":                     {ports.AuditFilter{TokenID: id, ClientID: "another"}, all[3:]},
			"actor":                      {ports.AuditFilter{TokenID: id, Actor: audit.AdminOf("ann")}, all[2:3]},
			"kind of actor":              {ports.AuditFilter{TokenID: id, Actor: audit.Actor{Kind: audit.Admin}}, all[1:3]},
			"name of actor":              {ports.AuditFilter{TokenID: id, Actor: audit.Actor{Name: "ann"}}, all[2:3]},
			"after the first":            {ports.AuditFilter{TokenID: id, After: all[0].Position()}, all[1:]},
			"after one of the same time": {ports.AuditFilter{TokenID: id, After: all[1].Position()}, all[2:]},
			"after the last":             {ports.AuditFilter{TokenID: id, After: all[3].Position()}, nil},
			"none":                       {ports.AuditFilter{TokenID: uid.New(w.now)}, nil},
		} {
			got := read(t, s, c.wanted)
			if len(got) != len(c.want) {
				t.Errorf("%s: got %d events, want %d", name, len(got), len(c.want))
				continue
			}
			for i := range got {
				if !reflect.DeepEqual(got[i], c.want[i]) {
					t.Errorf("%s: event %d:\n got %+v\nwant %+v", name, i, got[i], c.want[i])
				}
			}
		}
	})
}

// noZeroEvent makes sure that the event by which stores are tested has every
// field. Whether a proxy is known is not kept: it is about the configuration.
func noZeroEvent(t *testing.T, e audit.Event) {
	t.Helper()
	e.Origin.BehindUnknownProxy, e.Origin.OfProxy = true, true
	e.Origin.Language = "en" // of the authorization
	noZero(t, e)
}
