package ports

import "context"

// JobKind names what a job does. Jobs wait in the database while releases change:
// a kind that was in a release keeps its name and the meaning of its key.
type JobKind string

// The kinds of jobs.
const (
	// SweepExpired deletes what has expired and cannot be used any more.
	SweepExpired JobKind = "sweep_expired"
	// SweepTokens ends tokens that expired and deletes those that ended long ago.
	SweepTokens JobKind = "sweep_tokens"
	// SealAudit hashes the events of days that are over into a chain.
	SealAudit JobKind = "seal_audit"
	// RefreshMetadata fetches the metadata of identity providers that is due.
	RefreshMetadata JobKind = "refresh_metadata"
	// DeliverAudit hands new events to the sink that is its key.
	DeliverAudit JobKind = "deliver_audit"
	// SweepAudit removes the events of days that retention lets go.
	SweepAudit JobKind = "sweep_audit"
	// SendNotice sends a mail that a transaction has ordered ([notice.Order.Key]).
	SendNotice JobKind = "send_notice"
)

// Job is work that a worker does later, at least once. Key says what it is about;
// it holds no secret.
type Job struct {
	Kind JobKind
	Key  string
}

// Jobs hands work to the workers. Jobs name no event: what they do has its own.
type Jobs interface {
	// Enqueue adds a job when the transaction commits. It changes nothing while
	// a job of the same kind and key waits or runs.
	Enqueue(ctx context.Context, job Job) error

	// Unfinished are up to a thousand jobs of a kind that wait or run, the oldest
	// first.
	Unfinished(ctx context.Context, kind JobKind) ([]Job, error)
}
