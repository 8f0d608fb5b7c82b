package demoidp

import (
	"crypto/rand"
	"sync"
	"time"
)

// shelf keeps things for a while, each under a name that cannot be guessed.
type shelf[T any] struct {
	life time.Duration
	now  func() time.Time

	mu   sync.Mutex
	kept map[string]shelved[T]
}

type shelved[T any] struct {
	thing T
	until time.Time
}

// shelfMax bounds what strangers can make us keep.
const shelfMax = 1000

func newShelf[T any](life time.Duration, now func() time.Time) *shelf[T] {
	return &shelf[T]{life: life, now: now, kept: map[string]shelved[T]{}}
}

func (s *shelf[T]) put(thing T) (name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for old, k := range s.kept {
		if len(s.kept) >= shelfMax || !now.Before(k.until) {
			delete(s.kept, old)
		}
	}
	name = rand.Text()
	s.kept[name] = shelved[T]{thing, now.Add(s.life)}
	return name
}

func (s *shelf[T]) get(name string) (thing T, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, found := s.kept[name]
	if !found || !s.now().Before(k.until) {
		return thing, false
	}
	return k.thing, true
}

func (s *shelf[T]) drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, name)
}
