package applicationtest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// Event is an event of the audit trail, in the words of the wire contract.
type Event struct {
	Event, SubjectType, SubjectEmail, SubjectIssuer string
	TokenID, ClientID, DeviceLabel, Scopes          string
	Connection, Mount, Reason, Detail               string
	IP, UserAgent, RequestID                        string
}

// AuditEvents are all that auditors will find, the oldest first.
func (w *Fixture) AuditEvents(t testing.TB) (all []audit.Event) {
	t.Helper()
	err := w.Store.View(t.Context(), func(ctx context.Context, r ports.Reader) (err error) {
		all, err = r.Audit().Events(ctx, ports.AuditFilter{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Events are all that auditors will find, in the words of the wire contract.
func (w *Fixture) Events(t testing.TB) []Event {
	t.Helper()
	all := w.AuditEvents(t)
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
func (w *Fixture) History(t testing.TB) string {
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

// Count is how many events of the given kinds happened.
func (w *Fixture) Count(t testing.TB, kinds ...audit.Kind) int {
	t.Helper()
	n := 0
	for _, e := range w.Events(t) {
		if slices.Contains(kinds, audit.Kind(e.Event)) {
			n++
		}
	}
	return n
}

// Token is a token as it is kept.
func (w *Fixture) Token(t testing.TB, id uid.ID) token.Snapshot {
	t.Helper()
	var found *token.AccessToken
	err := w.Store.View(t.Context(), func(ctx context.Context, r ports.Reader) (err error) {
		found, err = r.Tokens().ByID(ctx, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found.Snapshot()
}

// LiveTokens is how many tokens were minted and are not revoked.
func (w *Fixture) LiveTokens(t testing.TB) int {
	t.Helper()
	n := 0
	for _, e := range w.Events(t) {
		if audit.Kind(e.Event) != audit.TokenMinted {
			continue
		}
		id, err := uid.Parse(e.TokenID)
		if err != nil {
			t.Fatal(err)
		}
		if w.Token(t, id).RevokedAt.IsZero() {
			n++
		}
	}
	return n
}
