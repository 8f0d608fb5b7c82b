package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/jobs"
	"github.com/devicegate/devicegate/adapters/redis"
)

// database opens a SQLite file only if it is there: opening would make it.
func (x *examination) database(ctx context.Context) {
	if x.Database.CheckFile() != nil {
		x.newFile(x.Database.File())
		return
	}
	db, err := database.Open(x.Database)
	if err != nil {
		x.fail("database", err.Error(), "check DATABASE_URL or DATA_DIR")
		return
	}
	defer func() { _ = db.Close() }()
	asked, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	began := time.Now()
	condition, err := database.Inspect(asked, db)
	if err != nil {
		x.databaseIsDown = true
		do := "check that the server runs and can be reached from here, and user, password and database name in DATABASE_URL"
		if x.Database.File() != "" {
			do = "check DATABASE_URL and DATA_DIR, and that this user may read and write the file and its folder"
		}
		x.fail("database", oneLine(err), do)
		return
	}
	switch {
	case condition.ReadOnly:
		x.fail("database", condition.Product+" takes no writes", "name the primary server in DATABASE_URL; target_session_attrs=read-write picks it among several hosts")
	case condition.MaxConns > 0 && x.Database.MaxConns > condition.MaxConns-3:
		x.fail("database", fmt.Sprintf("one process may open %d connections, %s allows %d to all", x.Database.MaxConns, condition.Product, condition.MaxConns), "lower DB_MAX_CONNS, or raise max_connections of the server")
	case condition.MaxConns > 0 && 4*x.Database.MaxConns > condition.MaxConns:
		x.warn("database", fmt.Sprintf("four processes could open %d connections, %s allows %d to all", 4*x.Database.MaxConns, condition.Product, condition.MaxConns), "lower DB_MAX_CONNS, or raise max_connections of the server, before a rolling update doubles the processes")
	default:
		x.ok("database", fmt.Sprintf("%s answers within %s", condition.Product, time.Since(began).Round(time.Millisecond)))
	}
	x.schema(condition)
	x.clock("the database", condition.Now)
	if condition.Missing == 0 && !condition.OldQueue {
		x.work(asked, db)
		x.storedConnections(asked, db)
		x.storedClients(asked, db)
		x.storedIncidents(asked, db)
	}
}

// oneLine is the text of an error. That of PostgreSQL has a line for each attempt,
// with TLS and without, and they mostly say the same.
func oneLine(err error) string {
	var lines []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		if n := len(lines); line == "" || n > 0 && strings.HasSuffix(lines[n-1], line) {
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, " ")
}

// newFile checks that the service could make its file.
func (x *examination) newFile(file string) {
	dir := filepath.Dir(file)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		x.warn("database", "the file "+file+" is not there yet, and neither is its folder", "devicegate serve makes both; in a container, mount a volume there")
	case err != nil || !info.IsDir():
		x.fail("database", dir+" is no folder that can be read", "check DATA_DIR and its permissions")
	case !writable(dir):
		x.fail("database", "files cannot be made in "+dir, "make the folder writable for this user, or set DATA_DIR")
	default:
		x.warn("database", "the file "+file+" is not there yet", "devicegate serve or devicegate migrate makes it")
	}
}

func writable(dir string) bool {
	file, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return false
	}
	_ = file.Close()
	return os.Remove(file.Name()) == nil
}

func (x *examination) schema(c database.Condition) {
	switch {
	case c.Missing > 0 || c.OldQueue:
		found := fmt.Sprintf("%d migrations are missing", c.Missing)
		if c.Missing == 0 {
			found = "the tables of the job queue are old"
		}
		if c.NoTables {
			x.fail("schema", found+", and this user may not make tables", "GRANT CREATE ON SCHEMA public TO the user of DATABASE_URL, or run devicegate migrate as the database's owner")
			return
		}
		if x.Database.Migrate == database.MigrateAuto {
			x.warn("schema", found, "devicegate serve applies them (MIGRATE=auto), and so does devicegate migrate")
			return
		}
		x.fail("schema", found, "run devicegate migrate")
	case c.Newer > 0:
		x.warn("schema", fmt.Sprintf("a newer release has applied %d migrations", c.Newer), "that is all right for one release back; then bring this program up to it")
	default:
		x.ok("schema", "every migration is applied")
	}
}

// Differences between clocks. Those of identity providers are compared with
// ours, not with the database's.
const clockWarn = 2 * time.Second

func (x *examination) clock(of string, now time.Time) {
	if now.IsZero() {
		x.skip("clock", "there is no other clock to compare with", "keep this machine's in step with NTP")
		return
	}
	off := time.Since(now).Round(time.Millisecond)
	found := fmt.Sprintf("this machine is %s ahead of %s", off, of)
	if off < 0 {
		found = fmt.Sprintf("this machine is %s behind %s", -off, of)
	}
	switch {
	case off.Abs() > x.SAML.ClockSkew && x.SAML.ClockSkew > 0:
		x.fail("clock", found, "set both clocks by NTP: assertions and codes are refused as expired or as not valid yet")
	case off.Abs() > clockWarn:
		x.warn("clock", found, "set both clocks by NTP")
	default:
		x.ok("clock", "the same as that of "+of+" to within "+clockWarn.String())
	}
}

// work looks at the queue.
func (x *examination) work(ctx context.Context, db *bun.DB) {
	at := jobs.Database{DB: db.DB, Postgres: db.Dialect().Name() == dialect.PG}
	leads, err := at.HasLeader(ctx)
	if err != nil {
		x.fail("background work", err.Error(), "run devicegate migrate")
		return
	}
	queue, err := jobs.NewQueue(at)
	if err != nil {
		x.fail("background work", err.Error(), "run devicegate migrate")
		return
	}
	list, err := queue.List(ctx, false)
	if err != nil {
		x.fail("background work", err.Error(), "run devicegate migrate")
		return
	}
	var given int
	for _, j := range list {
		if j.State == "discarded" {
			given++
		}
	}
	switch {
	case !leads:
		x.warn("background work", "no worker runs: what has expired is not deleted", "start devicegate worker, or serve with WITH_WORKER=on")
	case given > 0:
		x.warn("background work", fmt.Sprintf("%d jobs were given up after their last attempt", given), "devicegate jobs list, then jobs show and jobs retry")
	default:
		x.ok("background work", "a worker keeps the schedule, and no job was given up")
	}
}

func (x *examination) redis(ctx context.Context) {
	if x.Redis.URL == "" {
		if x.Database.File() == "" {
			x.warn("redis", "not configured: each process counts limits and the polling interval for itself", "set REDIS_URL if there is more than one process")
			return
		}
		x.skip("redis", "not configured", "one process needs none")
		return
	}
	connection, err := redis.Open(x.Redis, silent)
	if err != nil {
		x.fail("redis", err.Error(), "check REDIS_URL")
		return
	}
	defer connection.Close()
	began := time.Now()
	err = connection.Ready(ctx)
	state, code := connection.State()
	switch {
	case err == nil:
		x.ok("redis", fmt.Sprintf("answers and takes commands, within %s", time.Since(began).Round(time.Millisecond)))
	case state == redis.Refusing:
		x.fail("redis", "answers, but refuses commands: "+code, "NOPERM: give its user the commands that docs/operators.md lists; OOM: give it memory or an eviction policy; READONLY: name the primary")
	default:
		x.fail("redis", "does not answer", "check that it runs and can be reached from here, and the password in REDIS_URL; until then each process counts for itself")
	}
}
