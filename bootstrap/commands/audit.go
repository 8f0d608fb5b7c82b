package commands

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

type auditCommand struct {
	Tail   tailAudit   `cmd:"" help:"Print the newest events, one JSON object on a line, and with -f those that come."`
	Export exportAudit `cmd:"" help:"Print all events that match a filter, the oldest first, one JSON object on a line."`
	Verify verifyAudit `cmd:"" help:"Prove that events of past days were not changed, removed or added, and print each day's head."`

	Deliveries auditDeliveries `cmd:"" help:"Tell how deliveries to webhook, syslog and collector go, as JSON; with --dead, list the events that a sink never took."`
	Replay     replayAudit     `cmd:"" help:"Deliver events to a sink once more: from a time or an event on, or those that it never took."`
}

// auditFilter is an [application.AuditFilterText] as flags; nil: not given.
type auditFilter struct {
	Kind       *string `placeholder:"EVENT" help:"Of this kind, for instance oauth.token_minted (docs/reference/audit-events.md)."`
	Subject    *string `placeholder:"EMAIL" help:"About this person."`
	Issuer     *string `placeholder:"ENTITY-ID" help:"About people of this identity provider."`
	Connection *string `placeholder:"SLUG" help:"Of this connection."`
	Client     *string `placeholder:"ID" help:"Of this client."`
	Token      *string `placeholder:"ID" help:"Of this token."`
	Login      *string `placeholder:"ID" help:"Of one login: the authorization_id of its events."`
	Actor      *string `placeholder:"NAME" help:"Caused by this person, client or administrator."`
	ActorKind  *string `placeholder:"KIND" help:"Caused by a person, client, admin or worker."`
	Since      *string `placeholder:"TIME" help:"At this time or later: 2026-11-28T15:04:05Z, or 2026-11-28 (UTC)."`
	Until      *string `placeholder:"TIME" help:"Before this time."`
}

func (f auditFilter) parse() (ports.AuditFilter, error) {
	given := application.AuditFilterText{}
	for name, value := range map[string]*string{
		"event": f.Kind, "subject_email": f.Subject, "subject_issuer": f.Issuer, "connection": f.Connection, "client_id": f.Client,
		"token_id": f.Token, "authorization_id": f.Login, "actor_name": f.Actor, "actor_kind": f.ActorKind, "since": f.Since, "until": f.Until,
	} {
		if value != nil {
			given[name] = *value
		}
	}
	return given.Parse()
}

type tailAudit struct {
	auditFilter
	Acting
	Count  int  `short:"n" default:"20" help:"How many events, at most 1000."`
	Follow bool `short:"f" help:"Go on until interrupted."`
}

// followEvery is how often a tail looks for new events.
const followEvery = time.Second

// Run prints the newest events.
func (c tailAudit) Run(ctx context.Context, out io.Writer) error {
	wanted, err := c.parse()
	if err != nil {
		return err
	}
	var tail *application.TailAudit
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		print := func(e audit.Event) error {
			_, err := out.Write(line(e))
			return err
		}
		if !c.Follow {
			return tail.Execute(ctx, wanted, c.Count, nil, print)
		}
		ticker := time.NewTicker(followEvery)
		defer ticker.Stop()
		err := tail.Execute(ctx, wanted, c.Count, until(ctx, ticker.C), print)
		if ctx.Err() != nil { // interrupted, as it has to be
			return nil
		}
		return err
	}, &tail)
}

// until passes ticks on until ctx ends.
func until(ctx context.Context, ticks <-chan time.Time) <-chan time.Time {
	passed := make(chan time.Time)
	go func() {
		defer close(passed)
		for {
			select {
			case <-ctx.Done():
				return
			case at := <-ticks:
				select {
				case passed <- at:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return passed
}

func line(e audit.Event) []byte { return append(e.AppendJSON(nil), '\n') }

type exportAudit struct {
	auditFilter
	Acting
	After *string `placeholder:"EVENT" help:"Only those that come after this event: the id in the last line of the export before."`
}

// Run prints the events. Lines that are printed are whole, also if the command is
// interrupted.
func (c exportAudit) Run(ctx context.Context, out io.Writer) error {
	wanted, err := c.parse()
	if err != nil {
		return err
	}
	var after uid.ID
	if c.After != nil {
		if after, err = uid.Parse(*c.After); err != nil || after.IsZero() {
			return audit.ErrUnknown
		}
	}
	var read *application.ReadAudit
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		buffered := bufio.NewWriterSize(out, 64<<10)
		var buffer []byte
		err := read.Each(ctx, wanted, after, func(e audit.Event) error {
			buffer = append(e.AppendJSON(buffer[:0]), '\n')
			if len(buffer) > buffered.Available() {
				if err := buffered.Flush(); err != nil {
					return err
				}
			}
			_, err := buffered.Write(buffer)
			return err
		})
		if flushed := buffered.Flush(); err == nil {
			err = flushed
		}
		return err
	}, &read)
}

type verifyAudit struct {
	Acting
	Expect map[string]string `placeholder:"DAY=HEAD" help:"A head that was kept elsewhere, as 2026-11-25=97a9…; several are separated by semicolons, or the flag is repeated."`
}

// Run prints the days that are as they were sealed.
func (c verifyAudit) Run(ctx context.Context, out io.Writer) error {
	expected := make(map[audit.Day]audit.Chain, len(c.Expect))
	for day, text := range c.Expect {
		head, err := audit.ParseChain(text)
		if err != nil || audit.Day(day).Begins().IsZero() {
			return fmt.Errorf("--expect %s: write a day and its head, as audit verify prints them: 2026-11-25=HEAD", day)
		}
		expected[audit.Day(day)] = head
	}
	var verify *application.VerifyAudit
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		days, removed := 0, 0
		err := verify.Execute(ctx, expected, func(s audit.Seal) error {
			days++
			note := ""
			if !s.RemovedAt.IsZero() {
				note = " removed by retention"
				removed++
				days--
			}
			_, err := fmt.Fprintf(out, "%s %s %d%s\n", s.Day, s.Head.Hex(), s.Events, note)
			return err
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%d days are as they were sealed.\n", days)
		if err == nil && removed > 0 {
			_, err = fmt.Fprintf(out, "%d days were removed by retention; of them only the chain is proven.\n", removed)
		}
		return err
	}, &verify)
}
