// Package services gives tests the servers and programs they need: PostgreSQL,
// Redis, a browser.
//
// Each comes from the first place that has it:
//
//  1. E2E_DATABASE_URL, E2E_REDIS_URL, E2E_CHROMIUM, E2E_VALKEY: used as they are.
//  2. A Docker engine that answers, through testcontainers, with the images
//     named by E2E_POSTGRES_IMAGE and E2E_REDIS_IMAGE (public ones by default).
//  3. Programs installed on this machine, run as children on throw-away data.
//
// An image that would have to be pulled comes after programs that are here.
// E2E_BACKEND=docker or local allows only that way, so that a run which means
// to use containers cannot fall back unseen. Where there is nothing, the test
// is skipped with instructions; with CI=true it fails, because an unchecked
// contract is not a passed one.
//
// A server starts when it is first asked for, once in each test binary, and
// [Main] ends it. A guard process ends it if the binary is killed.
package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
)

// running is a server that answers.
type running struct {
	addr   string // host:port
	stop   func()
	signal func(os.Signal) error // nil: it is no program of this machine
}

// kind is a server that can be had in several ways.
type kind struct {
	name    string
	install string // what to do when there is none
	image   string
	port    string
	options []testcontainers.ContainerCustomizer
	program func(ctx context.Context) (*running, error)
	answers func(ctx context.Context, addr string) error
}

// startTimeout bounds every way of getting a server, a pull included.
const startTimeout = 2 * time.Minute

// errAbsent says that a way does not exist on this machine.
var errAbsent = errors.New("not on this machine")

func (k *kind) start() (*running, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()

	container := func(pull bool) func(context.Context) (*running, error) {
		return func(ctx context.Context) (*running, error) { return k.container(ctx, pull) }
	}
	var ways []func(context.Context) (*running, error)
	switch backend := os.Getenv("E2E_BACKEND"); backend {
	case "docker":
		ways = append(ways, container(true))
	case "local":
		ways = append(ways, k.program)
	case "", "auto":
		ways = append(ways, container(false), k.program, container(true))
	default:
		return nil, fmt.Errorf("E2E_BACKEND=%s: must be auto, docker or local", backend)
	}
	var tried []error
	for _, way := range ways {
		r, err := way(ctx)
		if err == nil {
			return r, nil
		}
		tried = append(tried, err)
	}
	return nil, fmt.Errorf("no %s for this test: %w\n%s", k.name, errors.Join(tried...), k.install)
}

// once is a server that the whole test binary shares.
type once struct {
	kind *kind
	do   sync.Once
	addr string
	err  error
}

func (o *once) get(t testing.TB) string {
	t.Helper()
	o.do.Do(func() {
		r, err := o.kind.start()
		if err != nil {
			o.err = err
			return
		}
		o.addr = r.addr
		AtEnd(r.stop)
	})
	if o.err != nil {
		missing(t, o.err)
	}
	return o.addr
}

// missing ends a test that cannot be run here.
func missing(t testing.TB, why error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI=true allows no skipping: %v", why)
	}
	t.Skip(why)
}

var end struct {
	sync.Mutex
	started bool
	stops   []func()
}

// AtEnd has [Main] call stop when the tests are over, the last one first.
func AtEnd(stop func()) {
	end.Lock()
	defer end.Unlock()
	end.stops = append(end.stops, stop)
}

// Main runs the tests and then ends what they started. Every package that uses
// this one needs it:
//
//	func TestMain(m *testing.M) { os.Exit(services.Main(m)) }
func Main(m *testing.M) int {
	if standGuard() {
		return 0
	}
	end.Lock()
	end.started = true
	end.Unlock()
	code := m.Run()
	end.Lock()
	defer end.Unlock()
	for _, stop := range slices.Backward(end.stops) {
		stop()
	}
	end.stops = nil
	return code
}

// needMain fails a test whose package would leave its servers behind.
func needMain(t testing.TB) {
	t.Helper()
	end.Lock()
	defer end.Unlock()
	if !end.started {
		t.Fatal("this package needs: func TestMain(m *testing.M) { os.Exit(services.Main(m)) }")
	}
}

// await asks until the server answers, ctx ends or the server has died.
func await(ctx context.Context, died <-chan struct{}, answers func(context.Context) error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := answers(try)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-died:
			return errors.New("ended before it was ready")
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w (last answer: %w)", ctx.Err(), err)
		case <-tick.C:
		}
	}
}
