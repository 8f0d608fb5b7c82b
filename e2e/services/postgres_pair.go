package services

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PostgresPair is a primary and a standby that follows it. A commit is answered when
// it is on the disks of both.
type PostgresPair struct{ Primary, Standby *PostgresServer }

// PrivatePostgresPair starts one of programs on this machine.
func PrivatePostgresPair(t testing.TB) *PostgresPair {
	t.Helper()
	copies := PostgresProgram(t, "pg_basebackup")
	primary := PrivatePostgres(t)
	standby := newPostgresServer(t, func(ctx context.Context, c *child) error {
		out, err := c.command(ctx, copies, "-h", "127.0.0.1", "-p", strconv.Itoa(primary.port), "-U", "e2e",
			"-D", dataOf(c), "--write-recovery-conf", "--checkpoint=fast", "--no-sync").CombinedOutput()
		if err != nil {
			return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	// Not before the standby is there: commits would wait for it.
	primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
	primary.execute("SELECT pg_reload_conf()")
	if err := await(ctx, nil, func(ctx context.Context) error { return isSynchronous(ctx, primary.URL()) }); err != nil {
		t.Fatal(err)
	}
	return &PostgresPair{primary, standby}
}

// URL names both servers, and asks for the one that can be written to.
func (p *PostgresPair) URL() string {
	return postgresURL(p.Primary.addr()+","+p.Standby.addr()) + "&target_session_attrs=read-write"
}

// Promote makes a primary of a standby.
func (s *PostgresServer) Promote() {
	s.t.Helper()
	s.execute("SELECT pg_promote()")
}

func (s *PostgresServer) execute(statement string) {
	s.t.Helper()
	if err := execute(s.t.Context(), s.URL(), statement); err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
}

func isSynchronous(ctx context.Context, primary string) error {
	c, err := pgx.Connect(ctx, primary)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	var n int
	err = c.QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'").Scan(&n)
	if err == nil && n == 0 {
		err = errors.New("the standby is not synchronous")
	}
	return err
}
