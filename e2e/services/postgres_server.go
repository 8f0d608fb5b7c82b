package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// PostgresServer is a PostgreSQL that belongs to one test, which may stop it. It
// has one address for all its life, keeps its data, and every commit is durable.
type PostgresServer struct {
	t    testing.TB
	c    *child
	port int
	now  *running
}

// PrivatePostgres starts one. It has to be a program of this machine: the data of
// a container go with it.
func PrivatePostgres(t testing.TB) *PostgresServer {
	t.Helper()
	return newPostgresServer(t, initialize)
}

// newPostgresServer starts one whose data fill makes.
func newPostgresServer(t testing.TB, fill func(context.Context, *child) error) *PostgresServer {
	t.Helper()
	needMain(t)
	program := PostgresProgram(t, "postgres")
	c, err := newChild(scratch(), program, "postgres", syscall.SIGINT)
	if err != nil {
		t.Fatal(err)
	}
	c.keep = true
	t.Cleanup(func() { _ = os.RemoveAll(c.folder) })
	s := &PostgresServer{t: t, c: c, port: Port(t)}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := fill(ctx, c); err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.now.stop() })
	return s
}

// URL is where the server is reached, or refuses while it is stopped.
func (s *PostgresServer) URL() string { return postgresURL(s.addr()) }

func (s *PostgresServer) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// Stop ends the server as a restart does: transactions in flight are rolled back.
func (s *PostgresServer) Stop() { s.end(syscall.SIGINT) }

// Crash ends the server without a checkpoint: it has to recover when it starts.
func (s *PostgresServer) Crash() { s.end(syscall.SIGQUIT) }

func (s *PostgresServer) end(by syscall.Signal) {
	s.c.quit = by
	s.now.stop()
}

// Start brings a stopped server back, with its data.
func (s *PostgresServer) Start() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), startTimeout)
	defer cancel()
	now, err := s.c.run(ctx, s.addr(), postgresAnswers, postgresArguments(s.c, s.port, roomy)...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.now = now
}

// PostgresProgram is where a program of PostgreSQL is on this machine.
func PostgresProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := find(name)
	if err != nil {
		missing(t, fmt.Errorf("no %s for this test: install postgresql", name))
	}
	return path
}

// initialize makes the data of a server.
func initialize(ctx context.Context, c *child) error {
	initdb, err := find("initdb")
	if err != nil {
		return err
	}
	out, err := c.command(ctx, initdb, "-D", dataOf(c), "-U", "e2e", "-A", "trust",
		"--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions").CombinedOutput()
	if err != nil {
		return errors.Join(fmt.Errorf("initdb: %w\n%s", err, out), os.RemoveAll(c.folder))
	}
	return nil
}

func dataOf(c *child) string { return filepath.Join(c.folder, "data") }

func postgresArguments(c *child, port int, settings []string) []string {
	return append([]string{"-D", dataOf(c), "-p", strconv.Itoa(port), "-k", c.folder, "-c", "listen_addresses=127.0.0.1"}, settings...)
}
