package applicationtest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

// Event is an event of the audit trail, in the words of the wire contract.
type Event struct {
	Event, SubjectType, SubjectEmail, SubjectIssuer string
	TokenID, ClientID, DeviceLabel, Scopes          string
	Connection, Mount, Reason, Detail               string
	IP, UserAgent, RequestID                        string
}

// Events are all that auditors will find, the oldest first.
func (w *World) Events(t testing.TB) []Event {
	t.Helper()
	var all []audit.Event
	err := w.Store.View(t.Context(), func(ctx context.Context, r ports.Reader) (err error) {
		all, err = r.Audit().Events(ctx, ports.AuditFilter{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]Event, len(all))
	for i, e := range all {
		out[i] = Event{
			Event: string(e.Kind), SubjectEmail: e.Subject.Email().String(), SubjectIssuer: e.Subject.Issuer(),
			ClientID: e.ClientID, DeviceLabel: e.DeviceLabel, Scopes: strings.Join(e.Scopes, " "),
			Connection: e.Connection, Mount: e.Mount, Reason: e.Reason, Detail: e.Detail,
			UserAgent: e.Origin.UserAgent, RequestID: e.Origin.ID,
		}
		if !e.Subject.IsZero() {
			out[i].SubjectType = string(e.Subject.Type())
		}
		if !e.TokenID.IsZero() {
			out[i].TokenID = e.TokenID.String()
		}
		if e.Origin.IP.IsValid() {
			out[i].IP = e.Origin.IP.String()
		}
	}
	return out
}

// History is what happened, in one word each, with the reason if there is one.
func (w *World) History(t testing.TB) string {
	t.Helper()
	var words []string
	for _, e := range w.Events(t) {
		word := e.Event
		if e.Reason != "" {
			word += "(" + e.Reason + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// Count counts rows.
func (w *World) Count(t testing.TB, table, where string) int {
	t.Helper()
	var n int
	if err := w.DB.NewRaw("SELECT count(*) FROM "+table+" WHERE "+where).Scan(t.Context(), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Dump is all that the store holds, as text.
func (w *World) Dump(t testing.TB) string {
	t.Helper()
	var tables []string
	if err := w.DB.NewRaw("SELECT name FROM sqlite_master WHERE type = 'table'").Scan(t.Context(), &tables); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, table := range tables {
		var rows []map[string]any
		if err := w.DB.NewRaw("SELECT * FROM "+table).Scan(t.Context(), &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			fmt.Fprintln(&out, table, row)
		}
	}
	return out.String()
}
