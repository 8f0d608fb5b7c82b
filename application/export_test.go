package application

import (
	"context"
	"errors"
	"time"
)

// InBatches makes sweeps of so many rows in a transaction, and transactions in a
// run.
func (uc *SweepExpired) InBatches(rows, most int) *SweepExpired {
	uc.batches = batches{least: rows, most: rows, runs: most}
	return uc
}

// InGrowingBatches makes sweeps whose transactions all count as quick.
func (uc *SweepExpired) InGrowingBatches(least, most int) *SweepExpired {
	uc.batches = batches{least: least, most: most, quick: time.Hour, runs: 100}
	return uc
}

// NextBatch is how many rows follow those of a transaction.
func NextBatch(rows int, took time.Duration) int { return usualBatches.next(rows, took) }

// InBatches does the same.
func (uc *SweepTokens) InBatches(rows, most int) *SweepTokens {
	uc.batches = batches{least: rows, most: rows, runs: most}
	return uc
}

// CompareWaiting compares the responses that wait now.
func (uc *CompareShadows) CompareWaiting(ctx context.Context) (err error) {
	for {
		select {
		case one := <-uc.waiting:
			err = errors.Join(err, uc.compare(ctx, one))
		default:
			return err
		}
	}
}
