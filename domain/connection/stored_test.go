package connection_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
)

var ann = connection.Author{Actor: audit.AdminOf("ann"), At: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}

func TestARefusedChangeChangesNothing(t *testing.T) {
	via := newConnection(t, "acme", "acme.example")
	c, added := connection.Add(via, ann)
	if added.Kind != audit.ConnectionAdded || added.Connection != "acme" || c.Revision() != 1 || c.Connection().Owner() != connection.Database {
		t.Errorf("got %+v, %+v, want the first revision of ACME added", c.Snapshot(), added)
	}
	before := c.Snapshot()
	next := newConnection(t, "acme", "acme.test")
	for name, refused := range map[string]func() error{
		"another revision": func() error { _, err := c.Edit(next, 2, ann); return err },
		"nothing":          func() error { _, err := c.Edit(via, 1, ann); return err },
		"another slug":     func() error { _, err := c.Edit(newConnection(t, "other", "acme.test"), 1, ann); return err },
		"a removal":        func() error { _, err := c.Remove(7, ann); return err },
	} {
		if err := refused(); err == nil || !reflect.DeepEqual(c.Snapshot(), before) {
			t.Errorf("%s: got %v and %+v, want a refusal", name, err, c.Snapshot())
		}
	}
	edited, err := c.Edit(next, 1, ann)
	if err != nil || c.Revision() != 2 || edited.Detail != "domains: acme.test, was acme.example" {
		t.Errorf("got %+v, %v, want the second revision with the change of domains", edited, err)
	}
	if again, err := connection.RestoreStored(c.Snapshot()); err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("got %+v, %v after storage, want %+v", again, err, c)
	}
}

func TestImpossibleStoredConnectionsAreRefused(t *testing.T) {
	c, _ := connection.Add(newConnection(t, "acme", "acme.example"), ann)
	for name, harm := range map[string]func(*connection.StoredSnapshot){
		"no revision":             func(s *connection.StoredSnapshot) { s.Revision = 0 },
		"changed before it began": func(s *connection.StoredSnapshot) { s.ChangedAt = s.AddedAt.Add(-time.Second) },
		"no domain":               func(s *connection.StoredSnapshot) { s.Settings.Domains = nil },
	} {
		s := c.Snapshot()
		harm(&s)
		if _, err := connection.RestoreStored(s); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
}

// What an administrator and an auditor see names documents by their digests, and
// holds nothing of an address that may be a secret.
func TestDifferencesShowNoSecret(t *testing.T) {
	before := connection.Settings{Slug: "acme", Domains: []string{"acme.example"}, SAML: connection.SAMLSettings{MetadataURL: "https://user:SECRET@idp.example/md?key=SECRET"}}
	after := before
	after.SAML = connection.SAMLSettings{Metadata: []byte("<SECRET/>"), AllowSHA1: true}
	after.Public = true
	got := connection.Differing(connection.Differences(before, after))
	if strings.Contains(got, "SECRET") {
		t.Errorf("got %s, want no secret", got)
	}
	for _, want := range []string{"metadata: 9 bytes, SHA-256 ", "metadata_url: none, was https://idp.example/md (and what is not shown)", "public: true, was false", "allow_weak: sha1, was none"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s in it", got, want)
		}
	}
	if all := connection.Differences(before, before); len(all) != 0 {
		t.Errorf("got %v between the same settings, want no difference", all)
	}
	withDefaults := newConnection(t, "acme", "acme.example").Settings()
	withDefaults.SAML = before.SAML
	if all := connection.Differences(before, withDefaults); len(all) != 0 {
		t.Errorf("got %v, want that defaults are no difference", all)
	}
}

func TestConnectionsOfTwoOwnersAreJoined(t *testing.T) {
	a, b := newConnection(t, "a", "a.example"), newConnection(t, "b", "b.example")
	all, err := connection.Join(directory(t, a), directory(t, b))
	if err != nil || len(all.All()) != 2 || all.All()[0].Owner() != connection.File || all.All()[1].Owner() != connection.Database {
		t.Errorf("got %+v, %v, want a of the file, then b of the database", all, err)
	}
	_, err = connection.Join(directory(t, a, b), directory(t, b))
	var both connection.InBothError
	if !errors.As(err, &both) || both.Slug != "b" || !strings.Contains(err.Error(), "take it out of the file") {
		t.Errorf("got %v, want that b is in both and what to do", err)
	}
}
