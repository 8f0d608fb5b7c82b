package application

import (
	"context"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// batches bound what a sweep does at once. A transaction has the more rows, the
// quicker those before it were: SQLite's other writers wait for it.
type batches struct {
	least, most int           // rows in one transaction
	quick       time.Duration // the next one has more rows if one took less
	runs        int           // transactions for one table in one run; then another job goes on
}

var usualBatches = batches{least: 200, most: 2000, quick: 25 * time.Millisecond, runs: 500}

// next is how many rows follow those of a transaction.
func (b batches) next(rows int, took time.Duration) int {
	switch {
	case took < b.quick:
		return min(2*rows, b.most)
	case took > 2*b.quick:
		return max(rows/2, b.least)
	}
	return rows
}

// swept is what one transaction did.
type swept struct {
	rows int           // that it changed
	full bool          // there may be more
	took time.Duration // without the wait for SQLite's other writers
}

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
	return s.repeat(what, func(rows int, last bool) (b swept, err error) {
		b.took, err = timed(ctx, s.store, func(ctx context.Context, tx ports.Tx) (err error) {
			if b.rows, err = remove(ctx, tx, rows); err != nil {
				return err
			}
			b.full = b.rows == rows
			return s.goOn(ctx, tx, b.full && last)
		})
		return b, err
	})
}

// found changes, in batches, rows that are looked for outside of a transaction,
// because that takes longer than others should wait.
func (s sweep) found(ctx context.Context, what string,
	find func(ctx context.Context, r ports.Reader, limit int) ([]uid.ID, error),
	change func(ctx context.Context, tx ports.Tx, ids []uid.ID) (int, error),
) (int, error) {
	return s.repeat(what, func(rows int, last bool) (b swept, err error) {
		var ids []uid.ID
		err = s.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
			ids, err = find(ctx, r, rows)
			return err
		})
		if err != nil || len(ids) == 0 {
			return b, err
		}
		b.took, err = timed(ctx, s.store, func(ctx context.Context, tx ports.Tx) (err error) {
			if b.rows, err = change(ctx, tx, ids); err != nil {
				return err
			}
			b.full = len(ids) == rows && b.rows > 0 // others may have all of them locked
			return s.goOn(ctx, tx, b.full && last)
		})
		return b, err
	})
}

// timed is an Update that says how long it took.
func timed(ctx context.Context, store ports.Store, fn func(ctx context.Context, tx ports.Tx) error) (took time.Duration, err error) {
	began := time.Now()
	err = store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		began = time.Now()
		return fn(ctx, tx)
	})
	return time.Since(began), err
}

// repeat runs batches until one is not full, and returns how many rows changed.
func (s sweep) repeat(what string, run func(rows int, last bool) (swept, error)) (total int, err error) {
	rows := s.least
	for i := range s.runs {
		b, err := run(rows, i == s.runs-1)
		if err != nil {
			return total, fmt.Errorf("sweep %s: %w", what, err)
		}
		total += b.rows
		if !b.full {
			break
		}
		rows = s.next(rows, b.took)
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
