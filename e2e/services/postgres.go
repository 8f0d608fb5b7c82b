package services

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/testcontainers/testcontainers-go"
)

var (
	postgres = once{kind: postgresKind(scratch(), careless,
		testcontainers.WithTmpfs(map[string]string{"/var/lib/postgresql/data": "rw"}))}
	durablePostgres = once{kind: postgresKind(os.TempDir(), roomy)}
)

// roomy settings serve many test binaries at once.
var roomy = []string{"-c", "max_connections=300", "-c", "jit=off"}

// careless settings are for data that may be lost.
var careless = append([]string{
	"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
}, roomy...)

// postgresKind is a PostgreSQL with these settings and its data below folder.
func postgresKind(folder string, settings []string, options ...testcontainers.ContainerCustomizer) *kind {
	return &kind{
		name: "PostgreSQL",
		install: "Set E2E_DATABASE_URL to a server where databases may be created, " +
			"or start Docker, or install postgresql.",
		image: image("E2E_POSTGRES_IMAGE", "postgres:17-alpine"),
		port:  "5432/tcp",
		options: append(options,
			testcontainers.WithEnv(map[string]string{"POSTGRES_USER": "e2e", "POSTGRES_PASSWORD": "e2e"}),
			testcontainers.WithCmd(append([]string{"postgres"}, settings...)...),
		),
		program: func(ctx context.Context) (*running, error) { return postgresProgram(ctx, folder, settings) },
		answers: postgresAnswers,
	}
}

func postgresURL(addr string) string {
	return "postgres://e2e:e2e@" + addr + "/postgres?sslmode=disable"
}

func postgresAnswers(ctx context.Context, addr string) error {
	return execute(ctx, postgresURL(addr), "SELECT 1")
}

var databases atomic.Int64

// Postgres returns the URL of an empty database, which is dropped when the
// test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	return database(t, &postgres, "template1")
}

// Template is a PostgreSQL database that is filled once in each test binary, and copied.
type Template struct {
	Fill func(ctx context.Context, url string) error // leaves no connection behind
	once sync.Once
	name string
	err  error
}

// Postgres returns the URL of a copy, which is dropped when the test ends.
func (m *Template) Postgres(t testing.TB) string {
	t.Helper()
	needMain(t)
	server := postgresServer(t, &postgres)
	m.once.Do(func() {
		u := *server
		m.name = databaseName("template")
		u.Path = "/" + m.name
		if m.err = execute(context.Background(), server.String(), "CREATE DATABASE "+m.name); m.err != nil {
			return
		}
		AtEnd(func() { _ = execute(context.Background(), server.String(), "DROP DATABASE "+m.name+" WITH (FORCE)") })
		m.err = m.Fill(context.Background(), u.String())
	})
	if m.err != nil {
		t.Fatalf("make a template: %v", m.err)
	}
	return database(t, &postgres, m.name)
}

// DurablePostgres is Postgres with every commit on disk, for measurements.
func DurablePostgres(t testing.TB) string {
	t.Helper()
	return database(t, &durablePostgres, "template1")
}

func database(t testing.TB, postgres *once, template string) string {
	t.Helper()
	u := postgresServer(t, postgres)
	server, name := u.String(), databaseName("e2e")
	if err := execute(t.Context(), server, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(context.Background(), server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the database: %v", err)
		}
	})
	u.Path = "/" + name
	return u.String()
}

// postgresServer is the address of a server where databases may be made.
func postgresServer(t testing.TB, postgres *once) *url.URL {
	t.Helper()
	server := os.Getenv("E2E_DATABASE_URL")
	if server == "" {
		needMain(t)
		server = postgresURL(postgres.get(t))
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("E2E_DATABASE_URL is not a URL")
	}
	return u
}

func databaseName(prefix string) string {
	return fmt.Sprintf("%s_%d_%d_%d", prefix, os.Getpid(), time.Now().UnixMilli(), databases.Add(1))
}

func execute(ctx context.Context, server, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, statement)
	return errors.Join(err, c.Close(ctx))
}

func postgresProgram(ctx context.Context, folder string, settings []string) (*running, error) {
	program, err := find("postgres")
	if err != nil {
		return nil, err
	}
	// SIGQUIT: end at once; what a crash would leave behind is removed anyway.
	c, err := newChild(folder, program, "postgres", syscall.SIGQUIT)
	if err != nil {
		return nil, err
	}
	if err := initialize(ctx, c); err != nil {
		return nil, err
	}
	r, err := onFreePort(func(port int) (*running, error) {
		return c.run(ctx, fmt.Sprintf("127.0.0.1:%d", port), postgresAnswers, postgresArguments(c, port, settings)...)
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.folder))
	}
	return r, nil
}
