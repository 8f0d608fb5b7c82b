package lastgood_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/internal/logtest"
)

// stored is what a reading finds.
type stored struct {
	mu             sync.Mutex
	value, version string
	err            error
	reads          int
}

func (s *stored) read(context.Context) (string, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return s.value, s.version, s.err
}

func (s *stored) set(value, version string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.version, s.err = value, version, err
}

func (s *stored) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func follow(t *testing.T, s *stored) (*lastgood.Followed[string], *logtest.Log) {
	logs := new(logtest.Log)
	f := lastgood.Follow("colours", slog.New(slog.NewTextHandler(logs, nil)), s.read, func(context.Context, string) {})
	if err := f.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f, logs
}

func serves(t *testing.T, f *lastgood.Followed[string], want string, current bool) {
	t.Helper()
	if got := f.Get(); got != want || f.Current() != current {
		t.Errorf("got %q, current %t, want %q, %t", got, f.Current(), want, current)
	}
}

func TestTheFirstReadingHasToSucceed(t *testing.T) {
	s := &stored{err: errors.New("down")}
	f := lastgood.Follow("colours", slog.New(slog.DiscardHandler), s.read, func(context.Context, string) {})
	if err := f.Open(t.Context()); !errors.Is(err, s.err) {
		t.Errorf("got %v, want the reading's error", err)
	}
}

func TestAValueThatIsRefusedChangesNothing(t *testing.T) {
	s := &stored{value: "red", version: "1"}
	f, logs := follow(t, s)
	applied := ""
	f.OnChange(func(next string) error {
		if next == "bad" {
			return errors.New("no colour")
		}
		applied = next
		return nil
	})
	s.value, s.version = "bad", "2"
	for range 3 {
		f.Reload(t.Context())
	}
	serves(t, f, "red", false)
	if n := strings.Count(logs.String(), "no colour"); n != 1 || !strings.Contains(logs.String(), "colours not taken up; the last good state is served") {
		t.Errorf("got the log %s, want the refusal once", logs)
	}
	s.value, s.version = "blue", "3"
	f.Reload(t.Context())
	serves(t, f, "blue", true)
	if applied != "blue" {
		t.Errorf("got %q applied, want blue", applied)
	}
}

func TestAValueThatDidNotChangeIsNotApplied(t *testing.T) {
	s := &stored{value: "red", version: "1"}
	f, _ := follow(t, s)
	f.OnChange(func(string) error {
		t.Error("got the value applied again, want it applied once")
		return nil
	})
	f.Reload(t.Context())
}

func TestReadingIsTriedAgainUntilItSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stored{value: "red", version: "1"}
		f, logs := follow(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		changed := make(chan struct{}, 1)
		go f.Run(ctx, changed)
		s.set("blue", "2", errors.New("down"))
		changed <- struct{}{}
		synctest.Wait()
		serves(t, f, "red", false)
		time.Sleep(10 * time.Second) // of the bubble's clock
		if synctest.Wait(); s.count() < 3 || strings.Count(logs.String(), "down") != 1 {
			t.Errorf("got %d readings and the log %s, want several and one line", s.count(), logs)
		}
		s.set("blue", "2", nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		serves(t, f, "blue", true)
		reads := s.count()
		time.Sleep(time.Minute)
		if synctest.Wait(); s.count() != reads {
			t.Errorf("got %d readings without a change, want none", s.count()-reads)
		}
		cancel()
		synctest.Wait()
	})
}

func TestAValueIsServedWithoutWhatIsLeftOut(t *testing.T) {
	s := &stored{value: "red", version: "1", err: &lastgood.Partial{Err: errors.Join(errors.New("blue is torn"), errors.New("pink is torn"))}}
	f, logs := follow(t, s)
	serves(t, f, "red", false)
	if log := logs.String(); !strings.Contains(log, "colours: left out") || !strings.Contains(log, "blue is torn") || !strings.Contains(log, "pink is torn") {
		t.Errorf("got the log %s, want what is left out", log)
	}
	f.Reload(t.Context())
	if n := strings.Count(logs.String(), "blue is torn"); n != 1 {
		t.Errorf("got %d lines of one state, want 1", n)
	}
	s.set("red, pink", "2", &lastgood.Partial{Err: errors.New("blue is torn")})
	f.Reload(t.Context())
	serves(t, f, "red, pink", false)
	s.set("red, pink, blue", "3", nil)
	f.Reload(t.Context())
	serves(t, f, "red, pink, blue", true)

	f.OnChange(func(string) error { return errors.New("no colour") })
	s.set("bad", "4", &lastgood.Partial{Err: errors.New("blue is torn")})
	f.Reload(t.Context())
	serves(t, f, "red, pink, blue", false)
}
