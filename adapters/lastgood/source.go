package lastgood

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/devicegate/devicegate/domain/setting"
)

// Source serves the last good value of something that is read again and again.
type Source[T any] struct {
	what    string                   // is read, for the log
	takenUp func(context.Context, T) // logs a value that was taken up
	log     *slog.Logger
	value   Value[T]
	bad     atomic.Bool // what was read last is not served, or not all of it

	mu    sync.Mutex // one change at a time
	apply []func(T) error
}

// NewSource serves the zero T until [Source.Start].
func NewSource[T any](what string, log *slog.Logger, takenUp func(context.Context, T)) *Source[T] {
	return &Source[T]{what: what, log: log, takenUp: takenUp}
}

// Start serves the first value. Nothing depends on it yet.
func (s *Source[T]) Start(first T) { s.value.Replace(first) }

// Get is the last good value.
func (s *Source[T]) Get() T { return s.value.Get() }

// Current reports whether what was read last is served, all of it.
func (s *Source[T]) Current() bool { return !s.bad.Load() }

// OnChange calls apply with a new value before it is served. An error refuses
// the value.
func (s *Source[T]) OnChange(apply func(T) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apply = append(s.apply, apply)
}

// Partial is an error beside a value that is served all the same, without what the
// error tells of.
type Partial struct{ Err error }

func (p *Partial) Error() string { return p.Err.Error() }

// Unwrap returns what is left out.
func (p *Partial) Unwrap() error { return p.Err }

// Take serves what was read, unless err or one of those that depend on it
// refuses it.
func (s *Source[T]) Take(ctx context.Context, found T, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	partial, _ := err.(*Partial)
	if err == nil || partial != nil {
		err = nil
		for _, apply := range s.apply {
			err = errors.Join(err, apply(found))
		}
	}
	if s.bad.Store(err != nil); err != nil {
		for _, one := range setting.Split(err) {
			s.log.ErrorContext(ctx, s.what+" not taken up; the last good state is served", "error", one)
		}
		return
	}
	s.value.Replace(found)
	s.takenUp(ctx, found)
	s.without(ctx, partial)
}

// without tells what is left out; nil: nothing is.
func (s *Source[T]) without(ctx context.Context, partial *Partial) {
	if partial == nil {
		return
	}
	s.bad.Store(true)
	for _, one := range setting.Split(partial.Err) {
		s.log.ErrorContext(ctx, s.what+": left out", "error", one)
	}
}
