package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

type sealRow struct {
	bun.BaseModel `bun:"table:audit_seals"`

	Day        text `bun:",pk"`
	Events     int64
	BeforeHead text
	Head       text
	SealedAt   timestamp
	RemovedAt  timestamp
}

func (r *sealRow) restore() (audit.Seal, error) {
	before, err1 := audit.ParseChain(string(r.BeforeHead))
	head, err2 := audit.ParseChain(string(r.Head))
	if err := errors.Join(err1, err2); err != nil {
		return audit.Seal{}, fmt.Errorf("stored seal of %s: %w", r.Day, err)
	}
	return audit.Seal{Day: audit.Day(r.Day), Events: r.Events, Before: before, Head: head, SealedAt: r.SealedAt.time(), RemovedAt: r.RemovedAt.time()}, nil
}

type linkRow struct {
	bun.BaseModel `bun:"table:audit_links"`

	Day     text  `bun:",pk"`
	Number  int64 `bun:",pk"`
	EventID id
	Time    timestamp
	Chain   text
}

func (r *linkRow) restore() (audit.Link, error) {
	chain, err := audit.ParseChain(string(r.Chain))
	if err != nil {
		return audit.Link{}, fmt.Errorf("stored link %d of %s: %w", r.Number, r.Day, err)
	}
	return audit.Link{Day: audit.Day(r.Day), Number: r.Number, Event: audit.Position{At: r.Time.time(), ID: uid.ID(r.EventID)}, Chain: chain}, nil
}

type auditSealReader struct{ reader }

func (r auditSealReader) Seals(ctx context.Context, after audit.Day) ([]audit.Seal, error) {
	var rows []sealRow
	err := r.db.NewSelect().Model(&rows).Where("day > ?", string(after)).Order("day").Limit(ports.AuditLimit).Scan(ctx)
	if err != nil {
		return nil, mapError(ctx, err)
	}
	seals := make([]audit.Seal, len(rows))
	for i := range rows {
		if seals[i], err = rows[i].restore(); err != nil {
			return nil, err
		}
	}
	return seals, nil
}

func (r auditSealReader) LastSeal(ctx context.Context) (audit.Seal, error) {
	var row sealRow
	err := r.db.NewSelect().Model(&row).Order("day DESC").Limit(1).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return audit.Seal{}, nil
	case err != nil:
		return audit.Seal{}, mapError(ctx, err)
	}
	return row.restore()
}

func (r auditSealReader) Links(ctx context.Context, of audit.Day, after int64) ([]audit.Link, error) {
	var rows []linkRow
	err := r.db.NewSelect().Model(&rows).Where("day = ?", string(of)).Where("number > ?", after).Order("number").Limit(ports.AuditLimit).Scan(ctx)
	if err != nil {
		return nil, mapError(ctx, err)
	}
	links := make([]audit.Link, len(rows))
	for i := range rows {
		if links[i], err = rows[i].restore(); err != nil {
			return nil, err
		}
	}
	return links, nil
}

func (r auditSealReader) FirstLinkedDay(ctx context.Context) (audit.Day, error) {
	var row linkRow
	err := r.db.NewSelect().Model(&row).Column("day").Order("day", "number").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return audit.Day(row.Day), mapError(ctx, err)
}

func (r auditSealReader) LastLink(ctx context.Context, of audit.Day) (audit.Link, error) {
	var row linkRow
	err := r.db.NewSelect().Model(&row).Where("day = ?", string(of)).Order("number DESC").Limit(1).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return audit.Link{}, nil
	case err != nil:
		return audit.Link{}, mapError(ctx, err)
	}
	return row.restore()
}

type auditSeals struct {
	auditSealReader
	tx *transaction
}

func (w auditSeals) AddLinks(ctx context.Context, links []audit.Link) error {
	if len(links) == 0 {
		return nil
	}
	rows := make([]linkRow, len(links))
	for i, l := range links {
		rows[i] = linkRow{Day: text(l.Day), Number: l.Number, EventID: id(l.Event.ID), Time: timestamp(l.Event.At), Chain: text(l.Chain.Hex())}
	}
	_, err := w.db.NewInsert().Model(&rows).Exec(ctx)
	return mapError(ctx, err)
}

func (w auditSeals) AddSeal(ctx context.Context, s audit.Seal) error {
	row := &sealRow{Day: text(s.Day), Events: s.Events, BeforeHead: text(s.Before.Hex()), Head: text(s.Head.Hex()), SealedAt: timestamp(s.SealedAt)}
	_, err := w.db.NewInsert().Model(row).Exec(ctx)
	return mapError(ctx, err)
}
