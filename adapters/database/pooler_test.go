package database_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"os"
	"testing"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/ports"
)

// Whole-row statements are prepared on a connection of our own alone: a pooler
// in transaction mode loses them.
func TestNothingIsPreparedBehindAPooler(t *testing.T) {
	direct := postgres(t).URL(t)
	must(t, database.Migrate(t.Context(), databasetest.Open(t, direct)))
	for name, c := range map[string]struct {
		url      string
		prepared bool
	}{
		"direct":          {direct, true},
		"pooler":          {behindPooler(t, direct), false},
		"told in the URL": {direct + "&default_query_exec_mode=simple_protocol", false},
	} {
		t.Run(name, func(t *testing.T) {
			db := databasetest.Open(t, c.url)
			db.SetMaxOpenConns(1)
			a, started := start()
			s := database.NewStore(db)
			must(t, s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				return tx.Authorizations().Add(ctx, a, started)
			}))
			must(t, s.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
				_, err := r.Authorizations().ByID(ctx, a.Snapshot().ID)
				return err
			}))
			if n := count(t, db, "SELECT count(*) FROM pg_prepared_statements"); n > 0 != c.prepared {
				t.Errorf("got %d prepared statements, want some: %t", n, c.prepared)
			}
		})
	}
}

// behindPooler returns the URL of a proxy that, like a pooler, answers its clients
// a process id of its own.
func behindPooler(t *testing.T, direct string) string {
	u := onTCP(t, direct)
	server := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go pool(client, server)
		}
	}()
	u.Host = listener.Addr().String()
	query := u.Query()
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()
	return u.String()
}

// onTCP returns the URL of a PostgreSQL, which has to listen on TCP.
func onTCP(t *testing.T, direct string) *url.URL {
	t.Helper()
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	if host := u.Query().Get("host"); host != "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("got no PostgreSQL on TCP (it listens on %s), want one: CI=true allows no skipping", host)
		}
		t.Skipf("PostgreSQL listens on %s; this test needs it on TCP", host)
	}
	return u
}

func pool(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.Close()
		_, _ = io.Copy(server, client)
	}()
	for {
		header := make([]byte, 5)
		if _, err := io.ReadFull(server, header); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(header[1:])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		if header[0] == 'K' { // BackendKeyData
			binary.BigEndian.PutUint32(body, binary.BigEndian.Uint32(body)+1)
		}
		if _, err := client.Write(append(header, body...)); err != nil {
			return
		}
	}
}
