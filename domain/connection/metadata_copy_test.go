package connection_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
)

func fetchedFrom(t *testing.T, address string) connection.Connection {
	t.Helper()
	via, err := connection.New(connection.Settings{Slug: "acme", Domains: []string{"acme.example"}, SAML: connection.SAMLSettings{MetadataURL: address}})
	if err != nil {
		t.Fatal(err)
	}
	return via
}

func TestACopyKeepsTheLastGoodMetadata(t *testing.T) {
	via := fetchedFrom(t, "https://idp.example/md")
	read := func(entityID string, keys ...string) connection.Metadata {
		m := connection.Metadata{EntityID: entityID, Document: []byte(entityID + strings.Join(keys, ""))}
		for _, k := range keys {
			m.Keys = append(m.Keys, connection.Key{Fingerprint: k})
		}
		return m
	}
	c := connection.NewMetadataCopy(via)
	if _, ok := c.Good(via); ok || !c.Due(ann.At) {
		t.Error("got metadata that was never fetched or is not due, want none, and due")
	}
	if e, err := c.Accept(read("https://idp.example", "1"), ann); err != nil || e.Kind != audit.MetadataChanged {
		t.Errorf("got %+v, %v, want metadata changed", e, err)
	}
	if e, err := c.Accept(read("https://idp.example", "1"), ann); err != nil || !e.ID.IsZero() || c.Snapshot().Revision != 1 {
		t.Errorf("got %+v, %v, want that nothing changed", e, err)
	}
	c.Fail("away", ann.At.Add(time.Hour))
	c.Fail("away", ann.At.Add(2*time.Hour))
	if good, ok := c.Good(via); !ok || good.EntityID != "https://idp.example" || !c.Snapshot().FailingAt.Equal(ann.At.Add(time.Hour)) {
		t.Errorf("got %+v, want the last good copy, and since when it fails", c.Snapshot())
	}
	if _, err := c.Accept(read("https://other.example", "1"), ann); !errors.Is(err, connection.ErrOtherEntity) || c.Snapshot().Good.EntityID != "https://idp.example" {
		t.Errorf("got %v, want ErrOtherEntity", err)
	}
	e, err := c.Accept(read("https://idp.example", "2"), ann)
	if err != nil || e.Detail != "key added: 2; key removed: 1" || c.Snapshot().Failure != "" || !c.Snapshot().FailingAt.IsZero() {
		t.Errorf("got %+v, %v, want the change of keys and no failure", e, err)
	}
	if _, ok := c.Good(fetchedFrom(t, "https://idp.example/other")); ok {
		t.Error("got the metadata of another address, want none")
	}
	if again := c.Restart(fetchedFrom(t, "https://idp.example/other")); again.Snapshot().Revision != 2 || !again.Snapshot().SeenAt.IsZero() {
		t.Errorf("got %+v, want none, with the next revision", again.Snapshot())
	}
}

func TestAnAttemptIsClaimedOnceWithinItsGap(t *testing.T) {
	c := connection.NewMetadataCopy(fetchedFrom(t, "https://idp.example/md"))
	at := ann.At
	if err := c.Claim(at, time.Minute); err != nil {
		t.Error(err)
	}
	var soon connection.TooSoonError
	if err := c.Claim(at.Add(59*time.Second), time.Minute); !errors.As(err, &soon) || soon.Since != 59*time.Second {
		t.Errorf("got %v, want that it is too soon", err)
	}
	if err := c.Claim(at.Add(-time.Hour), time.Minute); !errors.As(err, &soon) || soon.Since != 0 { // another replica's clock
		t.Errorf("got %v, want that it is too soon", err)
	}
	if err := c.Claim(at.Add(time.Minute), time.Minute); err != nil {
		t.Error(err)
	}
}

// A renewed certificate of the same key is no new key.
func TestAnAttemptIsUnderWayUntilItsEndIsOnRecord(t *testing.T) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	before := at.Add(-time.Hour)
	for name, c := range map[string]struct {
		s    connection.CopySnapshot
		want bool
	}{
		"never tried":            {connection.CopySnapshot{}, false},
		"the first one":          {connection.CopySnapshot{TriedAt: at}, true},
		"another one":            {connection.CopySnapshot{TriedAt: at, FetchedAt: before}, true},
		"one that went well":     {connection.CopySnapshot{TriedAt: at, FetchedAt: at}, false},
		"one that failed":        {connection.CopySnapshot{TriedAt: at, FetchedAt: before, FailingAt: at.Add(time.Second)}, false},
		"one that failed before": {connection.CopySnapshot{TriedAt: at, FetchedAt: before, FailingAt: before}, true},
		"one that never ended":   {connection.CopySnapshot{TriedAt: at.Add(-9 * time.Second), FetchedAt: before}, false},
	} {
		if got := c.s.Trying(at.Add(time.Second), 10*time.Second); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
}

func TestKeysAreComparedByTheirFingerprints(t *testing.T) {
	old := connection.Metadata{Keys: []connection.Key{{Fingerprint: "1", Certificate: "a"}, {Fingerprint: "2"}}}
	next := connection.Metadata{Keys: []connection.Key{{Fingerprint: "3"}, {Fingerprint: "1", Certificate: "b"}, {Fingerprint: "3"}}}
	added, removed := old.KeyChanges(next)
	if !slices.Equal(added, next.Keys[:1]) || !slices.Equal(removed, old.Keys[1:]) {
		t.Errorf("got %v and %v, want 3 and 2", added, removed)
	}
}
