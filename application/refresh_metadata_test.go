package application_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

const at = "https://a.example/md"

// refreshing is a connection a, whose metadata was never fetched, and what keeps
// it.
func refreshing(t *testing.T) (*idps, *application.RefreshMetadata, connection.Connection) {
	s := newIdPs(t)
	s.served.Replace(list(t, s.named("a")))
	all, err := s.served.Connections(t.Context())
	must(t, err)
	via, err := all.Find("a")
	must(t, err)
	return s, application.NewRefreshMetadata(s.Store, s.served, &s.published, s.Clock.Now), via
}

// goodKeys are those of the copy that is kept.
func (s *idps) goodKeys() (keys []string) {
	s.t.Helper()
	must(s.t, s.Store.View(s.t.Context(), func(ctx context.Context, r ports.Reader) error {
		c, err := r.Metadata().Of(ctx, "a")
		if errors.Is(err, connection.ErrNoMetadata) {
			return nil
		}
		for _, k := range c.Snapshot().Good.Keys {
			keys = append(keys, k.Fingerprint)
		}
		return err
	}))
	return keys
}

func TestMetadataIsFetchedWhenItIsDue(t *testing.T) {
	s, refresh, _ := refreshing(t)
	due := func(after time.Duration, reads, changed int) {
		t.Helper()
		s.Clock.Advance(after)
		n, err := refresh.ExecuteDue(t.Context())
		must(t, err)
		if got := s.published.Reads(at); got != reads || n != changed {
			t.Errorf("got %d fetches and %d changes, want %d and %d", got, n, reads, changed)
		}
	}
	due(0, 1, 1)
	due(59*time.Minute, 1, 0)
	due(time.Minute, 2, 0)
	s.published.Fail(at, "the server is away")
	due(time.Hour, 3, 0)
	due(4*time.Minute, 3, 0)
	due(time.Minute, 4, 0) // a failure is tried again sooner
	if got := s.goodKeys(); !slices.Equal(got, []string{"key of a"}) {
		t.Errorf("got %v, want the last good copy", got)
	}
	s.published.Publish(at, "https://a.example", "key of a", "next key")
	due(5*time.Minute, 5, 1)
	changes := s.events(audit.MetadataChanged)
	if len(changes) != 2 || changes[1].Detail != "key added: next key" || changes[1].Actor != audit.WorkerOf("refresh_metadata") || changes[1].Connection != "a" {
		t.Errorf("got %+v, want the first copy and the new key", changes)
	}
}

func TestAnotherEntityIsRefusedAndAuditedOnce(t *testing.T) {
	s, refresh, via := refreshing(t)
	must(t, errOf(refresh.Refresh(t.Context(), via, 0)))
	s.published.Publish(at, "https://evil.example", "evil key")
	for range 2 {
		s.Clock.Advance(time.Hour)
		kept, err := refresh.Refresh(t.Context(), via, 0)
		if !errors.Is(err, connection.ErrOtherEntity) || kept.Good.EntityID != "https://a.example" {
			t.Errorf("got %+v, %v, want the last good copy", kept, err)
		}
	}
	refused := s.events(audit.MetadataRefused)
	if len(refused) != 1 || !strings.Contains(refused[0].Detail, "https://evil.example") {
		t.Errorf("got %+v, want one refusal", refused)
	}
	state, err := application.NewListConnections(application.NewConnectionChecks(s.Store, s.served, &s.published, func(connection.Connection) error { return nil }, s.Clock.Now)).Find(t.Context(), "a")
	must(t, err)
	if len(state.Warnings) != 1 || !strings.Contains(state.Warnings[0], "now that of https://evil.example; it was that of https://a.example") {
		t.Errorf("got %q, want the refusal in the list", state.Warnings)
	}

	// The administrator states the new one: another source, which begins anew.
	named := via.Settings()
	named.EntityID = "https://evil.example"
	next, err := connection.New(named)
	must(t, err)
	kept, err := refresh.Refresh(t.Context(), next, 0)
	must(t, err)
	if kept.Good.EntityID != "https://evil.example" {
		t.Errorf("got %s, want the stated one", kept.Good.EntityID)
	}
}

// Replicas that miss a key at the same time cause one fetch; the others get what
// it brought.
func TestReplicasShareAFetch(t *testing.T) {
	s, refresh, via := refreshing(t)
	must(t, errOf(refresh.Refresh(t.Context(), via, 0)))
	s.Clock.Advance(time.Hour)
	s.published.Publish(at, "https://a.example", "next key")
	var soon int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			_, err := refresh.Refresh(t.Context(), via, time.Minute)
			mu.Lock()
			defer mu.Unlock()
			if errors.As(err, new(connection.TooSoonError)) {
				soon++
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.published.Reads(at); n != 2 || soon != 3 {
		t.Errorf("got %d fetches and %d that came too soon, want 2 and 3", n, soon)
	}
	kept, err := refresh.Refresh(t.Context(), via, time.Minute)
	if !errors.As(err, new(connection.TooSoonError)) || len(kept.Good.Keys) != 1 || kept.Good.Keys[0].Fingerprint != "next key" {
		t.Errorf("got %+v, %v, want the copy that another replica has fetched", kept, err)
	}
}

func TestAnAdministratorRefreshes(t *testing.T) {
	s, refresh, _ := refreshing(t)
	got, err := refresh.Execute(t.Context(), "a", admin)
	must(t, err)
	if !slices.Equal(got.Changes, []string{"entityID: https://a.example", "key added: key of a"}) || got.Failure != "" {
		t.Errorf("got %+v, want the entityID and the key as changes, and no failure", got)
	}
	if e := s.events(audit.MetadataChanged); len(e) != 1 || e[0].Actor != admin.Actor {
		t.Errorf("got %+v, want the administrator", e)
	}
	if got, err = refresh.Execute(t.Context(), "a", admin); err != nil || !strings.Contains(got.Failure, "fetched again after 10s") {
		t.Errorf("got %+v, %v, want that it is too soon", got, err)
	}
	s.Clock.Advance(10 * time.Second)
	s.published.Fail(at, "the server is away")
	if got, err = refresh.Execute(t.Context(), "a", admin); err != nil || got.Failure != "the server is away" || len(got.Changes) != 0 {
		t.Errorf("got %+v, %v, want the failure", got, err)
	}
	if _, err := refresh.Execute(t.Context(), "nobody", admin); !errors.Is(err, connection.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	s.served.Replace(list(t, connection.Settings{Slug: "doc", Domains: []string{"doc.example"}, SAML: connection.SAMLSettings{Metadata: []byte("doc.xml")}}))
	if _, err := refresh.Execute(t.Context(), "doc", admin); !errors.Is(err, application.ErrNoAddress) {
		t.Errorf("got %v, want ErrNoAddress", err)
	}
}
