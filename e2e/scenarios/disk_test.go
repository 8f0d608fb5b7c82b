package scenarios

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// The disk below SQLite fills up while devices begin logins, and there is room again
// later. What was answered is kept, what was refused changed nothing, and reads go on.
func TestAFullDiskBelowSQLite(t *testing.T) {
	t.Parallel()
	disk := services.NewSmallDisk(t, 64<<20)
	f, p := newReplica(t, "sqlite:"+filepath.Join(disk.Folder, "devicegate.db"), "")
	stages := f.stages()
	var lost lost
	s := f.starters(4, &lost)
	s.more(f, 20)

	disk.Fill()
	full := time.Now()
	systemtest.Within(t, time.Minute, "requests are refused", func() bool {
		disk.Fill() // what the database gave back while it was being filled
		return s.refused.Load() > 20
	})
	if err := stages.begun.approve(t.Context()); err == nil {
		lost.add("an approval that there is no room for was confirmed")
	}
	if err := stages.done.works(t.Context()); err != nil {
		lost.add("a token while the disk is full: %v", err)
	}
	if *long {
		systemtest.Within(t, 5*time.Minute, "a minute is over", func() bool { return time.Since(full) > time.Minute })
	}
	if got := systemtest.Status(p.at + "/healthz"); got != http.StatusOK {
		lost.add("/healthz: %d", got)
	}
	disk.Clear()
	away, cleared := time.Since(full), time.Now()
	s.more(f, 1)
	healed := time.Since(cleared)
	s.more(f, 20)
	s.stop()
	allWait(s.answered(), &lost)
	stages.goOn(&lost)

	db := f.db()
	var begun, recorded int
	for query, n := range map[string]*int{
		"SELECT count(*) FROM device_authorizations":                                  &begun,
		"SELECT count(*) FROM audit_events WHERE event = 'oauth.device_flow_started'": &recorded,
	} {
		if err := db.NewRaw(query).Scan(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if want := len(s.answered()) + 3; begun != want || recorded != want {
		lost.add("%d logins and %d events of their begin are kept, not %d", begun, recorded, want)
	}
	var sound string
	if err := db.NewRaw("PRAGMA integrity_check").Scan(t.Context(), &sound); err != nil || sound != "ok" {
		lost.add("the database: %s (%v)", sound, err)
	}
	lost.outcome(t, "full for %s, writes again %s after there is room; %d logins begun before and after, %d starts refused with 503 meanwhile",
		away.Round(100*time.Millisecond), healed.Round(10*time.Millisecond), len(s.answered()), s.refused.Load())
}
