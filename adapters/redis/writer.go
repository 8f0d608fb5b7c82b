package redis

import (
	"context"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

const (
	// gatherTime is how long a write waits for others to share its round trip.
	gatherTime = 2 * time.Millisecond
	// writesMax bounds what waits; a server that is that slow gets no more.
	writesMax = 4096
)

// writer sends writes whose answers nothing waits for, many in one round trip.
// It runs only while there is something to send.
type writer struct {
	redis *Connection

	mu      sync.Mutex
	waiting []func(rueidis.Builder) rueidis.Completed
	running bool
	idle    *sync.Cond
}

func newWriter(c *Connection) *writer {
	w := &writer{redis: c}
	w.idle = sync.NewCond(&w.mu)
	return w
}

// add takes a write that is sent soon. It returns [ErrDown] if it would be lost.
func (w *writer) add(write func(rueidis.Builder) rueidis.Completed) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if state, _ := w.redis.State(); state != Up || len(w.waiting) >= writesMax {
		return ErrDown
	}
	if !w.running {
		if err := w.redis.background(w.run); err != nil {
			return err
		}
		w.running = true
	}
	w.waiting = append(w.waiting, write)
	return nil
}

func (w *writer) run() {
	for {
		w.redis.pause(gatherTime)
		w.mu.Lock()
		writes := w.waiting
		w.waiting = nil
		if len(writes) == 0 {
			w.running = false
			w.idle.Broadcast()
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		w.send(writes)
	}
}

// send gives up what the server does not take: [Connection.do] has noted why.
func (w *writer) send(writes []func(rueidis.Builder) rueidis.Completed) {
	_ = w.redis.do(w.redis.closing, "write", func(ctx context.Context, r rueidis.Client) error {
		commands := make(rueidis.Commands, len(writes))
		for i, write := range writes {
			commands[i] = write(r.B())
		}
		for _, answer := range r.DoMulti(ctx, commands...) {
			if err := answer.Error(); err != nil {
				return err
			}
		}
		return nil
	})
}

// settle returns when nothing waits any more.
func (w *writer) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.running {
		w.idle.Wait()
	}
}
