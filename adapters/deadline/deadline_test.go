package deadline_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/adapters/deadline"
)

type key struct{}

func TestACallEndsAfterItsLimit(t *testing.T) {
	const limit = 16 * time.Second
	for name, base := range map[string]func(t *testing.T) context.Context{
		"never ends": func(*testing.T) context.Context { return context.WithValue(context.Background(), key{}, "v") },
		"can end": func(t *testing.T) context.Context {
			return context.WithValue(t.Context(), key{}, "v")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := deadline.NewLimit(limit)
				for range 40 { // some share a timer, some do not
					ctx, cancel := l.Context(base(t))
					began := time.Now()
					if got := ctx.Value(key{}); got != "v" {
						t.Fatalf("got value %v, want that of the caller", got)
					}
					child, cancelChild := context.WithCancel(ctx)
					defer cancelChild()
					time.Sleep(300 * time.Millisecond)
					if ctx.Err() != nil {
						t.Fatalf("got %v, want a call that goes on", ctx.Err())
					}
					<-child.Done()
					if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
						t.Errorf("got %v, want that the deadline passed", ctx.Err())
					}
					if took := time.Since(began); took < limit || took > limit+limit/16 {
						t.Errorf("got an end after %v, want %v and at most a sixteenth more", took, limit)
					}
					cancel()
				}
			})
		})
	}
}

func TestCallsAtATimeShareATimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := deadline.NewLimit(16 * time.Second)
		first, _ := l.Context(context.Background())
		time.Sleep(999 * time.Millisecond)
		second, _ := l.Context(context.Background())
		time.Sleep(2 * time.Millisecond)
		third, _ := l.Context(context.Background())
		if first.Done() != second.Done() || second.Done() == third.Done() {
			t.Errorf("got shared %v, %v, want the first two alone", first.Done() == second.Done(), second.Done() == third.Done())
		}
		if got := testing.AllocsPerRun(100, func() { l.Context(context.Background()) }); got > 1 {
			t.Errorf("got %v allocations for a call, want 1", got)
		}
	})
}

func TestSplit(t *testing.T) {
	l := deadline.NewLimit(time.Minute)
	ctx, cancel := l.Context(context.WithValue(context.Background(), key{}, "v"))
	defer cancel()
	values, end, ok := deadline.Split(ctx)
	want, _ := ctx.Deadline()
	if !ok || values.Done() != nil || values.Value(key{}) != "v" || !end.Equal(want) {
		t.Errorf("got %v, %v, %v, want the values, %v and true", values, end, ok, want)
	}
	cancellable, cancel := l.Context(t.Context())
	defer cancel()
	if got, _, ok := deadline.Split(cancellable); ok || got != cancellable {
		t.Errorf("got %v, %v, want the same context and false", got, ok)
	}
}
