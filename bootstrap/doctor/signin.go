package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/sealing"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// certificateWarn is how long before its end a certificate of ours is reported.
const certificateWarn = 30 * 24 * time.Hour

func (x *examination) keys(ctx context.Context) {
	set, err := x.keySet(ctx)
	switch {
	case errors.Is(err, spkeys.ErrNone):
		x.warn("keys", "there is no SAML key yet", "devicegate serve makes one at its first start")
		return
	case errors.Is(err, sealing.ErrUnknownKey):
		x.fail("keys", "the SAML key in the database was sealed with another secret", "set SECRET_KEY or SECRET_KEY_PREVIOUS to the secret with which the service ran last")
		return
	case errors.Is(err, fault.ErrUnavailable), errors.Is(err, database.ErrOldSchema):
		x.add("keys", Skipped, "the database has to answer first, with a schema of this release", "")
		return
	case err != nil:
		x.fail("keys", err.Error(), "mend the file; docs/operators.md says how keys are rotated")
		return
	}
	for _, pair := range set.Published() {
		ends := pair.Certificate().NotAfter
		switch left := ends.Sub(x.Clock()); {
		case left < 0:
			x.warn("keys", "a SAML certificate has ended on "+ends.UTC().Format(time.DateOnly)+"; some identity providers refuse it", "rotate the key (docs/operators.md)")
		case left < certificateWarn:
			x.warn("keys", "a SAML certificate ends on "+ends.UTC().Format(time.DateOnly), "rotate the key (docs/operators.md)")
		}
	}
	x.ok("keys", fmt.Sprintf("SECRET_KEY and %d SAML pairs can be used", len(set.Decrypting())))
}

// storedConnections adds those of the database to those of the file.
func (x *examination) storedConnections(ctx context.Context, db *bun.DB) {
	all := x.Connections.All()
	err := database.NewStore(db).View(ctx, func(ctx context.Context, r ports.Reader) error {
		stored, err := r.Connections().All(ctx)
		for _, s := range stored {
			all = append(all, s.Connection())
		}
		unreadable, err := ports.LeaveOut(err)
		for _, row := range unreadable {
			x.fail("connections", row.Error()+"; no sign-in by it is possible", "devicegate connections remove, then add it again")
		}
		if err != nil {
			return err
		}
		_, err = r.Metadata().All(ctx)
		unreadable, err = ports.LeaveOut(err)
		for _, row := range unreadable {
			x.fail("connections", row.Error()+"; no sign-in by it is possible", "delete it from idp_metadata to have it fetched anew")
		}
		return err
	})
	joined, conflict := connection.NewDirectory(all...)
	if err := errors.Join(err, conflict); err != nil {
		x.fail("connections", err.Error(), "devicegate connections list shows both; remove one of the two")
		return
	}
	x.Connections = joined
}

// storedClients tells which clients of the database cannot be read.
func (x *examination) storedClients(ctx context.Context, db *bun.DB) {
	err := database.NewStore(db).View(ctx, func(ctx context.Context, r ports.Reader) error {
		_, err := r.Clients().All(ctx)
		unreadable, err := ports.LeaveOut(err)
		for _, row := range unreadable {
			x.fail("clients", row.Error()+"; it is refused", "devicegate clients remove, then add it again")
		}
		return err
	})
	if err != nil {
		x.fail("clients", err.Error(), "look at what the database says")
	}
}

// storedIncidents tells which incidents cannot be read.
func (x *examination) storedIncidents(ctx context.Context, db *bun.DB) {
	err := database.NewStore(db).View(ctx, func(ctx context.Context, r ports.Reader) error {
		_, err := r.Incidents().Holding(ctx, x.Clock())
		unreadable, err := ports.LeaveOut(err)
		for _, row := range unreadable {
			x.fail("incidents", row.Error()+"; its source is not held", "delete it from phishing_incidents; if a newer release wrote it, bring this process up to that")
		}
		return err
	})
	if err != nil {
		x.fail("incidents", err.Error(), "look at what the database says")
	}
}

// keySet reads the pairs of files or of the database. It makes nothing.
func (x *examination) keySet(ctx context.Context) (spkeys.Set, error) {
	if x.Keys != (files.KeysConfig{}) {
		from := x.Keys
		if from.Active == "" {
			from.Active = files.OwnKeyFile(x.DataDir)
		}
		return from.Read()
	}
	if x.databaseIsDown {
		return spkeys.Set{}, fault.ErrUnavailable
	}
	if x.Database.CheckFile() != nil {
		return spkeys.Set{}, spkeys.ErrNone
	}
	db, err := database.Open(x.Database)
	if err != nil {
		return spkeys.Set{}, errors.Join(fault.ErrUnavailable, err)
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if err := database.CheckSchema(ctx, db); err != nil {
		return spkeys.Set{}, err
	}
	var set spkeys.Set
	err = database.NewStore(db).WithSealer(x.Sealer).View(ctx, func(ctx context.Context, r ports.Reader) error {
		ring, _, err := r.SPKeys().Ring(ctx)
		if err == nil {
			set = ring.Set()
		}
		return err
	})
	return set, err
}

// connections reads, and unless offline fetches, each connection's metadata.
func (x *examination) connections(ctx context.Context) {
	const check = "connections"
	all := x.Connections.All()
	if len(all) == 0 {
		x.warn(check, "there are none: no sign-in is possible", "devicegate connections add, or CONNECTIONS_FILE (docs/connections.md)")
		return
	}
	broker, err := saml.New(x.SAML, memory.NewKeys(spkeys.Set{}), x.Connections, x.Clock, silent)
	if err != nil {
		x.fail(check, err.Error(), "mend CONNECTIONS_FILE, or use devicegate connections edit")
		return
	}
	if !x.Offline {
		fetching, cancel := context.WithTimeout(ctx, 2*askTime)
		defer cancel()
		broker.Maintain(fetching)
	}
	before := len(x.found)
	for _, n := range broker.Problems() {
		x.fail(check, n.Connection+": "+n.Text, "sign-ins through it fail; get current metadata from its administrator, or open the way to its address")
	}
	for _, n := range broker.Warnings() {
		x.warn(check, n.Connection+": "+n.Text, "ask its administrator")
	}
	for _, via := range all {
		if via.MayAssertAnyDomain() {
			x.warn(check, via.Slug()+": it may vouch for every e-mail address", "list its domains instead")
		}
	}
	if len(x.found) == before {
		x.ok(check, fmt.Sprintf("%d can be used", len(all)))
	}
}

// enterprise asks whether the inner API answers at all, without its secret.
func (x *examination) enterprise(ctx context.Context) {
	needed := x.License == ""
	for _, via := range x.Connections.All() {
		needed = needed || via.Settings().Broker == connection.Enterprise
	}
	switch {
	case x.Enterprise.URL == nil || !needed:
		return
	case x.Offline:
		x.skip("enterprise API", "not asked", "leave out --offline")
		return
	}
	if _, err := x.get(ctx, x.Enterprise.URL); err != nil {
		found, do := explain(err, x.Enterprise.URL)
		x.fail("enterprise API", found, do)
		return
	}
	x.ok("enterprise API", "answers at "+x.Enterprise.URL.Host)
}
