package jobs_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/jobs"
	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/webui"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// orderNotice orders the mail of a connected device.
func orderNotice(t *testing.T, s ports.Store) {
	t.Helper()
	at := time.Now().UTC().Truncate(time.Microsecond)
	email, err := identity.ParseEmail("ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	about := audit.New(audit.TokenMinted, audit.ClientOf("difyctl"), at, request.Origin{})
	about.ClientID, about.DeviceLabel = "difyctl", "laptop"
	if about.Subject, err = identity.NewSubject(email, "https://idp.example", ""); err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		if err := tx.Audit().Record(ctx, about); err != nil {
			return err
		}
		return tx.Jobs().Enqueue(ctx, ports.Job{Kind: ports.SendNotice, Key: notice.Order{Kind: notice.DeviceConnected, Event: about.ID}.Key()})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sendsBy are tasks that send mails through a mailer.
func sendsBy(s ports.Store, m ports.Mailer) jobs.Tasks {
	all := tasks(s)
	all.SendNotice = application.NewSendNotice(s, memory.NewClients(client.Directory{}), memory.Places{}, webui.NewNoticeWriter(webui.Config{}, nil), m)
	return all
}

// hangingMailer is a mail server that answers nothing until it is let go.
type hangingMailer struct {
	asked chan struct{}
	over  chan struct{}
}

func (m hangingMailer) Send(ctx context.Context, _ ports.Mail) error {
	m.asked <- struct{}{}
	select {
	case <-m.over:
	case <-ctx.Done():
	}
	return errBroken
}

// A worker runs two jobs of one queue at a time. Two mails at a server that hangs
// leave room for all others.
func TestNothingWaitsForAMailServerThatHangs(t *testing.T) {
	engines(t, func(t *testing.T, db *bun.DB) {
		s := databasetest.Store(t, db)
		m := hangingMailer{make(chan struct{}, 8), make(chan struct{})}
		for range 2 {
			orderNotice(t, s)
		}
		workOn(t, databasetest.JobsIn(db), sendsBy(s, m), slog.New(slog.DiscardHandler))
		t.Cleanup(func() { close(m.over) }) // before the worker is stopped
		<-m.asked
		<-m.asked
		await(t, db, 4, "SELECT count(*) FROM river_job WHERE state = 'completed'")
	})
}

// Mail that cannot be sent waits, is seen, and holds nothing else up.
func TestMailWaitsForItsServerAndNothingWaitsForMail(t *testing.T) {
	engines(t, func(t *testing.T, db *bun.DB) {
		s := databasetest.Store(t, db)
		orderNotice(t, s)
		mailer := new(memory.Mailer)
		mailer.Fail(errBroken)
		workOn(t, databasetest.JobsIn(db), sendsBy(s, mailer), slog.New(slog.DiscardHandler))
		await(t, db, 1, "SELECT count(*) FROM river_job WHERE kind = 'send_notice' AND state IN ('retryable', 'scheduled')")
		await(t, db, 4, "SELECT count(*) FROM river_job WHERE state = 'completed'")

		queue, err := jobs.NewQueue(databasetest.JobsIn(db))
		if err != nil {
			t.Fatal(err)
		}
		waiting, err := queue.List(t.Context(), false)
		if err != nil || len(waiting) != 1 || waiting[0].Attempts != notice.Attempts || !strings.Contains(waiting[0].Failures[0].Error, errBroken.Error()) {
			t.Fatalf("got %+v, %v, want the mail with its failure", waiting, err)
		}
		mailer.Fail(nil)
		if _, err := queue.Retry(t.Context(), waiting[0].ID); err != nil {
			t.Fatal(err)
		}
		await(t, db, 0, "SELECT count(*) FROM river_job WHERE state <> 'completed'")
		if n := len(mailer.Sent()); n != 1 {
			t.Errorf("got %d mails, want 1", n)
		}
	})
}
