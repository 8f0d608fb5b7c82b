package services

import (
	"context"
	"syscall"
	"testing"
)

// Program is a server program of this machine that is none of the stores.
type Program struct {
	Path   string
	Args   []string
	Env    []string // beside PATH, HOME and the locale
	Folder string   // in which it runs; of the test, and it may write there
	Addr   string   // where it listens
}

// Start runs the program until the test ends or stop is called.
func (p Program) Start(t testing.TB) (stop func()) {
	t.Helper()
	needMain(t)
	c := &child{program: p.Path, folder: p.Folder, env: p.Env, keep: true, quit: syscall.SIGTERM}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	r, err := c.run(ctx, p.Addr, accepts, p.Args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	return r.stop
}
