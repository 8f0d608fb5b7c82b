package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/ports"
)

type sendNotice struct {
	Key string `json:"key"`
}

// Kind implements [river.JobArgs].
func (sendNotice) Kind() string { return string(ports.SendNotice) }

// sendNoticeWorker sends mails. They have a queue of their own, so that nothing else waits
// for a mail server that hangs.
type sendNoticeWorker struct {
	river.WorkerDefaults[sendNotice]
	run func(ctx context.Context, key string) error
}

// noticeTime is more than a mailer takes.
const noticeTime = 2 * time.Minute

// Work implements [river.Worker].
func (s *sendNoticeWorker) Work(ctx context.Context, job *river.Job[sendNotice]) error {
	return s.run(ctx, job.Args.Key)
}

// Timeout implements [river.Worker].
func (*sendNoticeWorker) Timeout(*river.Job[sendNotice]) time.Duration { return noticeTime }

// NextRetry implements [river.Worker].
func (*sendNoticeWorker) NextRetry(job *river.Job[sendNotice]) time.Time {
	return time.Now().Add(notice.PauseAfter(job.Attempt))
}
