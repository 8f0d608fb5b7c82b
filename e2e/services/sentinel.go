package services

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// Sentinel is a Redis master with a replica, and a sentinel that replaces the
// master when it is gone.
type Sentinel struct {
	t      testing.TB
	addr   string
	master *running
}

const masterName = "devicegate"

// RedisSentinel starts one of programs on this machine: of containers, the sentinel
// would know addresses that are none here.
func RedisSentinel(t testing.TB) *Sentinel {
	t.Helper()
	needMain(t)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	master, err := redisProgramEndedBy(ctx, syscall.SIGKILL, keepNothing)
	if err != nil {
		missing(t, errors.Join(err, errors.New("install redis-server")))
	}
	t.Cleanup(master.stop)
	host, port, err := net.SplitHostPort(master.addr)
	if err != nil {
		t.Fatal(err)
	}
	replica, err := redisProgram(ctx, append(slices.Clone(keepNothing), "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(replica.stop)
	program, err := find("redis-server", "valkey-server")
	if err != nil {
		t.Fatal(err)
	}
	c, err := newChild(scratch(), program, "redis", syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(c.folder, "sentinel.conf")
	r, err := onFreePort(func(at int) (*running, error) {
		settings := fmt.Sprintf(`port %[1]d
bind 127.0.0.1
dir %[2]s
sentinel monitor %[3]s %[4]s %[5]s 1
sentinel down-after-milliseconds %[3]s 500
sentinel failover-timeout %[3]s 5000
`, at, c.folder, masterName, host, port)
		if err := os.WriteFile(conf, []byte(settings), 0o600); err != nil {
			return nil, err
		}
		if c.as != nil { // it writes what it learns into this file
			if err := os.Chown(conf, int(c.as.Uid), int(c.as.Gid)); err != nil {
				return nil, err
			}
		}
		return c.run(ctx, fmt.Sprintf("127.0.0.1:%d", at), redisAnswers, conf, "--sentinel")
	})
	if err != nil {
		_ = os.RemoveAll(c.folder)
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	known := func(ctx context.Context) error {
		return ask(ctx, r.addr, "SENTINEL CKQUORUM "+masterName, "+OK 1 usable Sentinels. Quorum and failover authorization can be reached")
	}
	synced := func(ctx context.Context) error { return ask(ctx, master.addr, "WAIT 1 1000", ":1") }
	if err := errors.Join(await(ctx, nil, known), await(ctx, nil, synced)); err != nil {
		t.Fatal(err)
	}
	return &Sentinel{t, r.addr, master}
}

// URL names the sentinel and its master, as REDIS_URL does.
func (s *Sentinel) URL() string { return "redis://" + s.addr + "?master_set=" + masterName }

// KillMaster ends the master for good.
func (s *Sentinel) KillMaster() { s.master.stop() }

// HangMaster lets the master answer nothing until ResumeMaster. Its connections stay
// open, and the sentinel replaces it.
func (s *Sentinel) HangMaster() { s.signal(syscall.SIGSTOP) }

// ResumeMaster lets the master go on, which does not know that it was replaced until
// the sentinel tells it.
func (s *Sentinel) ResumeMaster() { s.signal(syscall.SIGCONT) }

func (s *Sentinel) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.master.signal(sig); err != nil {
		s.t.Fatal(err)
	}
}
