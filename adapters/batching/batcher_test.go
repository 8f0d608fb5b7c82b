package batching

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// stuck is the time of the tests after which a round trip counts as hanging.
const stuck = 100 * time.Millisecond

// fakeCall asks for the double of a number.
type fakeCall struct {
	n    int
	into *int
}

// fakeSender answers calls when the test lets it. It keeps what was sent.
type fakeSender struct {
	mu       sync.Mutex
	sent     [][]int
	inFlight int
	peak     int

	answer func(ctx context.Context, numbers []int) error // nil: at once
	result func(n int) error                              // the error of one result; nil: none
	final  bool                                           // nothing is repeated
}

var errUnknownOutcome = errors.New("outcome unknown")

func (f *fakeSender) trip(ctx context.Context, numbers ...int) error {
	f.mu.Lock()
	f.sent = append(f.sent, numbers)
	f.inFlight++
	f.peak = max(f.peak, f.inFlight)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.inFlight--
		f.mu.Unlock()
	}()
	if f.answer == nil {
		return nil
	}
	return f.answer(ctx, numbers)
}

func (f *fakeSender) SendOne(ctx context.Context, call fakeCall) error {
	if err := f.trip(ctx, call.n); err != nil {
		return err
	}
	return f.read(call)
}

func (f *fakeSender) SendAll(ctx context.Context, calls []*Call[fakeCall]) error {
	var numbers []int
	for _, c := range calls {
		numbers = append(numbers, c.Value.n)
	}
	if err := f.trip(ctx, numbers...); err != nil {
		return err
	}
	for _, c := range calls {
		c.Receive(func() error { return f.read(c.Value) })
	}
	return nil
}

func (f *fakeSender) read(call fakeCall) error {
	*call.into = 2 * call.n
	if f.result == nil {
		return nil
	}
	return f.result(call.n)
}

func (f *fakeSender) CanRepeat(error) bool { return !f.final }

// asked is what a call of the test got.
type asked struct {
	result   int
	err      error
	panicked any
	at       time.Time
}

// behind sends a call that keeps the only round trip busy, then others, which wait,
// and ends it. It returns what they got, when all have got it.
func behind(t *testing.T, f *fakeSender, ctx func(n int) context.Context, numbers ...int) (got map[int]*asked) {
	t.Helper()
	b := New(1, stuck, Sender[fakeCall](f))
	b.stuckAfter = time.Hour
	busy := make(chan struct{})
	answer := f.answer
	f.answer = func(ctx context.Context, numbers []int) error {
		if numbers[0] == 0 {
			<-busy
			return nil
		}
		if answer == nil {
			return nil
		}
		return answer(ctx, numbers)
	}
	got = map[int]*asked{}
	var all sync.WaitGroup
	for _, n := range append([]int{0}, numbers...) {
		a := &asked{}
		got[n] = a
		all.Go(func() {
			defer func() { a.panicked = recover() }()
			a.err = b.Do(ctx(n), fakeCall{n, &a.result})
			a.at = time.Now()
		})
		synctest.Wait()
	}
	close(busy)
	all.Wait()
	if len(b.inFlight) != 0 || len(b.queue) != 0 {
		t.Errorf("got %d round trips and %d calls left over, want none", len(b.inFlight), len(b.queue))
	}
	return got
}

func unbounded(int) context.Context { return context.Background() }

func numbersTo(n int) (out []int) {
	for i := range n {
		out = append(out, i+1)
	}
	return out
}

func TestACallAloneIsSentAtOnce(t *testing.T) {
	f := &fakeSender{}
	b := New(2, stuck, Sender[fakeCall](f))
	var got int
	for n := range 3 {
		if err := b.Do(t.Context(), fakeCall{n, &got}); err != nil || got != 2*n {
			t.Errorf("got %d, %v, want %d", got, err, 2*n)
		}
	}
	if want := [][]int{{0}, {1}, {2}}; !slices.EqualFunc(f.sent, want, slices.Equal) {
		t.Errorf("got %v, want %v", f.sent, want)
	}
}

func TestCallsThatWaitAreSentTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeSender{}
		for n, a := range behind(t, f, unbounded, 1, 2, 3) {
			if a.err != nil || a.result != 2*n {
				t.Errorf("call %d: got %d, %v, want %d", n, a.result, a.err, 2*n)
			}
		}
		if want := [][]int{{0}, {1, 2, 3}}; !slices.EqualFunc(f.sent, want, slices.Equal) {
			t.Errorf("got %v, want %v", f.sent, want)
		}
	})
}

func TestABatchIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeSender{}
		behind(t, f, unbounded, numbersTo(maxCalls+1)...)
		if want := [][]int{{0}, numbersTo(maxCalls), {maxCalls + 1}}; !slices.EqualFunc(f.sent, want, slices.Equal) {
			t.Errorf("got %v, want %v", f.sent, want)
		}
		if f.peak != 1 {
			t.Errorf("got %d round trips at a time, want 1", f.peak)
		}
	})
}

func TestRoundTripsUnderWayAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 3
		f := &fakeSender{answer: func(context.Context, []int) error { time.Sleep(time.Millisecond); return nil }}
		b := New(most, stuck, Sender[fakeCall](f))
		var all sync.WaitGroup
		for _, n := range numbersTo(20) {
			all.Go(func() {
				for range 50 {
					var got int
					if err := b.Do(context.Background(), fakeCall{n, &got}); err != nil || got != 2*n {
						t.Errorf("got %d, %v, want %d", got, err, 2*n)
					}
				}
			})
		}
		all.Wait()
		if f.peak != most {
			t.Errorf("got %d round trips at a time, want %d", f.peak, most)
		}
	})
}

func TestTheErrorOfOneCallFailsNoOther(t *testing.T) {
	refused := errors.New("refused")
	hasThree := func(_ context.Context, numbers []int) error {
		if slices.Contains(numbers, 3) {
			return refused
		}
		return nil
	}
	for name, f := range map[string]*fakeSender{
		"of the statement": {answer: hasThree},
		"of its result": {result: func(n int) error {
			if n == 3 {
				return refused
			}
			return nil
		}},
		"a panic": {answer: func(_ context.Context, numbers []int) error {
			if slices.Contains(numbers, 3) {
				panic(refused)
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for n, a := range behind(t, f, unbounded, numbersTo(5)...) {
					switch {
					case n == 3 && a.err != refused && a.panicked != any(refused):
						t.Errorf("the call at fault: got %v, %v, want %v", a.err, a.panicked, refused)
					case n != 3 && (a.err != nil || a.panicked != nil || a.result != 2*n):
						t.Errorf("call %d: got %d, %v, %v, want %d", n, a.result, a.err, a.panicked, 2*n)
					}
				}
			})
		})
	}
}

func TestACallWithAnUnknownOutcomeIsNotRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		answer func() error
		want   error
	}{
		"an error": {func() error { return errUnknownOutcome }, errUnknownOutcome},
		"a panic":  {func() error { panic("defect") }, errAborted},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeSender{final: true, answer: func(context.Context, []int) error { return c.answer() }}
				for n, a := range behind(t, f, unbounded, 1, 2, 3) {
					if n > 0 && !errors.Is(a.err, c.want) {
						t.Errorf("call %d: got %v, want %v", n, a.err, c.want)
					}
				}
				if len(f.sent) != 2 {
					t.Errorf("got %v, want nothing sent twice", f.sent)
				}
			})
		})
	}
}

func TestACallReturnsWhenItsContextEnds(t *testing.T) {
	t.Run("in the queue", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeSender{}
			ends, end := context.WithCancel(t.Context())
			end()
			got := behind(t, f, func(n int) context.Context {
				if n == 2 {
					return ends
				}
				return context.Background()
			}, 1, 2, 3)
			if !errors.Is(got[2].err, context.Canceled) || got[2].result != 0 {
				t.Errorf("got %d, %v, want its own end and no result", got[2].result, got[2].err)
			}
			if want := [][]int{{0}, {1, 3}}; !slices.EqualFunc(f.sent, want, slices.Equal) {
				t.Errorf("got %v, want %v", f.sent, want)
			}
		})
	})
	t.Run("in a round trip that hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const hangs, ends = time.Minute, time.Second
			f := &fakeSender{answer: func(context.Context, []int) error { time.Sleep(hangs); return nil }}
			short, cancel := context.WithTimeout(t.Context(), ends)
			defer cancel()
			began := time.Now()
			got := behind(t, f, func(n int) context.Context {
				if n < 3 {
					return short
				}
				return context.Background()
			}, 1, 2, 3)
			for n := 1; n < 3; n++ {
				if after := got[n].at.Sub(began); after != ends {
					t.Errorf("call %d: got an answer after %v, want it after %v", n, after, ends)
				}
				if !errors.Is(got[n].err, context.DeadlineExceeded) || got[n].result != 0 {
					t.Errorf("call %d: got %d, %v, want its own end, and nothing written to it later", n, got[n].result, got[n].err)
				}
			}
			if got[3].err != nil || got[3].result != 6 {
				t.Errorf("the call that waits: got %d, %v, want 6", got[3].result, got[3].err)
			}
		})
	})
}

func TestRoundTripsThatHangHoldUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		f := &fakeSender{answer: func(_ context.Context, numbers []int) error {
			if numbers[0] < 0 {
				<-hangs
			}
			return nil
		}}
		b := New(2, stuck, Sender[fakeCall](f))
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { _ = b.Do(context.Background(), fakeCall{-1, new(int)}) })
		}
		synctest.Wait()
		for i, want := range []time.Duration{stuck, 0, 0} {
			began, got := time.Now(), 0
			if err := b.Do(context.Background(), fakeCall{7, &got}); err != nil || got != 14 {
				t.Errorf("got %d, %v, want 14", got, err)
			}
			if waited := time.Since(began); waited != want {
				t.Errorf("call %d: got a result after %v, want it after %v", i, waited, want)
			}
		}
		close(hangs)
		all.Wait()
		if len(b.inFlight) != 0 {
			t.Errorf("got %v under way, want none", b.inFlight)
		}
	})
}

func TestAPanicOfACallAloneEndsItsRoundTrip(t *testing.T) {
	f := &fakeSender{answer: func(context.Context, []int) error { panic("defect") }}
	b := New(1, stuck, Sender[fakeCall](f))
	func() {
		defer func() { _ = recover() }()
		_ = b.Do(t.Context(), fakeCall{1, new(int)})
	}()
	if len(b.inFlight) != 0 {
		t.Errorf("got %v under way, want none", b.inFlight)
	}
}

// Callers that come, fail and leave at random get their own result or their own
// error; run with -race.
func TestManyCallsAtRandom(t *testing.T) {
	refused := func(n int) error { return fmt.Errorf("refused %d", n) }
	f := &fakeSender{
		answer: func(_ context.Context, numbers []int) error {
			time.Sleep(time.Duration(rand.IntN(50)) * time.Microsecond)
			for _, n := range numbers {
				if n%97 == 0 {
					return refused(n)
				}
			}
			return nil
		},
		result: func(n int) error {
			if n%31 == 0 {
				return refused(n)
			}
			return nil
		},
	}
	b := New(2, stuck, Sender[fakeCall](f))
	b.stuckAfter = 40 * time.Microsecond
	var next, left atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for range 200 {
				n := int(next.Add(1))
				ctx, cancel := context.Background(), func() {}
				if n%5 == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(rand.IntN(100))*time.Microsecond)
				}
				var got int
				err := b.Do(ctx, fakeCall{n, &got})
				cancel()
				switch {
				case errors.Is(err, context.DeadlineExceeded):
					left.Add(1)
					got = -1 // a later write would be a race
				case n%97 == 0 || n%31 == 0:
					if err == nil || err.Error() != refused(n).Error() {
						t.Errorf("call %d: got %v, want %v", n, err, refused(n))
					}
				case err != nil || got != 2*n:
					t.Errorf("call %d: got %d, %v, want %d", n, got, err, 2*n)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d round trips for %d calls, %d left", len(f.sent), next.Load(), left.Load())
	if len(b.inFlight) != 0 || len(b.queue) != 0 {
		t.Errorf("got %v under way and %d in the queue, want none", b.inFlight, len(b.queue))
	}
}
