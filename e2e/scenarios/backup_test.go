package scenarios

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// A backup is taken while people log in, and restored into an empty database, as
// docs/operate/backup.md says.
func TestABackupHoldsTheLoginsInFlight(t *testing.T) {
	t.Parallel()
	dump, restore := services.PostgresProgram(t, "pg_dump"), services.PostgresProgram(t, "pg_restore")
	f, p := newReplica(t, services.Postgres(t), "")
	stages := f.stages()
	var lost lost

	// Events of two days ago are sealed.
	db := f.db()
	if _, err := db.NewRaw("UPDATE audit_events SET time = time - interval '2 days'").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	worker := f.Run(nil, "worker")
	systemtest.Within(t, time.Minute, "the events are sealed", func() bool {
		n, err := db.NewSelect().Table("audit_seals").Count(t.Context())
		return err == nil && n > 0
	})
	worker.Stop()
	sealed := f.verify()

	people, s := f.people(either(4, 1), &lost), f.starters(either(4, 2), &lost)
	people.more(f, either[int64](200, 3))
	s.more(f, 20)
	people.mu.Lock()
	tokens := people.they[:len(people.they):len(people.they)]
	people.mu.Unlock()
	begun := s.answered()
	file := filepath.Join(t.TempDir(), "devicegate.dump")
	began := time.Now()
	run(t, exec.Command(dump, "--format", "custom", "--file", file, f.Env["DATABASE_URL"]))
	took := time.Since(began)
	people.more(f, 1)
	people.stop()
	s.stop()
	p.Stop()

	f.Env["DATABASE_URL"] = services.Postgres(t)
	run(t, exec.Command(restore, "--no-owner", "--dbname", f.Env["DATABASE_URL"], file))
	run(t, f.Command(nil, "migrate"))
	f.serve(p.address)
	stages.goOn(&lost)
	for _, l := range tokens {
		if err := l.works(t.Context()); err != nil {
			lost.add("a token: %v", err)
		}
	}
	allWait(begun[1:], &lost)
	if err := begun[0].finish(t.Context()); err != nil {
		lost.add("a login that was in flight: %v", err)
	}
	if got := f.verify(); got != sealed {
		lost.add("the seals: got %q, want %q", got, sealed)
	}
	lost.outcome(t, "a dump in %s beside logins: %d tokens work, %d logins go on, seals verify", took.Round(10*time.Millisecond), len(tokens)+1, len(begun)+2)
}

// verify proves the audit trail, and returns what it says.
func (f *fixture) verify() string {
	f.t.Helper()
	return run(f.t, f.Command(nil, "audit", "verify", "--as", "ops"))
}

func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	cmd.Stderr = nil
	out, err := cmd.Output()
	if err != nil {
		var text []byte
		if failed, ok := err.(*exec.ExitError); ok {
			text = failed.Stderr
		}
		t.Fatalf("%v: got %v, want no error\n%s", cmd.Args[:2], err, text)
	}
	return string(out)
}
