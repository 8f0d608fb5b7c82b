package application

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
