package bench

import (
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/e2e/services"
)

// fixture is one set of stores with both programs on it.
type fixture struct {
	service, ceiling *program
	counted          *program // the service behind proxies that count
	sql, redis       *counter // nil where there is no such store

	seed      *seeder
	addresses int // how many are given to clients
	env       map[string]string
}

// serviceEnv are the settings of every service here.
func serviceEnv(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"PUBLIC_URL": "http://localhost:8080", "SECRET_KEY": strings.Repeat("bench", 10), "DATA_DIR": t.TempDir(),
		"TRUSTED_PROXIES": "127.0.0.1/32", "OPENAPI_RATE_LIMIT_PER_TOKEN": "0", "REDIS_URL": "",
		"DB_MAX_CONNS": strconv.Itoa(poolSize), "SHUTDOWN_DELAY": "0s",
	}
}

func newFixture(t *testing.T, stores string) *fixture {
	t.Helper()
	w := &fixture{env: serviceEnv(t)}
	counted := maps.Clone(w.env)
	switch stores {
	case onSQLite:
		w.env["DATABASE_URL"] = "sqlite:" + filepath.Join(t.TempDir(), "bench.db")
		counted["DATABASE_URL"] = w.env["DATABASE_URL"]
	default:
		w.env["DATABASE_URL"] = services.DurablePostgres(t)
		w.sql, counted["DATABASE_URL"] = countTo(t, w.env["DATABASE_URL"], postgresTrips)
		if stores == onRedis {
			w.env["REDIS_URL"] = services.Redis(t)
			w.redis, counted["REDIS_URL"] = countTo(t, w.env["REDIS_URL"], redisTrips)
		}
	}
	w.service = startProgram(t, "service", w.env)
	w.seed = newSeeder(t, w.env["DATABASE_URL"], w.service)
	w.ceiling = startProgram(t, "ceiling", w.env)
	w.counted = startProgram(t, "service", counted)
	return w
}
