package porttest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

// PollThrottleUnderTest is an adapter and what a test must be able to do with it.
type PollThrottleUnderTest struct {
	ports.PollThrottle
	Advance func(time.Duration) // lets time go by
	Kept    func() int          // counts what is stored
	Settle  func()              // returns when everything has taken effect
}

// PollThrottle tests a [ports.PollThrottle]. Open returns one for this test alone; it is
// called once for each subtest.
func PollThrottle(t *testing.T, open func(t *testing.T) PollThrottleUnderTest) {
	// Minutes, so that a slow machine does not reach an end by itself.
	const gap, life, almost = 10 * time.Minute, time.Hour, time.Minute
	const poller, other = "client|192.0.2.1", "client|198.51.100.2"

	poll := func(t *testing.T, p PollThrottleUnderTest, code secret.Digest, poller string) string {
		t.Helper()
		pending, due, err := p.CheckPending(t.Context(), code, poller, gap)
		switch {
		case err != nil:
			t.Fatal(err)
		case pending && due:
			return "due"
		case pending:
			return "early"
		}
		return "unknown"
	}
	claim := func(t *testing.T, p PollThrottleUnderTest, code secret.Digest) bool {
		t.Helper()
		_, due, err := p.CheckPending(t.Context(), code, "unknown client", gap)
		if err != nil {
			t.Fatal(err)
		}
		return due
	}
	cache := func(t *testing.T, p PollThrottleUnderTest, code secret.Digest, poller string, life time.Duration) {
		t.Helper()
		if err := p.CachePending(t.Context(), code, ports.PendingHint{Poller: poller, TTL: life}); err != nil {
			t.Fatal(err)
		}
		p.Settle()
	}
	release := func(t *testing.T, p PollThrottleUnderTest, code secret.Digest) {
		t.Helper()
		if err := p.Release(t.Context(), code); err != nil {
			t.Fatal(err)
		}
		p.Settle()
	}
	// remember accepts a poll and keeps its hint.
	remember := func(t *testing.T, p PollThrottleUnderTest, code secret.Digest, poller string, life time.Duration) {
		t.Helper()
		_, due, err := p.CheckPending(t.Context(), code, poller, gap)
		if err != nil || !due {
			t.Fatalf("got %v, %v for a poll after the gap, want it to be accepted", due, err)
		}
		cache(t, p, code, poller, life)
	}
	wake := func(t *testing.T, p PollThrottleUnderTest, code secret.Digest) {
		t.Helper()
		if err := p.Invalidate(t.Context(), code); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(t *testing.T, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}

	t.Run("polls of made-up codes leave nothing behind once they are released", func(t *testing.T) {
		p := open(t)
		before := p.Kept()
		for range 100 {
			code := aCode()
			expect(t, poll(t, p, code, poller), "unknown")
			if err := p.Release(t.Context(), code); err != nil {
				t.Fatal(err)
			}
		}
		p.Settle()
		expect(t, p.Kept(), before)
	})

	t.Run("a released poll counts for nothing, and hints stay", func(t *testing.T) {
		p, code := open(t), aCode()
		remember(t, p, code, poller, life)
		expect(t, poll(t, p, code, poller), "early")
		release(t, p, code)
		expect(t, poll(t, p, code, poller), "due")
		release(t, p, aCode())
		expect(t, poll(t, p, code, poller), "early")
	})

	t.Run("a hint that was under way when the code was invalidated is not kept", func(t *testing.T) {
		p, code := open(t), aCode()
		wake(t, p, code)
		cache(t, p, code, poller, life)
		expect(t, poll(t, p, code, poller), "unknown")
		p.Advance(ports.HintInTransit)
		cache(t, p, code, poller, life)
		expect(t, poll(t, p, code, poller), "early")
	})

	t.Run("a poller with a hint is pending, and no other is", func(t *testing.T) {
		p, code := open(t), aCode()
		remember(t, p, code, poller, life)
		expect(t, poll(t, p, code, other), "unknown")
		expect(t, poll(t, p, aCode(), poller), "unknown")
		expect(t, poll(t, p, code, poller), "early")
		p.Advance(gap)
		expect(t, poll(t, p, code, poller), "due")
	})

	t.Run("several may wait on one code, and have one mark", func(t *testing.T) {
		p, code := open(t), aCode()
		remember(t, p, code, poller, life)
		p.Advance(gap)
		remember(t, p, code, other, life)
		p.Advance(gap)
		expect(t, poll(t, p, code, poller), "due")
		expect(t, poll(t, p, code, other), "early")
	})

	t.Run("the next poll is due a gap after the last accepted one, however many came early", func(t *testing.T) {
		p, code := open(t), aCode()
		remember(t, p, code, poller, life)
		expect(t, poll(t, p, code, poller), "early")
		p.Advance(gap - almost)
		expect(t, poll(t, p, code, poller), "early")
		expect(t, claim(t, p, code), false)
		p.Advance(almost)
		expect(t, poll(t, p, code, poller), "due")
		p.Advance(gap - almost)
		expect(t, poll(t, p, code, poller), "early")
	})

	t.Run("an accepted poll without a hint moves the mark like any other", func(t *testing.T) {
		p, code := open(t), aCode()
		expect(t, claim(t, p, code), true)
		expect(t, claim(t, p, code), false)
		p.Advance(gap)
		remember(t, p, code, poller, life)
		expect(t, claim(t, p, code), false)
		expect(t, poll(t, p, code, poller), "early")
		p.Advance(gap)
		expect(t, claim(t, p, code), true)
		expect(t, poll(t, p, code, poller), "early")
		expect(t, claim(t, p, aCode()), true)
	})

	t.Run("a hint ends with its life", func(t *testing.T) {
		p, code := open(t), aCode()
		remember(t, p, code, poller, life)
		p.Advance(life - almost)
		expect(t, poll(t, p, code, poller), "due")
		p.Advance(almost)
		expect(t, poll(t, p, code, poller), "unknown")
	})

	t.Run("a second hint for a code keeps the first one's expiry", func(t *testing.T) {
		p, code := open(t), aCode()
		remember(t, p, code, poller, life)
		p.Advance(life - almost)
		remember(t, p, code, other, life)
		p.Advance(almost)
		expect(t, poll(t, p, code, poller), "unknown")
	})

	t.Run("a hint without a life is not kept, and its poll is accepted", func(t *testing.T) {
		p, code := open(t), aCode()
		remember(t, p, code, poller, 0)
		expect(t, poll(t, p, code, poller), "unknown")
		p.Advance(gap)
		remember(t, p, code, poller, -time.Second)
		expect(t, poll(t, p, code, poller), "unknown")
	})

	t.Run("an invalidation forgets the hints of all pollers, and not the last accepted poll", func(t *testing.T) {
		p, code := open(t), aCode()
		remember(t, p, code, poller, life)
		p.Advance(gap)
		remember(t, p, code, other, life)
		expect(t, poll(t, p, code, poller), "early")
		wake(t, p, code)
		expect(t, poll(t, p, code, poller), "unknown")
		expect(t, poll(t, p, code, other), "unknown")
		expect(t, claim(t, p, code), false)
		wake(t, p, code)
	})

	t.Run("nothing is kept for ever", func(t *testing.T) {
		p := open(t)
		before := p.Kept()
		for range 10 {
			code := aCode()
			remember(t, p, code, poller, life)
			expect(t, poll(t, p, code, poller), "early")
		}
		p.Advance(life)
		// An adapter that sweeps late does it when something new comes.
		for range 10 {
			code := aCode()
			expect(t, poll(t, p, code, poller), "unknown")
			release(t, p, code)
		}
		if kept := p.Kept(); kept > before+20 {
			t.Errorf("got %d entries kept, want %d at most", kept, before+20)
		}
	})

	t.Run("of many at once exactly one is accepted", func(t *testing.T) {
		p := open(t)
		for round := range 20 {
			code := aCode()
			remember(t, p, code, poller, life)
			p.Advance(gap)
			var accepted atomic.Int32
			together(50, func(i int) {
				_, due, err := p.CheckPending(t.Context(), code, []string{poller, other}[i%2], gap)
				if err != nil {
					t.Error(err)
				}
				if due {
					accepted.Add(1)
				}
			})
			if n := accepted.Load(); n != 1 {
				t.Fatalf("round %d: got %d polls accepted at once, want 1", round, n)
			}
		}
	})
}

func aCode() secret.Digest { return secret.Random("code", 24).Digest() }

// together calls fn from many goroutines that start at one moment.
func together(n int, fn func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			fn(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// aKey is a key that no other test uses.
func aKey() string { return fmt.Sprintf("key-%s", secret.Random("key", 12).Reveal()) }
