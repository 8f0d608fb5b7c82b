package services

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// caddyOptions keep Caddy from its administration port and from certificates.
const caddyOptions = `{
	admin off
	auto_https off
}
`

// Caddy runs a Caddy with the given site blocks until the test ends. It answers at
// addr, which one of them has.
func Caddy(t testing.TB, addr, sites string) {
	t.Helper()
	needMain(t)
	program, err := find("caddy")
	if err != nil {
		missing(t, errors.New("no Caddy for this test: install caddy"))
	}
	c, err := newChild(os.TempDir(), program, "www-data", syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(c.folder, "Caddyfile")
	if err := os.WriteFile(conf, []byte(caddyOptions+sites), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	r, err := c.run(ctx, addr, accepts, "run", "--config", conf, "--adapter", "caddyfile")
	if err != nil {
		_ = os.RemoveAll(c.folder)
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
}
