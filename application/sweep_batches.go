package application

import (
	"context"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// batches bound what a sweep does at once.
type batches struct {
	rows int // in one transaction: SQLite's other writers wait for it
	most int // transactions for one table in one run; then another job goes on
}

var usualBatches = batches{rows: 200, most: 500}

// sweep is one run of a sweep.
type sweep struct {
	store ports.Store
	batches
	more ports.Job // goes on where this run stops
}

func newSweep(store ports.Store, b batches, kind ports.JobKind, at time.Time) sweep {
	// This run's own job is unfinished still: the key tells the two apart.
	return sweep{store, b, ports.Job{Kind: kind, Key: "after " + at.Format(time.RFC3339Nano)}}
}

// expired deletes, in batches, rows that an index finds.
func (s sweep) expired(ctx context.Context, what string, remove func(ctx context.Context, tx ports.Tx, limit int) (int, error)) (int, error) {
	return s.repeat(what, func(last bool) (full bool, n int, err error) {
		err = s.store.Update(ctx, func(ctx context.Context, tx ports.Tx) (err error) {
			if n, err = remove(ctx, tx, s.rows); err != nil {
				return err
			}
			full = n == s.rows
			return s.goOn(ctx, tx, full && last)
		})
		return full, n, err
	})
}

// found changes, in batches, rows that are looked for outside of a transaction,
// because that takes longer than others should wait.
func (s sweep) found(ctx context.Context, what string,
	find func(ctx context.Context, r ports.Reader, limit int) ([]uid.ID, error),
	change func(ctx context.Context, tx ports.Tx, ids []uid.ID) (int, error),
) (int, error) {
	return s.repeat(what, func(last bool) (full bool, n int, err error) {
		var ids []uid.ID
		err = s.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
			ids, err = find(ctx, r, s.rows)
			return err
		})
		if err != nil || len(ids) == 0 {
			return false, 0, err
		}
		err = s.store.Update(ctx, func(ctx context.Context, tx ports.Tx) (err error) {
			if n, err = change(ctx, tx, ids); err != nil {
				return err
			}
			full = len(ids) == s.rows && n > 0 // others may have all of them locked
			return s.goOn(ctx, tx, full && last)
		})
		return full, n, err
	})
}

// repeat runs batches until one is not full, and returns how many rows changed.
func (s sweep) repeat(what string, batch func(last bool) (full bool, n int, err error)) (total int, err error) {
	for i := range s.most {
		full, n, err := batch(i == s.most-1)
		if err != nil {
			return total, fmt.Errorf("sweep %s: %w", what, err)
		}
		total += n
		if !full {
			break
		}
	}
	return total, nil
}

// goOn leaves the rest to another job.
func (s sweep) goOn(ctx context.Context, tx ports.Tx, more bool) error {
	if !more {
		return nil
	}
	return tx.Jobs().Enqueue(ctx, s.more)
}
