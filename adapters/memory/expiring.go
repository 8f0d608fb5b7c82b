package memory

import "time"

// capacity bounds each map. An entry is a few hundred bytes, and ten thousand
// waiting devices need one each.
const capacity = 1 << 17

// firstSweep is how many entries are not worth looking through.
const firstSweep = 1 << 10

// expiring is a map whose entries end. It is not safe for concurrent use.
type expiring[K comparable, V any] struct {
	entries  map[K]entry[V]
	sweepAt  int
	capacity int
}

type entry[V any] struct {
	value V
	until time.Time
}

func newExpiring[K comparable, V any](capacity int) *expiring[K, V] {
	return &expiring[K, V]{entries: map[K]entry[V]{}, sweepAt: min(firstSweep, capacity), capacity: capacity}
}

// get finds an entry that has not ended.
func (e *expiring[K, V]) get(key K, now time.Time) (entry[V], bool) {
	found, ok := e.entries[key]
	return found, ok && now.Before(found.until)
}

// put keeps value until the given time. Sweeping only when the map has grown
// by a good part keeps the cost of each put constant.
func (e *expiring[K, V]) put(key K, value V, until, now time.Time) {
	if _, replaces := e.entries[key]; !replaces && len(e.entries) >= e.sweepAt {
		e.sweep(now)
	}
	e.entries[key] = entry[V]{value, until}
}

func (e *expiring[K, V]) sweep(now time.Time) {
	for key, found := range e.entries {
		if !now.Before(found.until) {
			delete(e.entries, key)
		}
	}
	// An eighth at once: a sweep for each put would be work without bound.
	for key := range e.entries {
		if len(e.entries) <= e.capacity*7/8 {
			break
		}
		delete(e.entries, key)
	}
	e.sweepAt = min(max(2*len(e.entries), firstSweep), e.capacity)
}

func (e *expiring[K, V]) drop(key K) { delete(e.entries, key) }
