package database_test

import (
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/e2e/services"
)

func serverTime(t *testing.T, db *bun.DB) (at time.Time) {
	t.Helper()
	must(t, db.NewRaw("SELECT clock_timestamp()").Scan(t.Context(), &at))
	return at
}

func TestAWrongClockIsReplacedByTheServersTime(t *testing.T) {
	db := databasetest.Open(t, services.Postgres(t))
	for _, off := range []time.Duration{-2 * time.Hour, -90 * time.Second, 90 * time.Second, 2 * time.Hour} {
		begin := time.Now()
		clock := database.NewClock().By(func() time.Time { return time.Now().Add(off) }, func() time.Duration { return time.Since(begin) })
		if got := time.Until(clock.Now()); (got - off).Abs() > 40*time.Second {
			t.Errorf("got a clock that is off by %s before it is compared, want its machine's: %s", got, off)
		}
		must(t, clock.Compare(t.Context(), db))
		if got := clock.Now().Sub(serverTime(t, db)); got.Abs() > 40*time.Second {
			t.Errorf("off by %s: got %s between the clock and the server's, want hardly any", off, got)
		}
	}
}

func TestAClockThatIsRightIsItsMachines(t *testing.T) {
	begin := time.Now()
	var last time.Time
	clock := database.NewClock().By(func() time.Time { last = time.Now(); return last }, func() time.Duration { return time.Since(begin) })
	must(t, clock.Compare(t.Context(), databasetest.Open(t, services.Postgres(t))))
	if got := clock.Now(); !got.Equal(last.Truncate(time.Microsecond)) {
		t.Errorf("got %s, want the machine's %s", got, last)
	}
}

// A machine's clock may be set between two comparisons.
func TestAClockThatIsSetBackGoesOn(t *testing.T) {
	db := databasetest.Open(t, services.Postgres(t))
	machine, elapsed := serverTime(t, db), time.Duration(0)
	clock := database.NewClock().By(func() time.Time { return machine }, func() time.Duration { return elapsed })
	must(t, clock.Compare(t.Context(), db))
	before := clock.Now()
	machine, elapsed = machine.Add(-time.Hour), 5*time.Second
	if got, want := clock.Now(), before.Add(5*time.Second); !got.Equal(want) {
		t.Errorf("got %s after the machine's clock was set back, want %s", got, want)
	}
	must(t, clock.Compare(t.Context(), db))
	if got := clock.Now().Sub(serverTime(t, db)); got.Abs() > 40*time.Second {
		t.Errorf("got %s between the clock and the server's after they were compared, want hardly any", got)
	}
}

func TestAClockIsNotComparedByAnAnswerThatWasSlow(t *testing.T) {
	machine, elapsed := time.Now().Add(-time.Hour), time.Duration(0)
	clock := database.NewClock().By(func() time.Time { return machine }, func() time.Duration { elapsed += 3 * time.Second; return elapsed })
	must(t, clock.Compare(t.Context(), databasetest.Open(t, services.Postgres(t))))
	if got := clock.Now(); !got.Equal(machine.Truncate(time.Microsecond)) {
		t.Errorf("got %s, want the machine's %s", got, machine)
	}
}
