// Package batching lets calls to a store share round trips under load. A [Batcher]
// gathers the calls that wait while others are under way, and a [Sender], which the
// adapter of the store has, sends them together.
package batching

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Batcher lets calls share round trips. A call that finds fewer than maxInFlight
// round trips under way leads one: it lets the goroutines that are ready run first,
// takes those of their calls that come, and is sent. Others wait in a queue; when a
// round trip ends, those that wait are sent together in the next one (natural
// batching). So at low load a call is sent at once, none waits for a timer, and
// each is sent after it was asked for.
//
// A caller gets its result, or leaves when its context ends. One of those that are
// sent together sends them: the leader. So the context of callers should end by a
// time limit alone, the same for all.
type Batcher[C any] struct {
	sender      Sender[C]
	maxInFlight int
	stuckAfter  time.Duration

	mu       sync.Mutex
	latest   uint64   // the number of the round trip that began last
	inFlight []uint64 // those under way, the oldest first
	queue    []*Call[C]
	stuck    *time.Timer
}

// Sender sends the calls of a [Batcher].
type Sender[C any] interface {
	// SendOne sends a call by itself.
	SendOne(ctx context.Context, call C) error
	// SendAll sends several calls and writes their results where [Call.Receive]
	// allows it. All of them have failed if it returns an error.
	SendAll(ctx context.Context, calls []*Call[C]) error
	// CanRepeat reports whether calls that failed together are sent again, each
	// alone: then the error of one is not that of the others.
	CanRepeat(err error) bool
}

// New returns a batcher of which so many round trips are under way at a time. The
// queue waits for one of them to end, but no longer than stuckAfter: then one more
// is sent and the oldest no longer counts, because a connection that hangs must not
// hold up calls that another one answers.
func New[C any](maxInFlight int, stuckAfter time.Duration, s Sender[C]) *Batcher[C] {
	return &Batcher[C]{sender: s, maxInFlight: maxInFlight, stuckAfter: stuckAfter}
}

// maxCalls bounds what shares one round trip, because the first call of it waits
// for the last.
const maxCalls = 64

// Call is a call in the queue or in a round trip with others.
type Call[C any] struct {
	Value   C
	Context context.Context // of its caller

	wake chan struct{} // receives once: the call has ended, or it leads

	// leads are the calls of the round trip that this one sends, itself included.
	leads []*Call[C]
	trip  uint64

	mu     sync.Mutex
	left   bool // the caller has: nothing of it may be written to
	ended  bool
	repeat bool
	err    error
}

// Do sends a call and returns its error, or that of ctx.
func (b *Batcher[C]) Do(ctx context.Context, value C) error {
	c := &Call[C]{Value: value, Context: ctx}
	if trip, leads := b.enter(c); leads {
		runtime.Gosched()
		b.gather(c, trip)
	} else {
		select {
		case <-c.wake:
		case <-ctx.Done():
			if b.leave(c) {
				return ctx.Err()
			}
			<-c.wake
		}
	}
	if c.leads != nil {
		defer b.end(c.trip)
		if len(c.leads) == 1 {
			return b.sender.SendOne(ctx, value)
		}
		b.send(ctx, c.leads)
	}
	if c.repeat {
		return b.sender.SendOne(ctx, value)
	}
	return c.err
}

// enter begins a round trip that c leads, or else queues c.
func (b *Batcher[C]) enter(c *Call[C]) (trip uint64, leads bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.inFlight) < b.maxInFlight {
		return b.begin(), true
	}
	c.wake = make(chan struct{}, 1)
	b.queue = append(b.queue, c)
	if len(b.queue) == 1 {
		b.watch()
	}
	return 0, false
}

// gather lets c lead a round trip together with the calls of the queue.
func (b *Batcher[C]) gather(c *Call[C], trip uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.queue), maxCalls-1)
	c.leads, c.trip = append([]*Call[C]{c}, b.queue[:n]...), trip
	b.queue = slices.Delete(b.queue, 0, n)
}

func (b *Batcher[C]) begin() (trip uint64) {
	b.latest++
	b.inFlight = append(b.inFlight, b.latest)
	return b.latest
}

// end lets the next round trip begin, unless one has begun in place of this.
func (b *Batcher[C]) end(trip uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.inFlight, trip); i >= 0 {
		b.inFlight = slices.Delete(b.inFlight, i, i+1)
		b.next()
	}
}

// next hands the first of the queue to the one among them that leads.
func (b *Batcher[C]) next() {
	n := min(len(b.queue), maxCalls)
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

func (b *Batcher[C]) watch() {
	if b.stuck == nil {
		b.stuck = time.AfterFunc(b.stuckAfter, b.overtake)
		return
	}
	b.stuck.Reset(b.stuckAfter)
}

// overtake begins a round trip in place of the oldest.
func (b *Batcher[C]) overtake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) > 0 {
		b.inFlight = slices.Delete(b.inFlight, 0, 1)
		b.next()
	}
}

// leave reports whether the caller of c may go without its result. A leader may
// not, and one whose result is there need not.
func (b *Batcher[C]) leave(c *Call[C]) bool {
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

// send sends calls together and ends each, also when a defect makes SendAll panic:
// a call that is repeated panics by itself.
func (b *Batcher[C]) send(ctx context.Context, calls []*Call[C]) {
	err := errAborted
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errAborted, p)
		}
		repeat := err != nil && b.sender.CanRepeat(err)
		for _, c := range calls {
			c.end(err, repeat)
		}
	}()
	err = b.sender.SendAll(ctx, calls)
}

var errAborted = errors.New("a call was sent with others, and sending them did not end")

// Receive has read write a result to what belongs to the caller, unless the caller
// has left. What read returns is the error of this call alone.
func (c *Call[C]) Receive(read func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.left {
		c.err = read()
	}
}

func (c *Call[C]) end(err error, repeat bool) {
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

// Together is for tests: the calls that start begins, so many, find all round trips
// under way, and are sent together.
func (b *Batcher[C]) Together(calls int, start func()) {
	b.mu.Lock()
	b.stuckAfter = time.Hour
	var trips []uint64
	for len(b.inFlight) < b.maxInFlight {
		trips = append(trips, b.begin())
	}
	b.mu.Unlock()
	start()
	for queued := 0; queued < calls; runtime.Gosched() {
		b.mu.Lock()
		queued = len(b.queue)
		b.mu.Unlock()
	}
	for _, trip := range trips {
		b.end(trip)
	}
}
