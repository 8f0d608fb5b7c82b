package applicationtest

import (
	"fmt"
	"strings"
	"testing"
)

// Event is one row of the audit trail, in the words of the wire contract.
type Event struct {
	Event         string `bun:"event"`
	SubjectType   string `bun:"subject_type"`
	SubjectEmail  string `bun:"subject_email"`
	SubjectIssuer string `bun:"subject_issuer"`
	TokenID       string `bun:"token_id"`
	ClientID      string `bun:"client_id"`
	DeviceLabel   string `bun:"device_label"`
	Scopes        string `bun:"scopes"`
	Connection    string `bun:"connection"`
	Mount         string `bun:"mount"`
	Reason        string `bun:"reason"`
	Detail        string `bun:"detail"`
	IP            string `bun:"ip"`
	UserAgent     string `bun:"user_agent"`
	RequestID     string `bun:"request_id"`
}

// Events are all that auditors will find, the oldest first.
func (w *World) Events(t testing.TB) []Event {
	t.Helper()
	var out []Event
	err := w.DB.NewRaw(`SELECT event, coalesce(subject_type, '') AS subject_type, coalesce(subject_email, '') AS subject_email,
		coalesce(subject_issuer, '') AS subject_issuer, coalesce(token_id, '') AS token_id, coalesce(client_id, '') AS client_id,
		coalesce(device_label, '') AS device_label, coalesce(scopes, '') AS scopes, coalesce(connection, '') AS connection,
		coalesce(mount, '') AS mount, coalesce(reason, '') AS reason, coalesce(detail, '') AS detail, coalesce(ip, '') AS ip,
		coalesce(user_agent, '') AS user_agent, coalesce(request_id, '') AS request_id
		FROM audit_events ORDER BY rowid`).Scan(t.Context(), &out)
	if err != nil {
		t.Fatal(err)
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
