package scenarios

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
	"github.com/devicegate/devicegate/ports"
)

// fixture is a system under devices and browsers.
type fixture struct {
	*systemtest.System
	t      *testing.T
	public string       // where browsers and devices reach devicegate
	logins atomic.Int64 // each is in a network of its own

	approvals atomic.Int64
}

// staffSize is how many people there are. One person may log in several devices.
const staffSize = 500

func newFixture(t *testing.T, public, databaseURL, redisURL string) *fixture {
	t.Helper()
	var staff []demoidp.User
	for i := range staffSize {
		staff = append(staff, demoidp.User{Email: fmt.Sprintf("p%d@acme.example", i), Name: fmt.Sprint("Person ", i)})
	}
	f := &fixture{System: systemtest.New(t, demoidp.Config{Users: staff, Now: ports.SystemClock}, public, databaseURL, redisURL), t: t, public: public}
	f.Env["OPENAPI_RATE_LIMIT_PER_TOKEN"] = "0"
	return f
}

// newReplica is a fixture with one process, which browsers and devices reach without a
// balancer.
func newReplica(t *testing.T, databaseURL, redisURL string) (*fixture, *process) {
	t.Helper()
	address := fmt.Sprintf("localhost:%d", services.Port(t))
	f := newFixture(t, "http://"+address, databaseURL, redisURL)
	p := f.serve(address)
	f.introduce()
	return f, p
}

// introduce gives devicegate's metadata to the identity provider.
func (f *fixture) introduce() {
	f.t.Helper()
	f.Introduce(f.public)
}

// db opens the database beside the processes.
func (f *fixture) db() *bun.DB {
	f.t.Helper()
	return databasetest.Open(f.t, f.Env["DATABASE_URL"])
}

// process is one that serves.
type process struct {
	*systemtest.Process
	address string // on which it listens
	at      string // its own address, as a URL
}

// serve starts a process that listens at an address, and waits until it is ready.
func (f *fixture) serve(address string) *process {
	f.t.Helper()
	return &process{f.Serve(address), address, "http://" + address}
}
