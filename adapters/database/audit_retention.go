package database

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
)

func (w auditSeals) MarkRemoved(ctx context.Context, of audit.Day, at time.Time, event audit.Event) error {
	if event.ID.IsZero() {
		return errNoEvent
	}
	result, err := w.db.NewUpdate().Model((*sealRow)(nil)).Set("removed_at = ?", timestamp(at)).
		Where("day = ?", string(of)).Where("removed_at IS NULL").Exec(ctx)
	if err != nil {
		return mapError(ctx, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return mapError(ctx, err)
	}
	return w.tx.record(ctx, event)
}

// DeleteEvents finds the events by their links: an event without one was added
// after the day was sealed, and stays to be seen.
func (w auditSeals) DeleteEvents(ctx context.Context, of audit.Day, limit int) (int, error) {
	var first linkRow
	err := w.db.NewSelect().Model(&first).Column("number").Where("day = ?", string(of)).
		Where("EXISTS (SELECT 1 FROM audit_seals AS s WHERE s.day = ?TableAlias.day AND s.removed_at IS NOT NULL)").
		Order("number").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, mapError(ctx, err)
	}
	const these = "day = ?0 AND number BETWEEN ?1 AND ?2"
	values := []any{string(of), first.Number, first.Number + int64(limit) - 1}
	for _, rows := range []struct {
		model any
		key   string
	}{{(*eventRow)(nil), "id"}, {(*parkedRow)(nil), "event_id"}} {
		events := w.db.NewSelect().Model((*linkRow)(nil)).Column("event_id").Where(these, values...)
		if _, err := w.db.NewDelete().Model(rows.model).Where("? IN (?)", bun.Ident(rows.key), events).Exec(ctx); err != nil {
			return 0, mapError(ctx, err)
		}
	}
	result, err := w.db.NewDelete().Model((*linkRow)(nil)).Where(these, values...).Exec(ctx)
	if err != nil {
		return 0, mapError(ctx, err)
	}
	n, err := result.RowsAffected()
	return int(n), mapError(ctx, err)
}
