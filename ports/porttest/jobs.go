package porttest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/devicegate/devicegate/ports"
)

func storeJobs(t *testing.T, open func(t *testing.T) ports.Store) {
	// about are the unfinished jobs with one of the given keys, in their order.
	about := func(t *testing.T, s ports.Store, kind ports.JobKind, keys ...string) (found []ports.Job) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			all, err := tx.Jobs().Unfinished(ctx, kind)
			for _, job := range all {
				if slices.Contains(keys, job.Key) {
					found = append(found, job)
				}
			}
			return err
		})
		return found
	}
	enqueue := func(t *testing.T, s ports.Store, jobs ...ports.Job) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			for _, job := range jobs {
				if err := tx.Jobs().Enqueue(ctx, job); err != nil {
					return err
				}
			}
			return nil
		})
	}
	kind := ports.JobKind("porttest_" + random().Hex()[:8])

	t.Run("enqueued with the transaction", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		first, second := ports.Job{Kind: kind, Key: w.issuer}, ports.Job{Kind: kind, Key: w.issuer + "/ä\"\\"}
		a, started := w.started()
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Jobs().Enqueue(ctx, first))
			must(t, tx.Authorizations().Add(ctx, a, started))
			return tx.Jobs().Enqueue(ctx, second)
		})
		got := about(t, s, kind, first.Key, second.Key)
		if !slices.Equal(got, []ports.Job{first, second}) {
			t.Errorf("got %v, want %v and %v", got, first, second)
		}
		equal(t, loaded(t, s, a.Snapshot().ID), a.Snapshot())
	})

	t.Run("not enqueued by a transaction that fails", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		job, refused := ports.Job{Kind: kind, Key: w.issuer}, errors.New("refused")
		err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Jobs().Enqueue(ctx, job))
			return refused
		})
		is(t, err, refused)
		if got := about(t, s, kind, job.Key); len(got) != 0 {
			t.Errorf("got %v, want no job", got)
		}
		enqueue(t, s, job)
		if got := about(t, s, kind, job.Key); len(got) != 1 {
			t.Errorf("got %v, want the job once", got)
		}
	})

	t.Run("enqueued with a refusal that commits", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		job, refused := ports.Job{Kind: kind, Key: w.issuer}, errors.New("refused")
		err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Jobs().Enqueue(ctx, job))
			return ports.CommitWith(refused)
		})
		is(t, err, refused)
		if got := about(t, s, kind, job.Key); len(got) != 1 {
			t.Errorf("got %v, want the job once", got)
		}
	})

	t.Run("once while it waits, for each kind and key", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		job := ports.Job{Kind: kind, Key: w.issuer}
		otherKey, otherKind := ports.Job{Kind: kind, Key: w.issuer + "/2"}, ports.Job{Kind: kind + "_2", Key: w.issuer}
		enqueue(t, s, job, job, otherKey)
		enqueue(t, s, job, otherKind)
		if got := about(t, s, kind, job.Key, otherKey.Key); !slices.Equal(got, []ports.Job{job, otherKey}) {
			t.Errorf("got %v, want %v and %v", got, job, otherKey)
		}
		if got := about(t, s, otherKind.Kind, job.Key); len(got) != 1 {
			t.Errorf("got %v of the other kind, want 1", got)
		}
	})

	t.Run("the transaction goes on after a job that waits already", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		job := ports.Job{Kind: kind, Key: w.issuer}
		enqueue(t, s, job)
		a, started := w.started()
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Jobs().Enqueue(ctx, job))
			return tx.Authorizations().Add(ctx, a, started)
		})
		equal(t, loaded(t, s, a.Snapshot().ID), a.Snapshot())
	})
}
