package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// recorded are events of an hour ago in the configured database.
func recorded(t *testing.T, n int) (ids []string) {
	t.Helper()
	store, _ := stored(t)
	at := ports.SystemClock().Add(-time.Hour)
	err := store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		for i := range n {
			e := audit.New(audit.ConnectionEdited, audit.AdminOf(fmt.Sprint(i)), at, request.Origin{})
			ids = append(ids, e.ID.String())
			if err := tx.Audit().Record(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// printedIDs reads JSON lines.
func printedIDs(t *testing.T, out string) (ids []string) {
	t.Helper()
	for text := range strings.Lines(out) {
		var e struct{ ID string }
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatalf("got %q (%v), want JSON", text, err)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

func TestTheAuditIsExportedAndTailed(t *testing.T) {
	ids := recorded(t, 4)
	for _, c := range []struct {
		args string
		want []string
	}{
		{"export", ids},
		{"export --after " + ids[1], ids[2:]},
		{"export --after " + ids[3], nil},
		{"export --actor 2 --actor-kind admin --kind connection.edited", ids[2:3]},
		{"export --until 2026-01-01", nil},
		{"tail -n 2", ids[2:]},
		{"tail --actor 0", ids[:1]},
	} {
		out, err := run(t, append([]string{"audit"}, strings.Fields(c.args+" --as ops")...)...)
		if got := printedIDs(t, out); err != nil || strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: got %q, %v, want %q", c.args, got, err, c.want)
		}
	}
	for args, want := range map[string]string{
		"export --after x": "unknown_event", "export --subject x": "invalid_filter", "tail -n 0": "invalid_param", "tail --since x": "invalid_filter",
		"deliveries --dead nosuch":    "webhook, syslog or otlp",
		"replay --sink nosuch --dead": "webhook, syslog or otlp",
		"export --kind nosuch":        "oauth.token_minted",
	} {
		if _, err := run(t, append([]string{"audit"}, strings.Fields(args+" --as ops")...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", args, err, want)
		}
	}
}

// What a receiver that fails has still to get is not called waiting by a number that
// leaves it out: next_event says where it begins.
func TestAuditDeliveriesTellWhatIsStillToCome(t *testing.T) {
	store, _ := stored(t)
	at := ports.SystemClock().Add(-time.Hour)
	var all []audit.Event
	err := store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		for i := range 3 {
			e := audit.New(audit.ConnectionEdited, audit.AdminOf("ann"), at.Add(time.Duration(i)*time.Second), request.Origin{})
			all = append(all, e)
			if err := tx.Audit().Record(ctx, e); err != nil {
				return err
			}
		}
		p, err := tx.AuditDeliveries().Lock(ctx, audit.Webhook)
		if err != nil {
			return err
		}
		p.After, p.FailingSince, p.Failures, p.LastError = all[0].Position(), at, 3, "answered 503"
		return errors.Join(tx.AuditDeliveries().Save(ctx, p), tx.AuditDeliveries().Park(ctx, []audit.Parked{
			{Sink: audit.Webhook, Event: all[0].Position(), Stream: "ann", Attempts: 1, NextAt: at.Add(2 * time.Hour), LastError: "answered 400"},
		}))
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "audit", "deliveries", "--as", "ops")
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got) != 1 {
		t.Fatalf("got %s, %v, want one receiver", out, err)
	}
	_, waiting := got[0]["waiting"]
	if got[0]["parked"] != 1. || got[0]["dead"] != 0. || waiting || got[0]["next_event"] != all[1].ID.String() || got[0]["failures"] != 3. {
		t.Errorf("got %s, want one parked event and the second one as the next", out)
	}
}

// stopping ends a command when it has printed.
type stopping struct {
	bytes.Buffer
	stop func()
}

func (s *stopping) Write(p []byte) (int, error) {
	s.stop()
	return s.Buffer.Write(p)
}

func TestATailThatFollowsEndsWithTheSignal(t *testing.T) {
	ids := recorded(t, 1)
	ctx, stop := context.WithCancel(t.Context())
	out := &stopping{stop: stop}
	err := tailAudit{Acting: Acting{As: new("ops")}, Count: 1, Follow: true}.Run(ctx, out)
	if got := printedIDs(t, out.String()); err != nil || len(got) != 1 || got[0] != ids[0] {
		t.Errorf("got %q, %v, want the event and no error", got, err)
	}
}

// full is a pipe of which the other end is closed.
type full struct{}

var errFull = errors.New("broken pipe")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAnExportThatCannotBeWrittenFails(t *testing.T) {
	recorded(t, 1)
	if err := (exportAudit{Acting: Acting{As: new("ops")}}).Run(t.Context(), full{}); !errors.Is(err, errFull) {
		t.Errorf("got %v, want the error of the writer", err)
	}
}

func TestTheAuditIsVerified(t *testing.T) {
	store, _ := stored(t)
	at := ports.SystemClock().Add(-48 * time.Hour)
	e := audit.New(audit.ConnectionEdited, audit.AdminOf("ann"), at, request.Origin{})
	err := store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Audit().Record(ctx, e) })
	if err != nil {
		t.Fatal(err)
	}
	seals, err := application.NewSealAudit(store, ports.SystemClock).Execute(t.Context())
	if err != nil || len(seals) == 0 {
		t.Fatalf("got %v, %v, want a sealed day", seals, err)
	}
	day, head := string(seals[0].Day), seals[0].Head.Hex()
	out, err := run(t, "audit", "verify", "--as", "ops", "--expect", day+"="+head)
	if err != nil || !strings.HasPrefix(out, day+" "+head+" 1\n") || !strings.Contains(out, "as they were sealed.") {
		t.Errorf("got %s, %v, want the day and its head", out, err)
	}
	for expect, want := range map[string]string{
		day + "=" + strings.Repeat("0", 64): day + ": the head is another one than expected",
		"2020-01-01=" + head:                "2020-01-01: the seal is missing",
		day + "=x":                          "--expect " + day,
		"yesterday=" + head:                 "--expect yesterday",
	} {
		if _, err := run(t, "audit", "verify", "--as", "ops", "--expect", expect); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", expect, err, want)
		}
	}
}
