package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	measure     = flag.Bool("measure", false, "measure and print tables; without it each operation is only tried")
	rounds      = flag.Int("rounds", 5, "rounds of each measurement")
	connections = flag.String("connections", "1,16,64", "how many connections send at once")
	length      = flag.Duration("time", time.Second, "time of one measurement")
	requests    = flag.Int("requests", 10_000, "requests of one measurement, at most")
	only        = flag.String("only", "", "a regular expression: only operations whose name matches")
	rows        = flag.String("rows", "10000,100000", "rows of the growth table; empty: none")
	long        = flag.Bool("long", false, "add a million rows to the growth table")
	profiles    = flag.String("profile", "", "a directory for profiles of both programs: CPU time and allocations")
)

// settings are the flags, checked.
type settings struct {
	rounds      int
	connections []int
	time        time.Duration
	requests    int
	rows        []int
	only        *regexp.Regexp
	profiles    string
}

// set reads the flags. Without -measure and with -short there is less to do.
func set(t *testing.T) settings {
	t.Helper()
	s := settings{
		rounds: *rounds, connections: numbers(t, *connections), time: *length, requests: *requests,
		rows: numbers(t, *rows), profiles: *profiles,
	}
	var err error
	if s.only, err = regexp.Compile(*only); err != nil {
		t.Fatal(err)
	}
	if *long {
		s.rows = append(s.rows, 1_000_000)
	}
	switch {
	case !*measure:
		s.rounds, s.connections, s.requests, s.time, s.rows, s.profiles = 1, []int{2}, 40, time.Minute, nil, ""
	case testing.Short():
		s.rounds, s.connections, s.requests, s.time, s.rows = 3, []int{16}, 1000, 200*time.Millisecond, []int{10_000}
	}
	return s
}

func numbers(t *testing.T, list string) (out []int) {
	t.Helper()
	for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("got %q, want a list of numbers", list)
		}
		out = append(out, n)
	}
	return out
}

// TestOperations prints the table with -measure. Otherwise it checks that the
// service and the ceiling answer each operation as expected.
func TestOperations(t *testing.T) {
	s := set(t)
	var table []line
	for _, stores := range []string{onRedis, onPostgres, onSQLite} {
		t.Run(stores, func(t *testing.T) {
			w := newFixture(t, stores)
			for _, op := range operations() {
				if op.stores == stores && s.only.MatchString(op.name) {
					table = append(table, s.measure(t, w, op)...)
				}
			}
		})
	}
	if *measure {
		printTable(os.Stdout, table)
	}
}

// measure returns a line for each number of connections.
func (s settings) measure(t *testing.T, w *fixture, op operation) (lines []line) {
	t.Helper()
	each := s.rounds * len(s.connections)
	k := seeded(w, op, each+4, s.requests)
	counts := count(t, w, op, k)
	s.round(t, w, op, k, slices.Max(s.connections), false) // opens connections, prepares statements
	for _, n := range s.connections {
		l := line{op: op, connections: n, counts: counts}
		for round := range s.rounds {
			ours, least := s.round(t, w, op, k, n, round%2 == 1)
			l.ours, l.ceiling = append(l.ours, ours), append(l.ceiling, least)
		}
		lines = append(lines, l)
	}
	if s.profiles != "" {
		s.profile(t, w, op, k)
	}
	return lines
}

// round measures both programs, one after the other.
func (s settings) round(t *testing.T, w *fixture, op operation, k *keys, connections int, ceilingFirst bool) (ours, least measurement) {
	t.Helper()
	b := bounds{connections, s.time, op.limit(s.requests)}
	key := k.take()
	ceilingKey := key
	if op.consumes {
		ceilingKey = k.take()
	}
	if op.primed {
		prime(t, w.service, op, key, k.block)
	}
	measureOurs := func() { ours = s.load(t, w.service, b, op, op.path, op.want, key) }
	measureCeiling := func() { least = s.load(t, w.ceiling, b, op, op.ceiling, "", ceilingKey) }
	if ceilingFirst {
		measureCeiling()
		measureOurs()
	} else {
		measureOurs()
		measureCeiling()
	}
	return ours, least
}

func (s settings) load(t *testing.T, p *program, b bounds, op operation, path, want string, key func(int) int) measurement {
	t.Helper()
	m, err := load(p, b, func(n int) []byte { return op.request(path, key(n)) }, op.status, want)
	if err != nil {
		t.Fatalf("%s, %s: got %v, want no error\n%s", op, path, err, p.lastLines())
	}
	return m
}

// prime sends each key once, so that the measurement finds the hints or the
// cache filled.
func prime(t *testing.T, p *program, op operation, key func(int) int, n int) {
	t.Helper()
	_, err := load(p, bounds{16, time.Minute, n}, func(i int) []byte { return op.request(op.path, key(i)) }, op.status, "")
	if err != nil {
		t.Fatalf("%s, before the measurement: got %v, want no error", op, err)
	}
}

// profile writes the profiles of both programs, for the same requests: what the
// service has and the ceiling has not shows with pprof's -diff_base.
func (s settings) profile(t *testing.T, w *fixture, op operation, k *keys) {
	t.Helper()
	seconds := max(1, int(2*s.time.Seconds())) // the programs take turns
	for kind, suffix := range map[string]string{"profile": ".cpu", "allocs": ".allocs"} {
		file := filepath.Join(s.profiles, fileName(op.String())+suffix)
		err := w.service.profile(kind, file, seconds, func() {
			if err := w.ceiling.profile(kind, file+".ceiling", seconds, func() { s.round(t, w, op, k, 16, false) }); err != nil {
				t.Fatalf("%s of the ceiling: got %v, want no error", kind, err)
			}
		})
		if err != nil {
			t.Fatalf("%s: got %v, want no error", kind, err)
		}
		fmt.Println(file)
	}
}
