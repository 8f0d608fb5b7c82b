package services

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
)

// PrivateValkey is [PrivateRedis] with a Valkey. It is the program that
// E2E_VALKEY names, or valkey-server. With E2E_VALKEY=none the test is skipped, with
// CI=true, too: not every system has a package of it.
func PrivateValkey(t testing.TB, settings ...string) *Server {
	t.Helper()
	named := os.Getenv("E2E_VALKEY")
	if named == "none" {
		t.Skip("E2E_VALKEY=none: there is no Valkey for this test; install valkey-server, which Debian has from 13 on, and for 12 in its backports, out of which .ci/run takes it")
	}
	program, err := find(cmp.Or(named, "valkey-server"))
	if err != nil {
		missing(t, errors.New("no Valkey for this test: install valkey-server, or set E2E_VALKEY to the program, or to none if this system has no package of it"))
	}
	settings = append(slices.Clone(keepNothing), settings...)
	return newServer(t, func() (*running, error) {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		return runRedis(ctx, program, syscall.SIGTERM, settings)
	})
}
