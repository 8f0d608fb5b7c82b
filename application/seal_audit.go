package application

import (
	"context"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

// SealAudit hashes the events of days that are over into a chain, so that it can
// be proven that none was changed, removed or added since.
type SealAudit struct {
	store ports.Store
	now   ports.Clock
}

// NewSealAudit makes the use case.
func NewSealAudit(store ports.Store, now ports.Clock) *SealAudit { return &SealAudit{store, now} }

// Execute seals all days that are due, the first one first, and returns their
// seals. It may be interrupted at any time; the next run goes on where it stopped.
// Of two runs at the same time one fails.
func (uc *SealAudit) Execute(ctx context.Context) (sealed []audit.Seal, err error) {
	var last audit.Seal
	var first []audit.Event
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		if last, err = r.AuditSeals().LastSeal(ctx); err == nil && last.Day == "" {
			first, err = r.Audit().Events(ctx, ports.AuditFilter{Limit: 1})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find the day to seal: %w", err)
	}
	day := last.Day.Next()
	if last.Day == "" {
		if len(first) == 0 {
			return nil, nil
		}
		day = audit.DayOf(first[0].At)
	}
	rows := sealing.least
	for ; day.Next().Begins().Before(audit.SealableBefore(uc.now())); day = day.Next() {
		done := false
		for !done {
			var took time.Duration
			if last, done, took, err = uc.step(ctx, day, last, rows); err != nil {
				return sealed, fmt.Errorf("seal %s: %w", day, err)
			}
			rows = sealing.next(rows, took)
		}
		sealed = append(sealed, last)
	}
	return sealed, nil
}

// step links the next events of a day to its chain and, after the last one, seals
// the day. Each step is a transaction.
func (uc *SealAudit) step(ctx context.Context, day audit.Day, before audit.Seal, rows int) (seal audit.Seal, done bool, took time.Duration, err error) {
	seal = before
	took, err = timed(ctx, uc.store, func(ctx context.Context, tx ports.Tx) error {
		last, err := tx.AuditSeals().LastLink(ctx, day)
		if err != nil {
			return err
		}
		if last.Number == 0 {
			last.Chain = audit.BeginDay(day, before.Head)
		}
		events, err := tx.Audit().Events(ctx, ports.AuditFilter{Since: day.Begins(), Until: day.Next().Begins(), After: last.Event, Limit: rows})
		if err != nil {
			return err
		}
		links := make([]audit.Link, len(events))
		for i, e := range events {
			last = audit.Link{Day: day, Number: last.Number + 1, Event: e.Position(), Chain: last.Chain.Then(e)}
			links[i] = last
		}
		if err := tx.AuditSeals().AddLinks(ctx, links); err != nil {
			return err
		}
		if done = len(events) < rows; !done {
			return nil
		}
		seal = audit.Seal{Day: day, Events: last.Number, Before: before.Head, Head: last.Chain, SealedAt: uc.now()}
		return tx.AuditSeals().AddSeal(ctx, seal)
	})
	return seal, done && err == nil, took, err
}

// sealing bounds the events in one transaction.
var sealing = batches{least: 500, most: 4000, quick: usualBatches.quick}
