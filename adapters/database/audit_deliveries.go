package database

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

type progressRow struct {
	bun.BaseModel `bun:"table:audit_progress"`

	Sink         text `bun:",pk"`
	AfterTime    timestamp
	AfterID      id
	Holder       id
	LeaseUntil   timestamp
	FailingSince timestamp
	Failures     int64
	NextAt       timestamp
	LastError    text
	DeliveredAt  timestamp
}

func progressRowOf(p audit.Progress) *progressRow {
	return &progressRow{
		Sink: text(p.Sink), AfterTime: timestamp(p.After.At), AfterID: id(p.After.ID), Holder: id(p.Holder), LeaseUntil: timestamp(p.LeaseUntil),
		FailingSince: timestamp(p.FailingSince), Failures: int64(p.Failures), NextAt: timestamp(p.NextAt), LastError: text(p.LastError), DeliveredAt: timestamp(p.DeliveredAt),
	}
}

func (r *progressRow) restore() audit.Progress {
	return audit.Progress{
		Sink: audit.Sink(r.Sink), After: audit.Position{At: r.AfterTime.time(), ID: uid.ID(r.AfterID)}, Holder: uid.ID(r.Holder), LeaseUntil: r.LeaseUntil.time(),
		FailingSince: r.FailingSince.time(), Failures: int(r.Failures), NextAt: r.NextAt.time(), LastError: string(r.LastError), DeliveredAt: r.DeliveredAt.time(),
	}
}

type parkedRow struct {
	bun.BaseModel `bun:"table:audit_parked"`

	Sink      text `bun:",pk"`
	EventID   id   `bun:",pk"`
	Time      timestamp
	Stream    text
	Attempts  int64
	NextAt    timestamp
	Dead      bool
	LastError text
}

func parkedRowOf(p audit.Parked) parkedRow {
	return parkedRow{
		Sink: text(p.Sink), EventID: id(p.Event.ID), Time: timestamp(p.Event.At), Stream: text(p.Stream), Attempts: int64(p.Attempts),
		NextAt: timestamp(p.NextAt), Dead: p.Dead, LastError: text(p.LastError),
	}
}

func (r *parkedRow) restore() audit.Parked {
	return audit.Parked{
		Sink: audit.Sink(r.Sink), Event: audit.Position{At: r.Time.time(), ID: uid.ID(r.EventID)}, Stream: string(r.Stream), Attempts: int(r.Attempts),
		NextAt: r.NextAt.time(), Dead: r.Dead, LastError: string(r.LastError),
	}
}

type auditDeliveryReader struct{ reader }

func (r auditDeliveryReader) All(ctx context.Context) ([]audit.Progress, error) {
	var rows []progressRow
	if err := r.db.NewSelect().Model(&rows).Order("sink").Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	all := make([]audit.Progress, len(rows))
	for i := range rows {
		all[i] = rows[i].restore()
	}
	return all, nil
}

func (r auditDeliveryReader) Due(ctx context.Context, of audit.Sink, at time.Time, limit int) ([]audit.Parked, error) {
	return r.parked(ctx, of, limit, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("NOT dead").Where("(next_at IS NULL OR next_at <= ?)", timestamp(at)).
			Where("NOT EXISTS (SELECT 1 FROM audit_parked AS earlier WHERE earlier.sink = ?TableAlias.sink AND earlier.stream = ?TableAlias.stream" +
				" AND NOT earlier.dead AND (earlier.time, earlier.event_id) < (?TableAlias.time, ?TableAlias.event_id))")
	})
}

func (r auditDeliveryReader) Dead(ctx context.Context, of audit.Sink, limit int) ([]audit.Parked, error) {
	return r.parked(ctx, of, limit, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("dead") })
}

func (r auditDeliveryReader) parked(ctx context.Context, of audit.Sink, limit int, which func(*bun.SelectQuery) *bun.SelectQuery) ([]audit.Parked, error) {
	var rows []parkedRow
	q := which(r.db.NewSelect().Model(&rows).Where("sink = ?", string(of)))
	if err := q.Order("time", "event_id").Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	all := make([]audit.Parked, len(rows))
	for i := range rows {
		all[i] = rows[i].restore()
	}
	return all, nil
}

func (r auditDeliveryReader) Count(ctx context.Context, of audit.Sink) (waiting, dead int, err error) {
	for into, is := range map[*int]string{&waiting: "NOT dead", &dead: "dead"} {
		n, err := r.db.NewSelect().Model((*parkedRow)(nil)).Where("sink = ?", string(of)).Where(is).Count(ctx)
		if err != nil {
			return 0, 0, mapError(ctx, err)
		}
		*into = int(n)
	}
	return waiting, dead, nil
}

func (r auditDeliveryReader) Held(ctx context.Context, of audit.Sink, streams []string) ([]string, error) {
	if len(streams) == 0 {
		return nil, nil
	}
	var held []string
	err := r.db.NewSelect().Model((*parkedRow)(nil)).ColumnExpr("DISTINCT stream").Where("sink = ?", string(of)).
		Where("NOT dead").Where("stream IN (?)", bun.List(streams)).Scan(ctx, &held)
	return held, mapError(ctx, err)
}

type auditDeliveries struct {
	auditDeliveryReader
	tx *transaction
}

// Lock makes the row first: there is nothing to lock else.
func (w auditDeliveries) Lock(ctx context.Context, of audit.Sink) (audit.Progress, error) {
	fresh := progressRowOf(audit.Progress{Sink: of})
	if _, err := w.tx.db.NewInsert().Model(fresh).On("CONFLICT (sink) DO NOTHING").Exec(ctx); err != nil {
		return audit.Progress{}, mapError(ctx, err)
	}
	var row progressRow
	if err := w.from(&row).Where("sink = ?", string(of)).Scan(ctx); err != nil {
		return audit.Progress{}, mapError(ctx, err)
	}
	return row.restore(), nil
}

func (w auditDeliveries) Save(ctx context.Context, p audit.Progress) error {
	_, err := w.tx.db.NewUpdate().Model(progressRowOf(p)).WherePK().Exec(ctx)
	return mapError(ctx, err)
}

func (w auditDeliveries) Park(ctx context.Context, all []audit.Parked) error {
	if len(all) == 0 {
		return nil
	}
	rows := make([]parkedRow, len(all))
	for i, p := range all {
		rows[i] = parkedRowOf(p)
	}
	_, err := w.tx.db.NewInsert().Model(&rows).On("CONFLICT (sink, event_id) DO UPDATE").
		Set("attempts = EXCLUDED.attempts").Set("next_at = EXCLUDED.next_at").Set("dead = EXCLUDED.dead").Set("last_error = EXCLUDED.last_error").Exec(ctx)
	return mapError(ctx, err)
}

func (w auditDeliveries) Unpark(ctx context.Context, of audit.Sink, events []uid.ID) error {
	if len(events) == 0 {
		return nil
	}
	_, err := w.tx.db.NewDelete().Model((*parkedRow)(nil)).Where("sink = ?", string(of)).Where("event_id IN (?)", bun.List(keys(events))).Exec(ctx)
	return mapError(ctx, err)
}

var _ ports.AuditDeliveries = auditDeliveries{}
