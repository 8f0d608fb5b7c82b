package porttest

import (
	"sync"
	"time"
)

// Clock shows a time that the test moves. Its Now is a [ports.Clock].
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock shows the given time.
func NewClock(at time.Time) *Clock { return &Clock{at: at} }

// Now is what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance lets time go by.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
