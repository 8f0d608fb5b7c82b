package database

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// batcher lets calls share round trips. A call that finds fewer than maxInFlight
// round trips under way is sent at once, alone. Others wait in a queue; when a
// round trip ends, those that wait are sent together in the next one (natural
// batching). So at low load nothing changes, no call waits for a timer, and each
// is sent after it was asked for.
//
// A caller gets its result, or leaves when its context ends. The last one of those
// that are sent together, which has the most time, sends them: the leader. So the
// context of callers should end by a time limit alone, the same for all.
type batcher[C any] struct {
	sender[C]
	maxInFlight int
	stuckAfter  time.Duration

	mu       sync.Mutex
	latest   uint64   // the number of the round trip that began last
	inFlight []uint64 // those under way, the oldest first
	queue    []*batched[C]
	stuck    *time.Timer
}

// sender sends the calls of a [batcher].
type sender[C any] interface {
	// sendOne sends a call by itself.
	sendOne(ctx context.Context, call C) error
	// sendAll sends several calls and writes their results where [batched.receive]
	// allows it. All of them have failed if it returns an error.
	sendAll(ctx context.Context, calls []*batched[C]) error
	// canRepeat reports whether calls that failed together are sent again, each
	// alone: then the error of one is not that of the others.
	canRepeat(err error) bool
}

func newBatcher[C any](maxInFlight int, s sender[C]) *batcher[C] {
	return &batcher[C]{sender: s, maxInFlight: maxInFlight, stuckAfter: defaultStuckAfter}
}

const (
	// maxBatch bounds what shares one round trip, because the first call of it
	// waits for the last.
	maxBatch = 64
	// defaultStuckAfter is how long the queue waits for a round trip to end. Then one more
	// is sent and the oldest no longer counts: a connection that hangs must not hold
	// up calls that another one answers.
	defaultStuckAfter = 100 * time.Millisecond
)

// batched is a call in the queue or in a round trip with others.
type batched[C any] struct {
	call C
	ctx  context.Context
	wake chan struct{} // receives once: the call has ended, or it leads

	// leads are the calls of the round trip that this one sends, itself included.
	leads []*batched[C]
	trip  uint64

	mu     sync.Mutex
	left   bool // the caller has: nothing of it may be written to
	ended  bool
	repeat bool
	err    error
}

// do sends call and returns its error, or that of ctx.
func (b *batcher[C]) do(ctx context.Context, call C) error {
	c, trip := b.enter(ctx, call)
	if c == nil {
		defer b.end(trip)
		return b.sendOne(ctx, call)
	}
	select {
	case <-c.wake:
	case <-ctx.Done():
		if b.leave(c) {
			return ctx.Err()
		}
		<-c.wake
	}
	if c.leads != nil {
		defer b.end(c.trip)
		if len(c.leads) == 1 {
			return b.sendOne(ctx, call)
		}
		b.send(ctx, c.leads)
	}
	if c.repeat {
		return b.sendOne(ctx, call)
	}
	return c.err
}

// enter begins a round trip for a call, or else queues it.
func (b *batcher[C]) enter(ctx context.Context, call C) (c *batched[C], trip uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.inFlight) < b.maxInFlight {
		return nil, b.begin()
	}
	c = &batched[C]{call: call, ctx: ctx, wake: make(chan struct{}, 1)}
	b.queue = append(b.queue, c)
	if len(b.queue) == 1 {
		b.watch()
	}
	return c, 0
}

func (b *batcher[C]) begin() (trip uint64) {
	b.latest++
	b.inFlight = append(b.inFlight, b.latest)
	return b.latest
}

// end lets the next round trip begin, unless one has begun in place of this.
func (b *batcher[C]) end(trip uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.inFlight, trip); i >= 0 {
		b.inFlight = slices.Delete(b.inFlight, i, i+1)
		b.next()
	}
}

// next hands the first of the queue to the one among them that leads.
func (b *batcher[C]) next() {
	n := min(len(b.queue), maxBatch)
	if n == 0 {
		return
	}
	calls := slices.Clone(b.queue[:n])
	b.queue = slices.Delete(b.queue, 0, n)
	leader := calls[n-1]
	leader.leads, leader.trip = calls, b.begin()
	leader.wake <- struct{}{}
	if len(b.queue) > 0 {
		b.watch()
	}
}

func (b *batcher[C]) watch() {
	if b.stuck == nil {
		b.stuck = time.AfterFunc(b.stuckAfter, b.overtake)
		return
	}
	b.stuck.Reset(b.stuckAfter)
}

// overtake begins a round trip in place of the oldest.
func (b *batcher[C]) overtake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) > 0 {
		b.inFlight = slices.Delete(b.inFlight, 0, 1)
		b.next()
	}
}

// leave reports whether the caller of c may go without its result. A leader may
// not, and one whose result is there need not.
func (b *batcher[C]) leave(c *batched[C]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.leads != nil {
		return false
	}
	if i := slices.Index(b.queue, c); i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = !c.ended
	return c.left
}

// send sends calls together and ends each, also when a defect makes sendAll panic:
// a call that is repeated panics by itself.
func (b *batcher[C]) send(ctx context.Context, calls []*batched[C]) {
	err := errAborted
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errAborted, p)
		}
		repeat := err != nil && b.canRepeat(err)
		for _, c := range calls {
			c.end(err, repeat)
		}
	}()
	err = b.sendAll(ctx, calls)
}

var errAborted = errors.New("a call was sent with others, and sending them did not end")

// receive has read write a result to what belongs to the caller, unless the caller
// has left. What read returns is the error of this call alone.
func (c *batched[C]) receive(read func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.left {
		c.err = read()
	}
}

func (c *batched[C]) end(err error, repeat bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended, c.repeat = true, repeat
	if err != nil {
		c.err = err
	}
	if c.leads == nil {
		c.wake <- struct{}{}
	}
}
