package applicationtest

import (
	"sync"
	"time"
)

// Clock shows a time that the test moves.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now keeps [ports.Clock].
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Pass lets time go by.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
