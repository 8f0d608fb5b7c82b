package commands

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// stored are tokens in the configured database, one for each label.
func stored(t *testing.T, labels ...string) (store *database.Store, ids []uid.ID) {
	t.Helper()
	store = database.NewStore(databasetest.Open(t, databasetest.File(t, settle(t))))
	email, err := identity.ParseEmail("ann@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	now := ports.SystemClock()
	err = store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		for i, label := range labels {
			of := token.Device{Email: email, Issuer: "https://idp.acme.example", ClientID: "difyctl", Label: label}
			issued, _, event := token.Mint(token.Order{ID: uid.New(now), Device: of, Subject: identity.ExternalSSO, Lifetime: token.Lifetime(time.Hour)},
				now.Add(time.Duration(i)*time.Second), request.Origin{})
			if err := tx.Tokens().Add(ctx, issued, event); err != nil {
				return err
			}
			ids = append(ids, issued.Snapshot().ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return store, ids
}

// runAsOps runs a command line as ops.
func runAsOps(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return run(t, append([]string{"tokens"}, append(args, "--as", "ops")...)...)
}

func eventsBy(t *testing.T, store *database.Store, by audit.Actor) (all []audit.Event) {
	t.Helper()
	err := store.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
		found, err := r.Audit().Events(ctx, ports.AuditFilter{})
		for _, e := range found {
			if e.Actor == by {
				all = append(all, e)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTokensAreListedShownAndRevoked(t *testing.T) {
	store, ids := stored(t, "laptop", "evil\u202elabel", "phone")
	out, err := runAsOps(t, "list", "--client", "difyctl")
	if err != nil || !strings.Contains(out, "evil?label") || !strings.Contains(out, "3 of 3 tokens") || strings.Count(out, " live") != 3 {
		t.Errorf("list: got %s and %v, want three tokens", out, err)
	}
	out, err = runAsOps(t, "list", "--limit=1", "--json")
	var page struct {
		Total   int
		HasMore bool `json:"has_more"`
		Data    []struct{ ID string }
	}
	if err != nil || json.Unmarshal([]byte(out), &page) != nil || page.Total != 3 || !page.HasMore || page.Data[0].ID != ids[2].String() {
		t.Errorf("list --json: got %s and %v, want the newest of three", out, err)
	}
	if out, err = runAsOps(t, "show", ids[0].String()); err != nil || !strings.Contains(out, "laptop") {
		t.Errorf("show: got %s and %v, want the laptop's token", out, err)
	}

	for _, dry := range [][]string{{"--label", "laptop"}, {"--all", "--dry-run"}, {ids[0].String()}} {
		out, err := runAsOps(t, append([]string{"revoke"}, dry...)...)
		if err != nil || !strings.Contains(out, "Nothing was changed") || len(eventsBy(t, store, audit.AdminOf("ops"))) != 0 {
			t.Errorf("%q: got %s and %v, want nothing changed", dry, out, err)
		}
	}

	for _, want := range []string{"Revoked the token.", "had ended already"} {
		if out, err := runAsOps(t, "revoke", ids[0].String(), "--yes"); err != nil || !strings.Contains(out, want) {
			t.Errorf("got %s and %v, want %s", out, err, want)
		}
	}
	out, err = runAsOps(t, "revoke", "--issuer", "https://idp.acme.example", "--yes", "--json")
	var done struct {
		DryRun bool `json:"dry_run"`
		Tokens int
	}
	if err != nil || json.Unmarshal([]byte(out), &done) != nil || done.DryRun || done.Tokens != 2 {
		t.Errorf("got %s and %v, want 2 tokens", out, err)
	}
	all := eventsBy(t, store, audit.AdminOf("ops"))
	if len(all) != 2 || all[0].Kind != audit.TokenRevoked || all[1].Kind != audit.TokensRevoked || all[1].Detail != `filter: subject_issuer="https://idp.acme.example"; tokens: 2` {
		t.Errorf("got the events %+v, want one for each act of ops", all)
	}
	if out, err := runAsOps(t, "list", "--ended"); err != nil || strings.Count(out, "ended 20") != 3 {
		t.Errorf("list --ended: got %s and %v, want three that ended", out, err)
	}
}

func TestInvalidTokensCommandsAreRefused(t *testing.T) {
	store, ids := stored(t, "laptop")
	id := ids[0].String()
	for _, c := range []struct {
		args []string
		want error // nil: a fault with the code
		code string
	}{
		{[]string{"revoke"}, token.ErrEmptyFilter, ""},
		{[]string{"revoke", "--yes"}, token.ErrEmptyFilter, "empty_filter: No filter is given, which would end every token. Give one, or --all."},
		{[]string{"revoke", "--yes", "--all", "--client", "difyctl"}, token.ErrFilterAndAll, ""},
		{[]string{"revoke", "--yes", "--dry-run", "--all"}, errYesAndDry, ""},
		{[]string{"revoke", "--yes", id, "--client", "difyctl"}, errIDAndFilter, ""},
		{[]string{"revoke", "--yes", id, "--all"}, errIDAndFilter, ""},
		{[]string{"revoke", "--yes", ""}, application.ErrNoSuchToken, ""},
		{[]string{"revoke", "--yes", uid.New(time.Now()).String()}, application.ErrNoSuchToken, ""},
		{[]string{"show", "laptop"}, application.ErrNoSuchToken, ""},
		{[]string{"show", uid.New(time.Now()).String()}, application.ErrNoSuchToken, ""},
		{[]string{"list", "--page", "0"}, application.ErrInvalidPage, ""},
		{[]string{"list", "--limit", "201"}, application.ErrInvalidPage, ""},
		{[]string{"revoke", "--yes", "--client", "difyctl", "--subject", ""}, nil, "invalid_filter: --subject is empty"},
		{[]string{"revoke", "--yes", "--issued-before", "tomorrow"}, nil, "invalid_filter: --issued-before"},
		{[]string{"revoke", "--yes", "--from", "10.0.0.0/33"}, nil, "invalid_filter: --from"},
		{[]string{"list", "--used-after", "2026-11-02", "--used-before", "2026-11-01"}, nil, "invalid_filter: --used-before"},
	} {
		_, err := runAsOps(t, c.args...)
		if c.want != nil && !errors.Is(err, c.want) || err == nil || !strings.HasPrefix(err.Error(), c.code) {
			t.Errorf("%q: got %v, want %v%s", c.args, err, c.want, c.code)
		}
	}
	if len(eventsBy(t, store, audit.AdminOf("ops"))) != 0 {
		t.Errorf("got %d events after refused commands, want 0", len(eventsBy(t, store, audit.AdminOf("ops"))))
	}
}
