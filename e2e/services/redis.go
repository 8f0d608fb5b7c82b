package services

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
)

var redisKind = redisWith()

// keepNothing keeps a server from writing to the disk.
var keepNothing = []string{"--save", "", "--appendonly", "no"}

// redisWith is a Redis that keeps nothing on disk, with further settings.
func redisWith(settings ...string) kind {
	settings = append(slices.Clone(keepNothing), settings...)
	return kind{
		name:    "Redis",
		install: "Set E2E_REDIS_URL, or start Docker, or install redis-server or valkey-server.",
		image:   image("E2E_REDIS_IMAGE", "redis:7-alpine"),
		port:    "6379/tcp",
		options: []testcontainers.ContainerCustomizer{
			testcontainers.WithCmd(append([]string{"redis-server", "--protected-mode", "no"}, settings...)...),
		},
		program: func(ctx context.Context) (*running, error) { return redisProgram(ctx, settings) },
		answers: redisAnswers,
	}
}

func redisAnswers(ctx context.Context, addr string) error { return ask(ctx, addr, "PING", "+PONG") }

var redis = once{kind: &redisKind}

// Redis returns the URL of a server that all tests of the package share: never
// flush it, and use keys of your own.
func Redis(t testing.TB) string {
	t.Helper()
	if url := os.Getenv("E2E_REDIS_URL"); url != "" {
		return url
	}
	needMain(t)
	return "redis://" + redis.get(t)
}

// Server is a Redis that belongs to one test, which may stop it. It has one
// address for all its life, and loses everything when it is stopped.
type Server struct {
	t     testing.TB
	run   func() (*running, error)
	proxy *tcpProxy
	now   *running
}

// PrivateRedis starts one, with further settings.
func PrivateRedis(t testing.TB, settings ...string) *Server {
	t.Helper()
	kind := redisWith(settings...)
	return newServer(t, kind.start)
}

func newServer(t testing.TB, run func() (*running, error)) *Server {
	t.Helper()
	needMain(t)
	s := &Server{t: t, run: run}
	var err error
	if s.now, err = s.run(); err != nil {
		missing(t, err)
	}
	t.Cleanup(func() {
		if s.proxy != nil {
			s.proxy.close()
		}
		s.now.stop()
	})
	if s.proxy, err = newTCPProxy(); err != nil {
		t.Fatal(err)
	}
	if err := s.proxy.open(s.now.addr); err != nil {
		t.Fatal(err)
	}
	return s
}

// URL is where the server is reached, or refuses while it is stopped.
func (s *Server) URL() string { return "redis://" + s.proxy.addr }

// Stop ends the server: connections break, new ones are refused.
func (s *Server) Stop() {
	s.t.Helper()
	s.proxy.close()
	s.now.stop()
}

// Start brings a stopped server back, empty.
func (s *Server) Start() {
	s.t.Helper()
	now, err := s.run()
	if err != nil {
		s.t.Fatal(err)
	}
	s.now = now
	if err := s.proxy.open(s.now.addr); err != nil {
		s.t.Fatal(err)
	}
}

// Hang keeps the server's connections open and answers nothing, until Resume.
func (s *Server) Hang() { s.proxy.hang() }

// Resume ends Hang. What was asked meanwhile is answered now.
func (s *Server) Resume() { s.proxy.resume() }

// Refuse makes the server answer and refuse to write (OOM), until Accept.
func (s *Server) Refuse() { s.command("CONFIG SET maxmemory 1") }

// Accept ends Refuse.
func (s *Server) Accept() { s.command("CONFIG SET maxmemory 0") }

func (s *Server) command(line string) {
	s.t.Helper()
	if err := ask(s.t.Context(), s.now.addr, line, "+OK"); err != nil {
		s.t.Fatal(err)
	}
}

// Flush removes all keys.
func (s *Server) Flush() { s.command("FLUSHALL") }

// RedisCluster starts a cluster of one node for a test. It refuses what any
// cluster refuses: commands and scripts whose keys lie in different slots.
func RedisCluster(t testing.TB) string {
	t.Helper()
	needMain(t)
	// By default nodes talk at a port 10,000 higher, which there may not be.
	bus, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	node := redisWith("--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus))
	r, err := node.start()
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(r.stop)
	host, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"CONFIG SET cluster-announce-ip " + host, // what clients are sent to
		"CONFIG SET cluster-announce-port " + port,
		"CLUSTER ADDSLOTSRANGE 0 16383",
	} {
		if err := ask(t.Context(), r.addr, command, "+OK"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := await(ctx, nil, func(ctx context.Context) error { return ask(ctx, r.addr, "DEL none", ":0") }); err != nil {
		t.Fatal(err)
	}
	return "redis://" + r.addr
}

// ask sends one command and compares the first line of the answer.
func ask(ctx context.Context, addr, command, want string) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(10 * time.Second)
	}
	_ = c.SetDeadline(deadline)
	if _, err := fmt.Fprintf(c, "%s\r\n", command); err != nil {
		return err
	}
	got, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err
	}
	if got = strings.TrimSpace(got); got != want {
		return fmt.Errorf("%s: %s", command, got)
	}
	return nil
}

func redisProgram(ctx context.Context, settings []string) (*running, error) {
	return redisProgramEndedBy(ctx, syscall.SIGTERM, settings)
}

func redisProgramEndedBy(ctx context.Context, quit syscall.Signal, settings []string) (*running, error) {
	program, err := find("redis-server", "valkey-server")
	if err != nil {
		return nil, err
	}
	return runRedis(ctx, program, quit, settings)
}

// runRedis runs a program that is started as Redis is.
func runRedis(ctx context.Context, program string, quit syscall.Signal, settings []string) (*running, error) {
	c, err := newChild(scratch(), program, "redis", quit)
	if err != nil {
		return nil, err
	}
	r, err := onFreePort(func(port int) (*running, error) {
		args := append([]string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", c.folder}, settings...)
		return c.run(ctx, fmt.Sprintf("127.0.0.1:%d", port), redisAnswers, args...)
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.folder))
	}
	return r, nil
}
