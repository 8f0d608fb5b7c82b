package application

import (
	"context"
	"errors"
)

// InBatches makes sweeps of so many rows in a transaction, and transactions in a
// run.
func (uc *SweepExpired) InBatches(rows, most int) *SweepExpired {
	uc.batches = batches{rows, most}
	return uc
}

// InBatches does the same.
func (uc *SweepTokens) InBatches(rows, most int) *SweepTokens {
	uc.batches = batches{rows, most}
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
