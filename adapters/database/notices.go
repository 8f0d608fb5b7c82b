package database

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/domain/secret"
)

type noticeRow struct {
	bun.BaseModel `bun:"table:device_notices"`

	Device    digest `bun:",pk"`
	ExpiresAt timestamp
}

type notices struct{ tx *transaction }

// Claim is one statement: of transactions at the same time the second one waits
// for the first, and then finds its row.
func (w notices) Claim(ctx context.Context, device secret.Digest, event audit.Event) (bool, error) {
	if err := w.tx.record(ctx, event); err != nil {
		return false, err
	}
	row := &noticeRow{Device: digest(device), ExpiresAt: timestamp(event.At.Add(notice.Interval))}
	result, err := w.tx.db.NewInsert().Model(row).
		On("CONFLICT (device) DO UPDATE").Set("expires_at = EXCLUDED.expires_at").
		Where("?TableAlias.expires_at <= ?", timestamp(event.At)).Exec(ctx)
	if err != nil {
		return false, mapError(ctx, err)
	}
	n, err := result.RowsAffected()
	return n == 1, mapError(ctx, err)
}

func (w notices) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	row := (*noticeRow)(nil)
	return w.tx.deleteRows(ctx, row, "device", expired(w.tx.db.NewSelect().Model(row), before, limit))
}
