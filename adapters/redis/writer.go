package redis

import (
	"context"
	"slices"
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
	waiting writes
	running bool
	idle    *sync.Cond
}

// writes are what one round trip takes.
type writes struct {
	hints    []writtenHint
	releases []string // the keys to delete
}

func (w writes) count() int { return len(w.hints) + len(w.releases) }

// writtenHint has the keys and arguments of [hintsScript].
type writtenHint struct{ keys, args [2]string }

// hintsScript writes hints that are not kept out by a decision. It leaves the
// expiry of the first hint of a code as it is.
const hintsScript = `
for i = 1, #KEYS, 2 do
  if not redis.call('GET', KEYS[i+1]) then
    redis.call('SADD', KEYS[i], ARGV[i])
    if redis.call('PTTL', KEYS[i]) < 0 then redis.call('PEXPIRE', KEYS[i], ARGV[i+1]) end
  end
end
return 1`

// hintsMax bounds what one script writes, because Redis does nothing else then.
const hintsMax = 64

func newWriter(c *Connection) *writer {
	w := &writer{redis: c}
	w.idle = sync.NewCond(&w.mu)
	return w
}

func (w *writer) addHint(h writtenHint) error {
	return w.add(func(to *writes) { to.hints = append(to.hints, h) })
}

func (w *writer) addRelease(key string) error {
	return w.add(func(to *writes) { to.releases = append(to.releases, key) })
}

// add takes a write that is sent soon. It returns [ErrDown] if it would be lost.
func (w *writer) add(write func(to *writes)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if state, _ := w.redis.State(); state != Up || w.waiting.count() >= writesMax {
		return ErrDown
	}
	if !w.running {
		if err := w.redis.background(w.run); err != nil {
			return err
		}
		w.running = true
	}
	write(&w.waiting)
	return nil
}

func (w *writer) run() {
	for {
		w.redis.pause(gatherTime)
		w.mu.Lock()
		together := w.waiting
		w.waiting = writes{}
		if together.count() == 0 {
			w.running = false
			w.idle.Broadcast()
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		w.send(together)
	}
}

// send gives up what the server does not take: [Connection.do] has noted why.
func (w *writer) send(together writes) {
	_ = w.redis.do(w.redis.closing, "write", func(ctx context.Context, r rueidis.Client) error {
		for _, answer := range r.DoMulti(ctx, commandsFor(r, together)...) {
			if err := answer.Error(); err != nil {
				return err
			}
		}
		return nil
	})
}

// commandsFor writes many hints by one script. In a cluster each code lies on its
// own node, and has a script of its own.
func commandsFor(r rueidis.Client, together writes) rueidis.Commands {
	var commands rueidis.Commands
	size := hintsMax
	if r.Mode() == rueidis.ClientModeCluster {
		size = 1
	}
	for hints := range slices.Chunk(together.hints, size) {
		var keys, args []string
		for _, h := range hints {
			keys, args = append(keys, h.keys[:]...), append(args, h.args[:]...)
		}
		commands = append(commands, r.B().Eval().Script(hintsScript).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build())
	}
	for _, key := range together.releases {
		commands = append(commands, r.B().Del().Key(key).Build())
	}
	return commands
}

// settle returns when nothing waits any more.
func (w *writer) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.running {
		w.idle.Wait()
	}
}
