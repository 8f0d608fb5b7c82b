package database

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

type observationRow struct {
	bun.BaseModel `bun:"table:phishing_observations"`

	ID              id `bun:",pk"`
	What            text
	At              timestamp
	AuthorizationID id
	Network         text
	Devices         text
	FirstTime       text
	Person          subjectColumns `bun:"embed:person_"`
	BrowserHash     digest
	Whereabouts     text
	DeviceAddress   addr
	BrowserAddress  addr
}

func observationRowOf(o incident.Observation) *observationRow {
	row := &observationRow{
		ID: id(o.ID), What: text(o.Kind), At: timestamp(o.At), AuthorizationID: id(o.Authorization), Devices: text(o.Devices),
		FirstTime: text(o.FirstTime), Person: columnsOf(o.Person), BrowserHash: digest(o.Browser), Whereabouts: text(o.Where),
		DeviceAddress: addr(o.DeviceAddress), BrowserAddress: addr(o.BrowserAddress),
	}
	if o.Network.IsValid() {
		row.Network = text(o.Network.String())
	}
	return row
}

func (r *observationRow) restore() (incident.Observation, error) {
	person, err := r.Person.subject()
	if err != nil {
		return incident.Observation{}, fmt.Errorf("stored observation %s: %w", uid.ID(r.ID), err)
	}
	network, _ := netip.ParsePrefix(string(r.Network)) // none: zero
	return incident.Observation{
		ID: uid.ID(r.ID), Kind: incident.ObservationKind(r.What), At: r.At.time(), Authorization: uid.ID(r.AuthorizationID), Network: network,
		Devices: string(r.Devices), FirstTime: string(r.FirstTime), Person: person, Browser: secret.Digest(r.BrowserHash), Where: incident.Whereabouts(r.Whereabouts),
		DeviceAddress: netip.Addr(r.DeviceAddress), BrowserAddress: netip.Addr(r.BrowserAddress),
	}, nil
}

type incidentRow struct {
	bun.BaseModel `bun:"table:phishing_incidents"`

	ID              id `bun:",pk"`
	Source          text
	SourceKind      text
	Network         text
	ClientID        text
	DeviceLabel     text
	UserAgent       text
	NoticedAt       timestamp
	SeenSince       timestamp
	AuthorizationID id
	Why             text
	Reported        bool
	HeldUntil       timestamp
	ContainedAt     timestamp
	ContainedBy     text
	ContainedPartly bool
	ReleasedAt      timestamp
	ReleasedBy      text
}

func incidentRowOf(i *incident.Incident) *incidentRow {
	s := i.Snapshot()
	row := &incidentRow{
		ID: id(s.ID), Source: text(s.Source.Key()), SourceKind: text(s.Source.Kind),
		ClientID: text(s.Source.ClientID), DeviceLabel: text(s.Source.Label), UserAgent: text(s.Source.UserAgent),
		NoticedAt: timestamp(s.NoticedAt), SeenSince: timestamp(s.Since), AuthorizationID: id(s.Authorization), Why: text(s.Why), Reported: s.Reported, HeldUntil: timestamp(s.HeldUntil),
		ContainedAt: timestamp(s.ContainedAt), ContainedBy: text(s.ContainedBy), ContainedPartly: s.Partly, ReleasedAt: timestamp(s.ReleasedAt), ReleasedBy: text(s.ReleasedBy),
	}
	if s.Source.Network.IsValid() {
		row.Network = text(s.Source.Network.String())
	}
	return row
}

func (r *incidentRow) key() string { return uid.ID(r.ID).String() }

func (r *incidentRow) restore() (*incident.Incident, error) {
	network, _ := netip.ParsePrefix(string(r.Network)) // none: zero
	return incident.Restore(incident.Snapshot{
		ID: uid.ID(r.ID),
		Source: incident.Source{
			Kind: incident.SourceKind(r.SourceKind), Network: network,
			ClientID: string(r.ClientID), Label: string(r.DeviceLabel), UserAgent: string(r.UserAgent),
		},
		NoticedAt: r.NoticedAt.time(), Since: r.SeenSince.time(), Authorization: uid.ID(r.AuthorizationID), Why: string(r.Why), Reported: r.Reported, HeldUntil: r.HeldUntil.time(),
		ContainedAt: r.ContainedAt.time(), ContainedBy: string(r.ContainedBy), Partly: r.ContainedPartly, ReleasedAt: r.ReleasedAt.time(), ReleasedBy: string(r.ReleasedBy),
	})
}

var incidentRows = rowKind[incidentRow, *incident.Incident]{"incident", (*incidentRow).key, (*incidentRow).restore}

type incidentReader struct{ reader }

func (r incidentReader) ByID(ctx context.Context, wanted uid.ID) (*incident.Incident, error) {
	return r.one(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("id = ?", id(wanted)) })
}

func (r incidentReader) LatestOf(ctx context.Context, source incident.Source) (*incident.Incident, error) {
	return r.one(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("source = ?", text(source.Key())).Order("noticed_at DESC", "id DESC")
	})
}

func (r incidentReader) one(ctx context.Context, those func(*bun.SelectQuery) *bun.SelectQuery) (*incident.Incident, error) {
	return incidentRows.one(ctx, r.reader, those(r.db.NewSelect().Model((*incidentRow)(nil))), incident.ErrUnknown)
}

func (r incidentReader) Holding(ctx context.Context, at time.Time) ([]*incident.Incident, error) {
	return r.many(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("released_at IS NULL").Where("held_until > ?", timestamp(at)).Order("noticed_at", "id")
	})
}

func (r incidentReader) All(ctx context.Context, offset, limit int) ([]*incident.Incident, int, error) {
	total, err := r.db.NewSelect().Model((*incidentRow)(nil)).Count(ctx)
	if err != nil {
		return nil, 0, mapError(ctx, err)
	}
	all, err := r.many(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Order("noticed_at DESC", "id DESC").Offset(int64(offset)).Limit(int64(limit))
	})
	return all, int(total), err
}

func (r incidentReader) many(ctx context.Context, those func(*bun.SelectQuery) *bun.SelectQuery) ([]*incident.Incident, error) {
	return incidentRows.all(ctx, r.reader, those(r.db.NewSelect().Model((*incidentRow)(nil))))
}

func (r incidentReader) Seen(ctx context.Context, source incident.Source, since time.Time, limit int) ([]incident.Observation, error) {
	of := func(q *bun.SelectQuery) *bun.SelectQuery {
		switch q = q.Where("at >= ?", timestamp(since)); source.Kind {
		case incident.Network, incident.Address:
			return q.Where("network = ?", text(incident.NetworkOf(source.Network.Addr()).String()))
		case incident.FirstTime:
			return q.Where("first_time = ?", text(source.Key()))
		case incident.DevicesAtAddress:
			return q.Where("devices = ?", text(source.Anywhere().Key())).Where("device_address = ?", addr(source.Network.Addr()))
		}
		return q.Where("devices = ?", text(source.Key()))
	}
	ofPeople := func(q *bun.SelectQuery) *bun.SelectQuery { return of(q).Where("person_email IS NOT NULL") }
	people, err := r.seen(ctx, limit, ofPeople)
	if err == nil && len(people) == limit { // one person may have caused them all
		people, err = r.seen(ctx, limit, func(q *bun.SelectQuery) *bun.SelectQuery {
			return ofPeople(q).OrderExpr("CASE WHEN id IN (?) THEN 0 ELSE 1 END", r.shares(ofPeople, max(1, limit/sharesOfSeen)))
		})
	}
	if err != nil {
		return nil, err
	}
	others, err := r.seen(ctx, limit, func(q *bun.SelectQuery) *bun.SelectQuery { return of(q).Where("person_email IS NULL") })
	if err != nil {
		return nil, err
	}
	all := append(people, others...)
	slices.SortFunc(all, func(a, b incident.Observation) int {
		return cmp.Or(b.At.Compare(a.At), bytes.Compare(b.ID[:], a.ID[:]))
	})
	return all, nil
}

// sharesOfSeen is of how many people at least the observations come, if there are so
// many, where there are more than are asked for.
const sharesOfSeen = 100

// shares are the ids of so many observations of each person: half of them the oldest,
// by which people are known, and half the youngest.
func (r incidentReader) shares(those func(*bun.SelectQuery) *bun.SelectQuery, share int) *bun.SelectQuery {
	const ofPerson = "row_number() OVER (PARTITION BY person_issuer, person_email ORDER BY "
	ranked := those(r.db.NewSelect().Model((*observationRow)(nil))).Column("id").
		ColumnExpr(ofPerson + "at DESC, id DESC) AS youngest").ColumnExpr(ofPerson + "at, id) AS oldest")
	return r.db.NewSelect().TableExpr("(?) AS ranked", ranked).Column("id").
		Where("youngest <= ?", (share+1)/2).WhereOr("oldest <= ?", share/2)
}

func (r incidentReader) SeenOf(ctx context.Context, authorization uid.ID) ([]incident.Observation, error) {
	return r.seen(ctx, incident.SeenAtMost, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("authorization_id = ?", id(authorization))
	})
}

func (r incidentReader) seen(ctx context.Context, limit int, those func(*bun.SelectQuery) *bun.SelectQuery) ([]incident.Observation, error) {
	var rows []observationRow
	if err := those(r.db.NewSelect().Model(&rows)).Order("at DESC", "id DESC").Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	all := make([]incident.Observation, len(rows))
	for i := range rows {
		var err error
		if all[i], err = rows[i].restore(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r incidentReader) StartedBy(ctx context.Context, source incident.Source, since time.Time, limit int) ([]*device.Authorization, error) {
	var rows []authorizationRow
	q := r.from(&rows).Where("requested_at >= ?", timestamp(since)).Limit(int64(limit)).
		OrderExpr("CASE status WHEN ? THEN 1 ELSE 0 END", text(device.Pending)).Order("requested_at DESC", "id DESC")
	switch source.Kind {
	case incident.Network, incident.Address, incident.DevicesAtAddress:
		q = q.Where(inNetwork(r.db, "requested_from"), source.Network.String())
	case incident.FirstTime:
		seen := r.db.NewSelect().Model((*observationRow)(nil)).Column("authorization_id").
			Where("first_time = ?", text(source.Key())).Where("at >= ?", timestamp(since))
		q = q.Where("id IN (?)", seen)
	}
	switch source.Kind {
	case incident.Devices, incident.DevicesAtAddress:
		q = q.Where("client_id = ?", text(source.ClientID)).Where("device_label = ?", text(source.Label)).
			Where("coalesce(user_agent, '') = ?", text(source.UserAgent).storable())
	}
	if err := q.Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	return restoreAuthorizations(rows)
}

type incidents struct {
	incidentReader
	tx *transaction
}

func (w incidents) Observe(ctx context.Context, o incident.Observation, event audit.Event) error {
	return w.tx.add(ctx, event, observationRowOf(o))
}

func (w incidents) Add(ctx context.Context, i *incident.Incident, event audit.Event) error {
	if err := w.tx.addUnless(ctx, event, incidentRowOf(i), insertingUnless("(source) WHERE released_at IS NULL"), incident.ErrOpen); err != nil {
		return err
	}
	return w.tx.announce(ctx, ports.TopicIncidents)
}

func (w incidents) Save(ctx context.Context, i *incident.Incident, event audit.Event) error {
	if err := w.tx.save(ctx, event, incidentRowOf(i), incident.ErrUnknown); err != nil {
		return err
	}
	return w.tx.announce(ctx, ports.TopicIncidents)
}

func (w incidents) DeleteSeen(ctx context.Context, before time.Time, limit int) (int, error) {
	row := (*observationRow)(nil)
	return w.tx.deleteRows(ctx, row, "id", w.tx.db.NewSelect().Model(row).Where("at < ?", timestamp(before)).Limit(int64(limit)))
}
