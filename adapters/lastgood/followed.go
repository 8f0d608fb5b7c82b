package lastgood

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// retryInterval is the time between two attempts to read what cannot be read.
const retryInterval = 2 * time.Second

// Followed is a [Source] that reads when it is told of changes, as
// [ports.Changes] tells of those in the store.
type Followed[T any] struct {
	*Source[T]
	read Read[T]

	mu     sync.Mutex // one reading at a time
	tried  string     // the version that was served or refused
	unread bool       // the last reading failed
}

// Read reads a value, and a text that differs when the value does. With a [*Partial]
// the value is served, too.
type Read[T any] func(context.Context) (value T, version string, err error)

// Follow makes one; [Followed.Open] reads the first value.
func Follow[T any](what string, log *slog.Logger, read Read[T], takenUp func(context.Context, T)) *Followed[T] {
	return &Followed[T]{Source: NewSource(what, log, takenUp), read: read}
}

// Open reads for the first time.
func (f *Followed[T]) Open(ctx context.Context) error {
	first, version, err := f.read(ctx)
	partial, _ := err.(*Partial)
	if err != nil && partial == nil {
		return fmt.Errorf("%s: %w", f.what, err)
	}
	f.tried = version
	f.Start(first)
	f.without(ctx, partial)
	return nil
}

// Reload reads now. A failure is logged once until reading succeeds again.
func (f *Followed[T]) Reload(ctx context.Context) { f.reload(ctx) }

func (f *Followed[T]) reload(ctx context.Context) (ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, version, err := f.read(ctx)
	_, partial := err.(*Partial)
	switch {
	case err != nil && ctx.Err() != nil: // the process ends
		return false
	case err != nil && !partial:
		if !f.unread {
			f.Take(ctx, found, err)
		}
		f.unread = true
		return false
	case version != f.tried || f.unread:
		f.tried, f.unread = version, false
		f.Take(ctx, found, err)
	}
	return true
}

// Run reads whenever changed receives, until ctx ends.
func (f *Followed[T]) Run(ctx context.Context, changed <-chan struct{}) {
	retry := time.NewTimer(retryInterval)
	retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-retry.C:
		}
		if !f.reload(ctx) {
			retry.Reset(retryInterval)
		}
	}
}
