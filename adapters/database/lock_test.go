package database

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/fault"
)

// lockURL makes this test binary another process: see the test below.
const lockURL = "DEVICEGATE_TEST_LOCK_URL"

// A process that waits for the lock must not release the one that holds it, even
// if both are one process: POSIX locks belong to processes.
func TestWaitingForTheMigrationLockDoesNotReleaseIt(t *testing.T) {
	url := os.Getenv(lockURL)
	child := url != ""
	if !child {
		url = "sqlite://" + filepath.ToSlash(t.TempDir()) + "/x.db"
	}
	db, err := Open(Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	refused := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		release, err := sqliteMigrationLock(ctx, db)
		if err == nil {
			err = release()
		}
		if err = mapError(ctx, err); !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("got %v, want fault.ErrUnavailable", err)
		}
	}
	if child {
		refused()
		return
	}
	release, err := sqliteMigrationLock(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	refused()
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	other.Env = append(os.Environ(), lockURL+"="+url)
	if output, err := other.CombinedOutput(); err != nil {
		t.Errorf("the other process: got %v, want no error: %s", err, output)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}
