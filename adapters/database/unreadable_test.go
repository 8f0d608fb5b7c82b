package database_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// TestARowThatCannotBeReadHidesNoOther breaks one of two rows in each table that
// processes read as a whole.
func TestARowThatCannotBeReadHidesNoOther(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		breaking(t, engine.Migrated(t),
			`UPDATE devicegate_clients SET settings = '{"home_page":"ftp://x"}' WHERE id = 'bad'`,
			`UPDATE idp_connections SET settings = '{"broker":"carrier-pigeon"}' WHERE slug = 'bad'`,
			`UPDATE idp_metadata SET facts = '[]' WHERE connection = 'bad'`,
			`UPDATE phishing_incidents SET network = '' WHERE network = '192.0.2.0/24'`)
	})
}

// TestAColumnOfAnotherTypeHidesNoOtherRow breaks rows as only SQLite allows, which
// keeps any value in any column.
func TestAColumnOfAnotherTypeHidesNoOtherRow(t *testing.T) {
	for name, wrong := range map[string]string{"a word": "'soon'", "a number": "7", "bytes": "x'ff'"} {
		t.Run(name, func(t *testing.T) {
			breaking(t, databasetest.Memory(t),
				`UPDATE devicegate_clients SET changed_at = `+wrong+` WHERE id = 'bad'`,
				`UPDATE idp_connections SET added_at = `+wrong+` WHERE slug = 'bad'`,
				`UPDATE idp_metadata SET tried_at = `+wrong+` WHERE connection = 'bad'`,
				`UPDATE phishing_incidents SET noticed_at = `+wrong+` WHERE network = '192.0.2.0/24'`)
		})
	}
}

// breaking breaks what is named bad by statements, and looks what is left out.
func breaking(t *testing.T, db *bun.DB, statements ...string) {
	t.Helper()
	store := databasetest.Store(t, db)
	network := addTwoOfEach(t, store)
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	err := store.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
		clients, err := r.Clients().All(ctx)
		leavesOut(t, "client", "bad", err)
		if len(clients) != 1 || clients[0].Client.ID() != "good" {
			t.Errorf("got the clients %+v, want the good one", clients)
		}
		_, err = r.Clients().ByID(ctx, "bad")
		leavesOut(t, "client", "bad", err)
		connections, err := r.Connections().All(ctx)
		leavesOut(t, "connection", "bad", err)
		if len(connections) != 1 || connections[0].Connection().Slug() != "good" {
			t.Errorf("got the connections %+v, want the good one", connections)
		}
		copies, err := r.Metadata().All(ctx)
		leavesOut(t, "metadata of connection", "bad", err)
		if len(copies) != 1 || copies[0].Connection != "good" {
			t.Errorf("got the copies %+v, want the good one", copies)
		}
		_, err = r.Metadata().Of(ctx, "bad")
		leavesOut(t, "metadata of connection", "bad", err)
		held, err := r.Incidents().Holding(ctx, time.Now())
		leavesOut(t, "incident", network.String(), err)
		if len(held) != 1 {
			t.Errorf("got %d incidents, want the good one", len(held))
		}
		listed, total, err := r.Incidents().All(ctx, 0, 10)
		leavesOut(t, "incident", network.String(), err)
		if len(listed) != 1 || total != 2 {
			t.Errorf("got %d of %d incidents, want the good one of 2", len(listed), total)
		}
		_, err = r.Incidents().ByID(ctx, network)
		leavesOut(t, "incident", network.String(), err)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	removesBad(t, db, store)
}

func leavesOut(t *testing.T, what, key string, err error) {
	t.Helper()
	rows, err := ports.LeaveOut(err)
	if err != nil || len(rows) != 1 || rows[0].What != what || rows[0].Key != key || rows[0].Err == nil {
		t.Errorf("got %+v and %v, want %s %s left out", rows, err, what, key)
	}
}

// addTwoOfEach returns the id of the incident that is about 192.0.2.0/24.
func addTwoOfEach(t *testing.T, store *database.Store) (bad uid.ID) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	by := connection.Author{Actor: audit.AdminOf("ann"), At: now}
	err := store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		var errs []error
		for _, name := range []string{"bad", "good"} {
			c := client.Must(client.Settings{ID: name, Source: client.Database})
			errs = append(errs, tx.Clients().Add(ctx, c, c.Event(audit.ClientAdded, "", by.Actor, now, request.Origin{})))
			via, err := connection.New(connection.Settings{Slug: name, Domains: []string{name + ".example"}, SAML: connection.SAMLSettings{MetadataFile: "/x.xml"}})
			added, event := connection.Add(via, by)
			errs = append(errs, err, tx.Connections().Add(ctx, added, event))
			kept := connection.NewMetadataCopy(via)
			event = kept.Replace(via, connection.Metadata{EntityID: "https://" + name + ".example", Document: []byte("<x/>")}, by)
			errs = append(errs, tx.Metadata().Keep(ctx, kept, event))
		}
		for i, network := range []string{"192.0.2.0/24", "198.51.100.0/24"} {
			source := incident.Source{Kind: incident.Network, Network: netip.MustParsePrefix(network)}
			noticed, event := incident.Rules{Hold: time.Hour}.Notice(source, incident.Assessment{}, uid.New(now), now)
			errs = append(errs, tx.Incidents().Add(ctx, noticed, event))
			if i == 0 {
				bad = noticed.Snapshot().ID
			}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return bad
}

func removesBad(t *testing.T, db *bun.DB, store *database.Store) {
	t.Helper()
	err := store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		c := client.Unreadable("bad")
		return tx.Clients().Remove(ctx, "bad", c.Event(audit.ClientRemoved, "", audit.AdminOf("ann"), time.Now().UTC(), request.Origin{}))
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := db.NewSelect().Table("devicegate_clients").Count(t.Context()); err != nil || n != 1 {
		t.Errorf("got %d clients and %v after the removal, want 1", n, err)
	}
}
