package database_test

import (
	"context"
	"os"
	"sync/atomic"
	"testing"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

func TestMain(m *testing.M) { os.Exit(services.Main(m)) }

// engines runs a test on each engine.
func engines(t *testing.T, test func(t *testing.T, engine databasetest.Engine)) {
	for _, engine := range databasetest.Engines() {
		t.Run(engine.Name, func(t *testing.T) { test(t, engine) })
	}
}

// replicas are two processes on one database: each call goes to the other one.
type replicas struct {
	stores [2]ports.Store
	calls  *atomic.Int64
}

func (r replicas) next() ports.Store { return r.stores[r.calls.Add(1)%2] }

func (r replicas) View(ctx context.Context, fn func(context.Context, ports.Reader) error) error {
	return r.next().View(ctx, fn)
}

func (r replicas) Update(ctx context.Context, fn func(context.Context, ports.Tx) error) error {
	return r.next().Update(ctx, fn)
}

func (r replicas) AddAuthorization(ctx context.Context, a *device.Authorization, event audit.Event) error {
	return r.next().AddAuthorization(ctx, a, event)
}

func (r replicas) Ready(ctx context.Context) error { return r.next().Ready(ctx) }

func TestTwoReplicas(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		url := engine.URL(t)
		one, two := databasetest.Open(t, url), databasetest.Open(t, url)
		if err := database.Migrate(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		porttest.Store(t, func(t *testing.T) ports.Store {
			return replicas{[2]ports.Store{databasetest.Store(t, one), databasetest.Store(t, two)}, new(atomic.Int64)}
		})
	})
}

func TestStore(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		porttest.Store(t, func(t *testing.T) ports.Store { return databasetest.Store(t, db) })
	})
}
