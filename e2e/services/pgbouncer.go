package services

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// The pool is smaller than the client's, so that connections change hands.
const pgbouncerConfig = `[databases]
* = host=%[1]s port=%[2]s user=%[3]s password=%[4]s

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %[5]d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 8
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
`

// PgBouncer runs a PgBouncer in transaction mode before the PostgreSQL database
// of a URL, until the test ends, and returns the URL behind it.
func PgBouncer(t testing.TB, database string) string {
	t.Helper()
	needMain(t)
	program, err := find("pgbouncer", "/usr/sbin/pgbouncer")
	if err != nil {
		missing(t, errors.New("no PgBouncer for this test: install pgbouncer"))
	}
	u, err := url.Parse(database)
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		missing(t, errors.New("PostgreSQL does not listen on TCP"))
	}
	c, err := newChild(os.TempDir(), program, "postgres", syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	port := Port(t)
	password, _ := u.User.Password()
	conf := filepath.Join(c.folder, "pgbouncer.ini")
	text := fmt.Appendf(nil, pgbouncerConfig, u.Hostname(), u.Port(), u.User.Username(), password, port)
	if err := os.WriteFile(conf, text, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	r, err := c.run(ctx, addr, accepts, conf)
	if err != nil {
		_ = os.RemoveAll(c.folder)
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	u.Host = addr
	return u.String()
}
