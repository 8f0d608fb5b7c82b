package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

type sealAudit struct {
	Key string `json:"key"`
}

// Kind implements [river.JobArgs].
func (sealAudit) Kind() string { return string(ports.SealAudit) }

// sealAuditWorker seals days, and logs their heads: what is kept elsewhere
// cannot be changed together with the database.
type sealAuditWorker struct {
	river.WorkerDefaults[sealAudit]
	run func(ctx context.Context) ([]audit.Seal, error)
	log *slog.Logger
}

// Work implements [river.Worker].
func (s *sealAuditWorker) Work(ctx context.Context, _ *river.Job[sealAudit]) error {
	sealed, err := s.run(ctx)
	for _, of := range sealed {
		s.log.InfoContext(ctx, "audit day sealed", "day", string(of.Day), "events", of.Events, "head", of.Head.Hex())
	}
	return err
}
