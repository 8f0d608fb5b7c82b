package database_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// grouping is a SQLite file with a store whose groups have no limits, and another
// process on the same file.
type grouping struct {
	t     *testing.T
	db    *bun.DB // the other process's
	store *database.Store
}

func newGrouping(t *testing.T) *grouping {
	url := databasetest.File(t, t.TempDir()+"/test.db")
	store := databasetest.Store(t, databasetest.Open(t, url)).Groups(1000, time.Hour)
	return &grouping{t, databasetest.Open(t, url), store}
}

// update is one call of Update.
type update struct {
	ctx context.Context                              // nil: one that never ends
	fn  func(ctx context.Context, tx ports.Tx) error // runs after a device was added

	id    uid.ID        // of the device
	ended chan struct{} // closed when Update has returned
	err   error
	panic any
	kept  bool // the device was kept when Update returned
}

// run makes the calls in their order, so that each waits for the one before it, and
// returns when all have ended.
func (g *grouping) run(updates ...*update) {
	g.t.Helper()
	var calls sync.WaitGroup
	begun, last := make(chan struct{}), make(chan struct{})
	for _, u := range updates {
		u.ended = make(chan struct{})
		if u.ctx == nil {
			u.ctx = context.Background()
		}
	}
	for i, u := range updates {
		a, started := start()
		u.id = a.Snapshot().ID
		calls.Go(func() {
			defer func() { u.panic = recover() }()
			defer close(u.ended)
			defer func() { u.kept = g.holds(u.id) }()
			u.err = g.store.Update(u.ctx, func(ctx context.Context, tx ports.Tx) error {
				if i == 0 {
					close(begun)
					<-last
				}
				if err := tx.Authorizations().Add(ctx, a, started); err != nil || u.fn == nil {
					return err
				}
				return u.fn(ctx, tx)
			})
		})
		select {
		case <-begun:
		case <-u.ended: // without its function
		}
		waitUntil(func() bool { return g.store.Waiting() == i })
	}
	close(last)
	calls.Wait()
}

// holds reports whether the other process finds a device, or an event of it.
func (g *grouping) holds(id uid.ID) bool {
	n := count(g.t, g.db, "SELECT (SELECT count(*) FROM device_authorizations WHERE id = ?0) + (SELECT count(*) FROM audit_events WHERE authorization_id = ?0)", id.String())
	return n != 0
}

// committed is how many devices the other process finds.
func (g *grouping) committed() int {
	return count(g.t, g.db, "SELECT count(*) FROM device_authorizations")
}

func (g *grouping) want(u *update, err error, kept bool) {
	g.t.Helper()
	if !errors.Is(u.err, err) || (err == nil) != (u.err == nil) || u.kept != kept || g.holds(u.id) != kept {
		g.t.Errorf("got the error %v, kept at once %t, kept %t, want %v and kept %t", u.err, u.kept, g.holds(u.id), err, kept)
	}
}

func (g *grouping) works() {
	g.t.Helper()
	after := &update{}
	g.run(after)
	g.want(after, nil, true)
}

func TestUpdatesThatWaitShareACommit(t *testing.T) {
	g := newGrouping(t)
	updates := make([]*update, 20)
	for i := range updates {
		updates[i] = &update{fn: func(ctx context.Context, tx ports.Tx) error {
			if n := g.committed(); n != 0 {
				t.Errorf("update %d: got %d devices committed, want none before the last one has run", i, n)
			}
			for _, before := range updates[:i] {
				if _, err := tx.Authorizations().ByID(ctx, before.id); err != nil {
					t.Errorf("update %d: got %v for the device of an earlier one, want it", i, err)
				}
			}
			return nil
		}}
	}
	g.run(updates...)
	for _, u := range updates {
		g.want(u, nil, true) // on disk when Update returns
	}
	if n := g.committed(); n != len(updates) {
		t.Errorf("got %d devices, want %d", n, len(updates))
	}
	g.works()
}

func TestAGroupHasLimits(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		age  time.Duration
		want []int // how many are committed when each one runs
	}{
		"size": {3, time.Hour, []int{0, 0, 0, 3, 3, 3, 6}},
		"age":  {1000, 0, []int{0, 1, 2, 3, 4, 5, 6}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGrouping(t)
			g.store.Groups(c.size, c.age)
			var got []int
			updates := make([]*update, len(c.want))
			for i := range updates {
				updates[i] = &update{fn: func(context.Context, ports.Tx) error {
					got = append(got, g.committed())
					return nil
				}}
			}
			g.run(updates...)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v committed before each, want %v", got, c.want)
			}
		})
	}
}

func TestABulkUpdateSharesNoCommit(t *testing.T) {
	g := newGrouping(t)
	var got []int
	look := func(context.Context, ports.Tx) error {
		got = append(got, g.committed())
		return nil
	}
	bulk := ports.WithBulkTime(context.Background())
	g.run(&update{fn: look}, &update{fn: look}, &update{fn: look, ctx: bulk}, &update{fn: look}, &update{fn: look})
	if want := []int{0, 0, 2, 3, 3}; !slices.Equal(got, want) {
		t.Errorf("got %v committed before each, want %v", got, want)
	}
}

// An Update that fails in any way writes nothing, and the others of its group are kept.
func TestAFailedUpdateDoesNotFailOthersOfItsGroup(t *testing.T) {
	refusal := errors.New("refused")
	var leave context.CancelFunc
	for name, c := range map[string]struct {
		fn    func(ctx context.Context, tx ports.Tx) error
		err   error
		panic any
		kept  bool
	}{
		"an error":  {fn: func(context.Context, ports.Tx) error { return refusal }, err: refusal},
		"a refusal": {fn: func(context.Context, ports.Tx) error { return ports.CommitWith(refusal) }, err: refusal, kept: true},
		"a panic":   {fn: func(context.Context, ports.Tx) error { panic("help") }, panic: "help"},
		"its end": {fn: func(context.Context, ports.Tx) error {
			runtime.Goexit()
			return nil
		}},
		"a caller that goes away": {fn: func(context.Context, ports.Tx) error {
			leave()
			return nil
		}, err: context.Canceled},
		"a statement that is refused": {fn: func(ctx context.Context, tx ports.Tx) error {
			if err := database.Exec(ctx, tx, "INSERT INTO device_authorizations (id) VALUES ('x')"); err == nil {
				t.Error("got no error for a row without its columns, want one")
			}
			return refusal
		}, err: refusal},
		"a statement that rolled itself back": {fn: func(ctx context.Context, tx ports.Tx) error {
			return errors.Join(database.Exec(ctx, tx, "SAVEPOINT theirs"), database.Exec(ctx, tx, "ROLLBACK TO theirs"))
		}, kept: true},
	} {
		for _, place := range []string{"first", "middle", "last"} {
			t.Run(name+", "+place, func(t *testing.T) {
				g := newGrouping(t)
				enqueue := func(ctx context.Context, tx ports.Tx) error {
					return tx.Jobs().Enqueue(ctx, ports.Job{Kind: ports.SendNotice, Key: uid.New(time.Now()).String()})
				}
				ctx, cancel := context.WithCancel(context.Background())
				leave = cancel
				one := &update{ctx: ctx, fn: func(ctx context.Context, tx ports.Tx) error {
					if err := enqueue(ctx, tx); err != nil {
						return err
					}
					return c.fn(ctx, tx)
				}}
				updates := []*update{{fn: enqueue}, {fn: enqueue}, {fn: enqueue}}
				updates[map[string]int{"first": 0, "middle": 1, "last": 2}[place]] = one
				g.run(updates...)
				jobs := 0
				for _, u := range updates {
					if u != one {
						g.want(u, nil, true)
						jobs++
					}
				}
				g.want(one, c.err, c.kept)
				if one.panic != c.panic {
					t.Errorf("got the panic %v, want %v", one.panic, c.panic)
				}
				if c.kept {
					jobs++
				}
				if n := count(t, g.db, "SELECT count(*) FROM river_job"); n != jobs {
					t.Errorf("got %d jobs, want %d", n, jobs)
				}
				g.works()
			})
		}
	}
}

func TestAFailedCommitFailsTheGroup(t *testing.T) {
	g := newGrouping(t)
	execute(t, g.db, "CREATE TABLE parents (id text PRIMARY KEY)")
	execute(t, g.db, "CREATE TABLE children (parent text REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)") // COMMIT looks
	refusal := errors.New("refused, because of what another one has written")
	updates := []*update{
		{},
		{fn: func(ctx context.Context, tx ports.Tx) error {
			return database.Exec(ctx, tx, "INSERT INTO children VALUES ('of none')")
		}},
		{},
		{fn: func(context.Context, ports.Tx) error { return refusal }},
		{fn: func(context.Context, ports.Tx) error { return ports.CommitWith(refusal) }},
	}
	g.run(updates...)
	for _, u := range updates {
		if u.err == nil || errors.Is(u.err, refusal) || u.kept {
			t.Errorf("got %v, kept %t, want the error of COMMIT and nothing kept", u.err, u.kept)
		}
	}
	g.works()
}

// SQLite rolls the whole transaction back after some errors, for example when there
// is no room for a page.
func TestAGroupThatSQLiteRollsBackFails(t *testing.T) {
	for name, before := range map[string][]*update{"alone": {}, "after others": {{}, {}}} {
		t.Run(name, func(t *testing.T) {
			g := newGrouping(t)
			execute(t, g.db, "CREATE TABLE large (content text)")
			swallows := &update{fn: func(ctx context.Context, tx ports.Tx) error {
				var pages int
				must(t, database.Scan(ctx, tx, &pages, "PRAGMA page_count"))
				must(t, database.Exec(ctx, tx, fmt.Sprint("PRAGMA max_page_count = ", pages)))
				if err := database.Exec(ctx, tx, "INSERT INTO large VALUES (hex(zeroblob(100000)))"); err == nil {
					t.Error("got no error for a row that there is no room for, want one")
				}
				unavailable(t, "a statement after it", database.Exec(ctx, tx, "PRAGMA max_page_count = 1000000"))
				a, started := start()
				unavailable(t, "a write after it", tx.Authorizations().Add(ctx, a, started))
				return nil
			}}
			updates := append(before, swallows, &update{})
			g.run(updates...)
			for _, u := range updates[:len(before)+1] {
				g.want(u, fault.ErrUnavailable, false)
			}
			if n := g.committed(); n > 1 {
				t.Errorf("got %d devices, want none but the last one's", n)
			}
			g.works()
		})
	}
}

// What cannot be undone alone is undone with all that shares the transaction.
func TestAGroupWhoseSavepointIsGoneFails(t *testing.T) {
	g := newGrouping(t)
	updates := []*update{{}, {fn: func(ctx context.Context, tx ports.Tx) error {
		must(t, database.Exec(ctx, tx, "RELEASE member"))
		return errors.New("refused")
	}}}
	g.run(updates...)
	for _, u := range updates {
		g.want(u, fault.ErrUnavailable, false)
	}
	g.works()
}

// A statement that is cut off half-way would roll back the whole transaction.
func TestACancelledUpdateInterruptsNoStatement(t *testing.T) {
	g := newGrouping(t)
	ctx, cancel := context.WithCancel(context.Background())
	updates := []*update{{}, {ctx: ctx, fn: func(ctx context.Context, tx ports.Tx) error {
		time.AfterFunc(5*time.Millisecond, cancel)
		return database.Exec(ctx, tx, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"+
			" INSERT INTO configuration_changes SELECT 'topic ' || i, 1 FROM n WHERE i % 1000 = 0")
	}}, {}}
	g.run(updates...)
	g.want(updates[0], nil, true)
	g.want(updates[1], context.Canceled, false)
	g.want(updates[2], nil, true)
}

func TestAnUpdateThatNoLongerWaitsLeavesTheQueue(t *testing.T) {
	g := newGrouping(t)
	ctx, cancel := context.WithCancel(context.Background())
	left := &update{ctx: ctx}
	updates := []*update{{}, left, {}}
	updates[0].fn = func(context.Context, ports.Tx) error {
		cancel()
		waitUntil(func() bool { return g.store.Waiting() == 1 })
		return nil
	}
	g.run(updates...)
	g.want(updates[0], nil, true)
	g.want(left, context.Canceled, false)
	g.want(updates[2], nil, true)
	g.works()
}

// A write that is done is kept or not, whether or not its caller is still there.
func TestAnUpdateCancelledBeforeTheCommit(t *testing.T) {
	g := newGrouping(t)
	ctx, cancel := context.WithCancel(context.Background())
	gone := &update{ctx: ctx}
	g.run(gone, &update{fn: func(context.Context, ports.Tx) error {
		cancel()
		return nil
	}})
	g.want(gone, nil, true)
}

func TestAnUpdateWaitsForItsGroupNoLongerThanItsTime(t *testing.T) {
	g := newGrouping(t)
	ctx := expiring{context.Background(), make(chan struct{})}
	first := &update{ctx: ctx}
	g.run(first, &update{fn: func(context.Context, ports.Tx) error { // as if the disk hung
		close(ctx.done)
		select {
		case <-first.ended:
		case <-time.After(20 * time.Second):
			t.Error("got no answer, want one after the limit")
		}
		return nil
	}})
	if !errors.Is(first.err, fault.ErrUnavailable) {
		t.Errorf("got %v, want fault.ErrUnavailable", first.err)
	}
	g.works()
}

// expiring is a context whose deadline passes when the test says so.
type expiring struct {
	context.Context
	done chan struct{}
}

func (c expiring) Deadline() (time.Time, bool) { return time.Time{}, true }
func (c expiring) Done() <-chan struct{}       { return c.done }

func (c expiring) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestTheObserverLearnsOfAGroupThatWasCommitted(t *testing.T) {
	g := newGrouping(t)
	var told []database.Written
	g.store.WithObserver(func(w database.Written) { told = append(told, w) })
	refusal := errors.New("refused")
	last := &update{fn: func(context.Context, ports.Tx) error {
		if len(told) != 0 {
			t.Errorf("got %v before COMMIT, want nothing", told)
		}
		return nil
	}}
	g.run(&update{}, &update{fn: func(context.Context, ports.Tx) error { return refusal }}, last)
	if len(told) != 2 {
		t.Errorf("got %d events observed, want the 2 that were committed", len(told))
	}
}

// Many Updates at once of two processes: what was answered with success is on disk,
// what was refused is not.
func TestUpdatesOfTwoProcessesAtOnce(t *testing.T) {
	url := databasetest.File(t, t.TempDir()+"/test.db")
	stores := []*database.Store{databasetest.Store(t, databasetest.Open(t, url)), databasetest.Store(t, databasetest.Open(t, url))}
	g := &grouping{t: t, db: databasetest.Open(t, url)}
	refusal := errors.New("refused")
	var calls sync.WaitGroup
	var mu sync.Mutex
	wanted := 0
	for i := range 16 {
		calls.Go(func() {
			for j := range 15 {
				a, started := start()
				ctx, cancel := context.WithCancel(context.Background())
				var panicked any
				err := func() (err error) {
					defer func() { panicked = recover() }()
					return stores[i%2].Update(ctx, func(ctx context.Context, tx ports.Tx) error {
						must(t, tx.Authorizations().Add(ctx, a, started))
						switch j % 5 {
						case 1:
							return refusal
						case 2:
							panic("help")
						case 3:
							cancel()
						}
						return nil
					})
				}()
				cancel()
				keeps := err == nil && panicked == nil
				if got := g.holds(a.Snapshot().ID); got != keeps {
					t.Errorf("got the change kept %t, want %t for the error %v and the panic %v", got, keeps, err, panicked)
				}
				if keeps {
					mu.Lock()
					wanted++
					mu.Unlock()
				}
			}
		})
	}
	calls.Wait()
	if got := g.committed(); got != wanted || wanted != 16*15*2/5 {
		t.Errorf("got %d devices, want %d", got, wanted)
	}
}
