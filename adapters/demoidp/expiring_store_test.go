package demoidp

import (
	"testing"
	"time"
)

func TestAFullStoreLosesTheOldest(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	s := newExpiringStore[int](time.Hour, func() time.Time { return now })
	var names []string
	for i := range maxStored + 50 {
		now = now.Add(time.Millisecond)
		names = append(names, s.put(i))
	}
	for i, name := range names {
		if _, found := s.get(name); found != (i >= 50) {
			t.Fatalf("value %d of %d: got found %t, want the newest %d", i, len(names), found, maxStored)
		}
	}
}
