package application_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/sealing"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// sealed is a store over the fixture's database that seals with other secrets.
func (s *fixture) sealed(active string, previous ...string) ports.Store {
	s.t.Helper()
	sealer, err := sealing.New(active, previous...)
	must(s.t, err)
	return databasetest.Store(s.t, s.DB).WithSealer(sealer)
}

const oldSecret, newSecret = "the old secret, of at least 32 bytes", "the new secret, of at least 32 bytes"

func TestTheFirstStartMakesOnePairForAllReplicas(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	made := sync.OnceValues(func() (spkeys.Pair, error) { return spkeys.Generate(s.Clock.Now()) })
	rotate := application.NewRotateKeys(s.Store, false, s.Clock.Now)
	if _, err := rotate.List(t.Context()); !errors.Is(err, spkeys.ErrNone) {
		t.Errorf("before: got %v, want ErrNone", err)
	}
	var wg sync.WaitGroup
	for range 3 {
		prepare := application.NewPrepareKeys(s.Store, func() (spkeys.Pair, string, error) {
			pair, err := made()
			return pair, "made", err
		}, s.Clock.Now)
		wg.Go(func() {
			if err := prepare.Execute(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ring, err := rotate.List(t.Context())
	if err != nil || s.Count(t, audit.KeysMade) != 1 || !ring.Next.IsZero() {
		t.Errorf("got %v and %s, want one pair and one event", err, s.History(t))
	}
	failing := errors.New("no entropy")
	prepare := application.NewPrepareKeys(s.Store, func() (spkeys.Pair, string, error) { return spkeys.Pair{}, "", failing }, s.Clock.Now)
	if err := prepare.Execute(t.Context()); err != nil {
		t.Errorf("a later start: got %v, want no other pair", err)
	}
}

func TestKeysAreSealedAnewAfterTheSecretWasChanged(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	pair, err := spkeys.Generate(s.Clock.Now())
	must(t, err)
	start := func(store ports.Store) error {
		return application.NewPrepareKeys(store, func() (spkeys.Pair, string, error) { return pair, "made", nil }, s.Clock.Now).Execute(t.Context())
	}
	must(t, start(s.sealed(oldSecret)))
	if err := start(s.sealed(newSecret)); !errors.Is(err, sealing.ErrUnknownKey) {
		t.Errorf("the old secret is not known: got %v, want ErrUnknownKey", err)
	}
	must(t, start(s.sealed(oldSecret, newSecret)))
	if n := s.Count(t, audit.KeysResealed); n != 0 {
		t.Errorf("first roll: got %d seals, want none", n)
	}
	must(t, start(s.sealed(newSecret, oldSecret)))
	must(t, start(s.sealed(newSecret)))
	must(t, start(s.sealed(oldSecret, newSecret))) // a replica that is late
	if n := s.Count(t, audit.KeysResealed); n != 2 {
		t.Errorf("got %d seals, want two", n)
	}
	ring, err := application.NewRotateKeys(s.sealed(newSecret, oldSecret), false, s.Clock.Now).List(t.Context())
	if err != nil || !ring.Active.Key().Equal(pair.Key()) {
		t.Errorf("List() = %v as active, %v, want the pair that was sealed with the old secret", ring.Active.Fingerprint(), err)
	}
}

func TestRotatingKeys(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	pair, err := spkeys.Generate(s.Clock.Now())
	must(t, err)
	rotate := application.NewRotateKeys(s.Store, false, s.Clock.Now)
	if _, err := rotate.AddNext(t.Context(), application.Rotation{By: ops}); !errors.Is(err, spkeys.ErrNone) {
		t.Errorf("before the first start: got %v, want ErrNone", err)
	}
	must(t, application.NewPrepareKeys(s.Store, func() (spkeys.Pair, string, error) { return pair, "imported", nil }, s.Clock.Now).Execute(t.Context()))
	next, err := rotate.AddNext(t.Context(), application.Rotation{By: ops})
	if err != nil || next.Next.IsZero() {
		t.Fatalf("AddNext() = %v, %v, want a next pair", next.Next.Fingerprint(), err)
	}
	if _, err := rotate.Promote(t.Context(), application.Rotation{By: ops}); !errors.Is(err, spkeys.ErrTooFresh) {
		t.Errorf("got %v, want ErrTooFresh", err)
	}
	s.Clock.Advance(24 * time.Hour)
	if would, err := rotate.Promote(t.Context(), application.Rotation{By: ops, DryRun: true}); err != nil || would.Previous.IsZero() {
		t.Errorf("Promote(dry run) = %v as previous, %v, want the pair that was active", would.Previous.Fingerprint(), err)
	}
	if is, err := rotate.List(t.Context()); err != nil || !is.Active.Key().Equal(pair.Key()) {
		t.Errorf("List() after a dry run = %v as active, %v, want the same pair as before", is.Active.Fingerprint(), err)
	}
	if _, err := rotate.Promote(t.Context(), application.Rotation{By: ops, Version: "of another ring"}); !errors.Is(err, spkeys.ErrChanged) {
		t.Errorf("another version: got %v, want ErrChanged", err)
	}
	if _, err = rotate.Promote(t.Context(), application.Rotation{By: ops, Version: next.Version()}); err != nil {
		t.Fatal(err)
	}
	after, err := rotate.Retire(t.Context(), spkeys.Previous, application.Rotation{By: ops})
	if err != nil || !after.Active.Key().Equal(next.Next.Key()) || !after.Previous.IsZero() {
		t.Errorf("Retire(previous) = %v as active and %v as previous, %v, want the next pair as active alone", after.Active.Fingerprint(), after.Previous.Fingerprint(), err)
	}
	s.history("keys.created(imported) keys.next_added keys.promoted keys.retired(previous)")
}
