package connection_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
)

func TestAShadowCountsWhatIsJudgedDifferently(t *testing.T) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	by := connection.Author{Actor: audit.AdminOf("ann"), At: at}
	made := func(attribute string) connection.Connection {
		via, err := connection.New(connection.Settings{Slug: "acme", Domains: []string{"acme.example"}, EmailAttribute: attribute})
		if err != nil {
			t.Fatal(err)
		}
		return via
	}
	stored, _ := connection.Add(made(""), by)
	if _, _, err := stored.NewShadow(made(""), connection.Metadata{}, by); !errors.Is(err, connection.ErrNothingToChange) {
		t.Errorf("got %v, want nothing to change", err)
	}
	shadow, event, err := stored.NewShadow(made("mail2"), connection.Metadata{}, by)
	if err != nil || event.Kind != audit.ConnectionShadowed || event.Detail != "email_attribute: mail2, was none" {
		t.Fatalf("got %+v, %v, want a shadow and its event", event, err)
	}
	ann := connection.Judged{Email: "ann@acme.example", Issuer: "https://idp.test", NameID: "1"}
	change := func(f func(*connection.Judged)) connection.Judged {
		j := ann
		f(&j)
		return j
	}
	for i, c := range []struct {
		now, shadow connection.Judged
		want        string
	}{
		{ann, ann, ""},
		{connection.Judged{Reason: "expired"}, connection.Judged{Reason: "expired"}, ""},
		{ann, connection.Judged{Reason: "unknown_key"}, "verdict: accepted, refused: unknown_key"},
		{connection.Judged{Reason: "unknown_key"}, ann, "verdict: refused: unknown_key, accepted"},
		{connection.Judged{Reason: "expired"}, connection.Judged{Reason: "unknown_key"}, "verdict: refused: expired, refused: unknown_key"},
		{ann, change(func(j *connection.Judged) { j.Email = "a@acme.example" }), "email: ann@acme.example, a@acme.example"},
		{ann, change(func(j *connection.Judged) { j.NameID = "2" }), "subject: 1 of https://idp.test, 2 of https://idp.test"},
		{ann, change(func(j *connection.Judged) { j.Issuer = "https://b.test" }), "subject: 1 of https://idp.test, 1 of https://b.test"},
	} {
		before := shadow.Snapshot()
		shadow.Compare(c.now, c.shadow, "request", at)
		after := shadow.Snapshot()
		got := ""
		if len(after.Differences) > len(before.Differences) {
			d := after.Differences[0]
			got = fmt.Sprintf("%s: %s, %s", d.What, d.Now, d.Shadow)
		}
		if got != c.want || after.Compared != before.Compared+1 || (after.Same == before.Same+1) != (c.want == "") {
			t.Errorf("case %d: got %q, %d of %d the same, want %q", i, got, after.Same, after.Compared, c.want)
		}
	}
	for range 20 {
		shadow.Compare(ann, connection.Judged{Reason: "expired"}, "request", at)
	}
	again, err := connection.RestoreShadow(shadow.Snapshot())
	if err != nil || len(again.Snapshot().Differences) != connection.ShadowDifferences || again.Snapshot().Compared != 28 {
		t.Errorf("got %+v, %v, want the last ten differences of 28", again, err)
	}
	impossible := shadow.Snapshot()
	impossible.Same = impossible.Compared + 1
	if _, err := connection.RestoreShadow(impossible); err == nil {
		t.Error("got no error for more of the same than compared, want one")
	}
}
