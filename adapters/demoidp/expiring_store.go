package demoidp

import (
	"crypto/rand"
	"sync"
	"time"
)

// expiringStore keeps values for a while, each under a name that cannot be guessed.
type expiringStore[T any] struct {
	life time.Duration
	now  func() time.Time

	mu   sync.Mutex
	kept map[string]storedUntil[T]
}

type storedUntil[T any] struct {
	value T
	until time.Time
}

// maxStored bounds the memory that requests without a session can take up.
const maxStored = 1000

func newExpiringStore[T any](life time.Duration, now func() time.Time) *expiringStore[T] {
	return &expiringStore[T]{life: life, now: now, kept: map[string]storedUntil[T]{}}
}

func (s *expiringStore[T]) put(value T) (name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	first := ""
	for old, k := range s.kept {
		switch {
		case !now.Before(k.until):
			delete(s.kept, old)
		case first == "" || k.until.Before(s.kept[first].until):
			first = old
		}
	}
	if len(s.kept) >= maxStored { // the newest may be of people at the form
		delete(s.kept, first)
	}
	name = rand.Text()
	s.kept[name] = storedUntil[T]{value, now.Add(s.life)}
	return name
}

func (s *expiringStore[T]) get(name string) (value T, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, found := s.kept[name]
	if !found || !s.now().Before(k.until) {
		return value, false
	}
	return k.value, true
}

func (s *expiringStore[T]) drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, name)
}
