package redis_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/redis"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/internal/logtest"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

func TestMain(m *testing.M) { os.Exit(services.Main(m)) }

func open(t *testing.T, url string) *redis.Connection {
	t.Helper()
	c, err := redis.Open(redis.Config{URL: url}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// raw is another client of the same server, with which a test looks around.
type raw struct {
	t *testing.T
	c rueidis.Client
}

func openRaw(t *testing.T, url string) raw  { return openWith(t, url, false) }
func openNode(t *testing.T, url string) raw { return openWith(t, url, true) }

func openWith(t *testing.T, url string, one bool) raw {
	t.Helper()
	o, err := rueidis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.ForceSingleClient = one
	o.DisableCache = true
	c, err := rueidis.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return raw{t, c}
}

func (r raw) number(script string, args ...string) int {
	r.t.Helper()
	n, err := rueidis.NewLuaScript(script).Exec(r.t.Context(), r.c, nil, args).AsInt64()
	if err != nil {
		r.t.Fatal(err)
	}
	return int(n)
}

// pass shortens the life of every key, as if time had gone by.
func (r raw) pass(d time.Duration) {
	r.t.Helper()
	r.number(`
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 and left <= tonumber(ARGV[1]) then redis.call('DEL', key)
  elseif left >= 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
end
return 0`, strconv.FormatInt(d.Milliseconds(), 10))
}

// kept counts keys, and things in the windows of a limiter.
func (r raw) kept() int {
	r.t.Helper()
	return r.number(`
local n = 0
for _, key in ipairs(redis.call('KEYS', '*')) do
  n = n + 1
  if redis.call('TYPE', key).ok == 'set' and string.find(key, ':limit:') then n = n + redis.call('SCARD', key) end
end
return n`)
}

// onEach runs a suite on each product that has the protocol.
func onEach(t *testing.T, suite func(t *testing.T, server *services.Server), settings ...string) {
	t.Run("Redis", func(t *testing.T) { suite(t, services.PrivateRedis(t, settings...)) })
	t.Run("Valkey", func(t *testing.T) { suite(t, services.PrivateValkey(t, settings...)) })
}

func TestPollThrottle(t *testing.T) {
	onEach(t, func(t *testing.T, server *services.Server) {
		porttest.PollThrottle(t, func(t *testing.T) porttest.PollThrottleUnderTest {
			server.Flush()
			r := openRaw(t, server.URL())
			p := redis.NewPollThrottle(open(t, server.URL()))
			return porttest.PollThrottleUnderTest{PollThrottle: p, Advance: r.pass, Kept: r.kept, Settle: p.Settle}
		})
	})
}

func TestLimiter(t *testing.T) {
	onEach(t, func(t *testing.T, server *services.Server) {
		porttest.Limiter(t, func(t *testing.T) porttest.LimiterUnderTest {
			server.Flush()
			r := openRaw(t, server.URL())
			return porttest.LimiterUnderTest{Limiter: redis.NewLimiter(open(t, server.URL())), Advance: r.pass, Kept: r.kept}
		})
	})
}

// Case O05: scripts name all their keys, and a cluster finds them on one node.
func TestAClusterIsServedToo(t *testing.T) {
	url := services.RedisCluster(t)
	cluster := openRaw(t, url)
	if mode := cluster.c.Mode(); mode != rueidis.ClientModeCluster {
		t.Fatalf("got the mode %v, want a cluster", mode)
	}
	t.Run("pace", func(t *testing.T) {
		porttest.PollThrottle(t, func(t *testing.T) porttest.PollThrottleUnderTest {
			r := openNode(t, url)
			r.number("redis.call('FLUSHALL') return 0")
			p := redis.NewPollThrottle(open(t, url))
			return porttest.PollThrottleUnderTest{PollThrottle: p, Advance: r.pass, Kept: r.kept, Settle: p.Settle}
		})
	})
	t.Run("limiter", func(t *testing.T) {
		porttest.Limiter(t, func(t *testing.T) porttest.LimiterUnderTest {
			r := openNode(t, url)
			r.number("redis.call('FLUSHALL') return 0")
			return porttest.LimiterUnderTest{Limiter: redis.NewLimiter(open(t, url)), Advance: r.pass, Kept: r.kept}
		})
	})
}

func TestAMarkEndsByTheServersOwnTime(t *testing.T) {
	p := redis.NewPollThrottle(open(t, services.Redis(t)))
	code, gap := secret.Random("code", 24).Digest(), 100*time.Millisecond
	began := time.Now()
	claim := func() bool {
		_, due, err := p.CheckPending(t.Context(), code, "who", gap)
		if err != nil {
			t.Fatal(err)
		}
		return due
	}
	if !claim() {
		t.Fatal("got the first poll as too early, want it allowed")
	}
	porttest.Eventually(t, "the next poll is due", claim)
	// Redis counts whole milliseconds.
	if took := time.Since(began); took < gap-2*time.Millisecond {
		t.Errorf("got the next poll allowed after %s, want it after %s", took, gap)
	}
}

func TestEveryKeyHasAPrefixAnExpiryAndNoTypedText(t *testing.T) {
	server := services.PrivateRedis(t)
	c, r := open(t, server.URL()), openRaw(t, server.URL())
	pace, limiter, ctx := redis.NewPollThrottle(c), redis.NewLimiter(c), t.Context()
	code := secret.Random("code", 24).Digest()
	limit := quota.Limit{Name: "test", Max: 3, Per: time.Hour}
	_, _, err1 := pace.CheckPending(ctx, code, "TYPED", time.Minute)
	err4 := pace.CachePending(ctx, code, ports.PendingHint{Poller: "TYPED", TTL: time.Minute})
	err5 := pace.Invalidate(ctx, secret.Random("code", 24).Digest())
	pace.Settle()
	_, err2 := limiter.Take(ctx, limit, "TYPED")
	_, err3 := limiter.TakeDistinct(ctx, limit, "TYPED again", "TYPED")
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	keys, err := r.c.Do(ctx, r.c.B().Keys().Pattern("*").Build()).AsStrSlice()
	if err != nil || len(keys) != 5 {
		t.Fatalf("got the keys %q, %v, want 5", keys, err)
	}
	for _, key := range keys {
		dump, err := r.c.Do(ctx, r.c.B().Dump().Key(key).Build()).ToString()
		if err != nil || !strings.HasPrefix(key, "devicegate:") || strings.Contains(key+dump, "TYPED") {
			t.Errorf("got the key %s with %q, %v, want our prefix and only a digest of what was typed", key, dump, err)
		}
		if ttl, err := r.c.Do(ctx, r.c.B().Pttl().Key(key).Build()).AsInt64(); err != nil || ttl <= 0 {
			t.Errorf("%s: got a lifetime of %d ms, %v, want one", key, ttl, err)
		}
	}
}

// swift is more than a caller is ever made to wait, with a slow machine's grace.
const swift = time.Second

// asked does what the hot path does, and says how it went.
func asked(t *testing.T, c *redis.Connection) error {
	t.Helper()
	began := time.Now()
	_, _, err := redis.NewPollThrottle(c).CheckPending(t.Context(), secret.Random("code", 24).Digest(), "who", time.Minute)
	if took := time.Since(began); took > swift {
		t.Errorf("got an answer after %s, want it within %s", took, swift)
	}
	return err
}

func TestAnOutageIsNoticedAtOnceAndRecoveredFrom(t *testing.T) {
	for name, outage := range map[string]struct{ begin, end func(*services.Server) }{
		"the server stops": {(*services.Server).Stop, (*services.Server).Start},
		"the server hangs": {(*services.Server).Hang, (*services.Server).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			server := services.PrivateRedis(t)
			c := open(t, server.URL())
			if err := errors.Join(asked(t, c), c.Ready(t.Context())); err != nil {
				t.Fatal(err)
			}
			outage.begin(server)
			if asked(t, c) == nil {
				t.Fatal("got an answer while Redis is down, want an error")
			}
			// The server is known to be down by now, so no call waits for it.
			began := time.Now()
			for range 1000 {
				if err := c.Ready(t.Context()); !errors.Is(err, redis.ErrDown) {
					t.Fatal(err)
				}
			}
			if took := time.Since(began); took > swift {
				t.Errorf("got a thousand errors after %s, want them within %s", took, swift)
			}
			outage.end(server)
			porttest.Eventually(t, "redis is back", func() bool { return asked(t, c) == nil })
		})
	}
}

func TestAConnectionOpensWithoutAServerAndFindsItLater(t *testing.T) {
	server := services.PrivateRedis(t)
	server.Stop()
	c := open(t, server.URL())
	if err := asked(t, c); !errors.Is(err, redis.ErrDown) {
		t.Error(err)
	}
	server.Start()
	porttest.Eventually(t, "redis is found", func() bool { return asked(t, c) == nil })
}

func TestACancelledCallIsNoOutage(t *testing.T) {
	c := open(t, services.Redis(t))
	gone, leave := context.WithCancel(t.Context())
	leave()
	if c.Ready(gone) == nil {
		t.Error("Ready(a cancelled context): got no error, want one")
	}
	if err := c.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// F53: a server that answers and refuses is logged once, is visible from outside, and
// used again when it no longer refuses.
func TestARefusingServerIsLoggedOnceAndUsedAgain(t *testing.T) {
	admin := func(r raw, command ...string) {
		r.t.Helper()
		if err := r.c.Do(r.t.Context(), r.c.B().Arbitrary(command...).Build()).Error(); err != nil {
			r.t.Fatal(err)
		}
	}
	for code, how := range map[string]struct{ begin, end, settings []string }{
		"OOM":        {begin: []string{"CONFIG", "SET", "maxmemory", "1"}, end: []string{"CONFIG", "SET", "maxmemory", "0"}},
		"READONLY":   {begin: []string{"REPLICAOF", "127.0.0.1", "1"}, end: []string{"REPLICAOF", "NO", "ONE"}},
		"NOPERM":     {begin: []string{"ACL", "SETUSER", "gate", "-@write"}, end: []string{"ACL", "SETUSER", "gate", "+@all"}},
		"NOREPLICAS": {begin: []string{"CONFIG", "SET", "min-replicas-to-write", "1"}, end: []string{"CONFIG", "SET", "min-replicas-to-write", "0"}},
		"MISCONF": { // a snapshot cannot be written there, for instance because the disk is full
			begin: []string{"BGSAVE"}, end: []string{"CONFIG", "SET", "save", ""},
			settings: []string{"--save", "3600", "1000000", "--dir", "/proc"},
		},
	} {
		t.Run(code, func(t *testing.T) {
			onEach(t, func(t *testing.T, server *services.Server) {
				r := openRaw(t, server.URL())
				admin(r, "ACL", "SETUSER", "gate", "on", ">secret", "~*", "+@all")
				logs := new(logtest.Log)
				c, err := redis.Open(redis.Config{URL: strings.Replace(server.URL(), "redis://", "redis://gate:secret@", 1)},
					slog.New(slog.NewTextHandler(logs, nil)))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(c.Close)
				take := func() error {
					_, err := redis.NewLimiter(c).Take(t.Context(), quota.Limit{Name: "test", Max: 30, Per: time.Hour}, "key")
					return err
				}
				allow := func() error {
					_, _, err := redis.NewPollThrottle(c).CheckPending(t.Context(), secret.Random("code", 24).Digest(), "who", time.Minute)
					return err
				}
				if err := errors.Join(take(), allow()); err != nil {
					t.Fatal(err)
				}
				admin(r, how.begin...)
				if code == "MISCONF" { // by then the snapshot has failed
					porttest.Eventually(t, "redis refuses", func() bool { return take() != nil })
				}
				if take() == nil && allow() == nil {
					t.Error("got an answer from a server that refuses, want an error")
				}
				for range 100 {
					if err := take(); !errors.Is(err, redis.ErrDown) {
						t.Fatalf("got %v, want ErrDown", err)
					}
				}
				if state, got := c.State(); state != redis.Refusing || got != code {
					t.Errorf("got %s %s, want refusing %s", state, got, code)
				}
				admin(r, how.end...)
				porttest.Eventually(t, "redis is used again", func() bool { return take() == nil })
				if state, got := c.State(); state != redis.Up || got != "" {
					t.Errorf("got %s %s, want ok", state, got)
				}
				if n := strings.Count(logs.String(), "redis refuses commands"); n != 1 || !strings.Contains(logs.String(), "code="+code) || strings.Contains(logs.String(), "secret") {
					t.Errorf("got %d refusals logged, want 1 of %s:\n%s", n, code, logs)
				}
			}, how.settings...)
		})
	}
}

// A user that may not write at all is reported at the start.
func TestAConnectionOpensWithoutPermissionToWrite(t *testing.T) { // F53
	onEach(t, func(t *testing.T, server *services.Server) {
		r := openRaw(t, server.URL())
		for _, command := range [][]string{{"ACL", "SETUSER", "gate", "on", ">secret", "~*", "+@all", "-@write"}} {
			if err := r.c.Do(t.Context(), r.c.B().Arbitrary(command...).Build()).Error(); err != nil {
				t.Fatal(err)
			}
		}
		c := open(t, strings.Replace(server.URL(), "redis://", "redis://gate:secret@", 1))
		if state, code := c.State(); state != redis.Refusing || code != "NOPERM" {
			t.Errorf("got %s %s, want refusing NOPERM", state, code)
		}
		wrong := open(t, strings.Replace(server.URL(), "redis://", "redis://gate:wrong@", 1))
		if state, code := wrong.State(); state != redis.Refusing || code != "WRONGPASS" {
			t.Errorf("got %s %s, want refusing WRONGPASS", state, code)
		}
	})
}

// A key of another kind says nothing about the server.
func TestAKeyOfAnotherKindIsNoRefusalOfTheServer(t *testing.T) {
	server := services.PrivateRedis(t)
	c, r := open(t, server.URL()), openRaw(t, server.URL())
	limiter, limit := redis.NewLimiter(c), quota.Limit{Name: "test", Max: 3, Per: time.Hour}
	if _, err := limiter.Take(t.Context(), limit, "key"); err != nil {
		t.Fatal(err)
	}
	r.number(`for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('DEL', key) redis.call('LPUSH', key, 'x') end return 0`)
	if _, err := limiter.Take(t.Context(), limit, "key"); err == nil {
		t.Error("Take(a key that is a list): got no error, want one")
	}
	if state, _ := c.State(); state != redis.Up {
		t.Errorf("got %s, want ok", state)
	}
}

func TestAWrongAddressIsReportedWithoutItsPassword(t *testing.T) {
	for _, url := range []string{
		"redis://:hunter2@ho st:6379", "redis://:hunter2@host:port", "http://:hunter2@host",
		"redis://:hunter2@host/notanumber", "redis://:hunter2%zz@host", "",
	} {
		err := redis.Config{URL: url}.Check()
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Check(%q) = %v, want an error without the password", url, err)
		}
		if _, err := redis.Open(redis.Config{URL: url}, slog.Default()); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q) = %v, want an error without the password", url, err)
		}
	}
}

func TestTheModuleClosesItsConnectionWhenTheServiceStops(t *testing.T) {
	var pace ports.PollThrottle
	var limiter ports.Limiter
	var c *redis.Connection
	app := fxtest.New(t, redis.Module, fx.Populate(&pace, &limiter, &c),
		fx.Supply(redis.Config{URL: services.Redis(t)}, slog.New(slog.DiscardHandler)))
	app.RequireStart()
	if err := c.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	app.RequireStop()
	if err := c.Ready(t.Context()); !errors.Is(err, redis.ErrDown) {
		t.Error(err)
	}
}

// The permissions that docs/operators.md lists are enough.
func TestTheDocumentedPermissionsAreEnough(t *testing.T) {
	docs, err := os.ReadFile("../../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	const listed = "`+eval +evalsha +set +get +del +incr +pexpire +pttl +type +sadd +scard +sismember +ping +client|tracking`"
	if !strings.Contains(string(docs), listed) {
		t.Fatalf("got no %s in docs/operators.md, want it", listed)
	}
	server := services.PrivateRedis(t)
	r := openRaw(t, server.URL())
	command := append([]string{"ACL", "SETUSER", "gate", "on", ">secret", "~devicegate:*", "-@all"}, strings.Fields(strings.Trim(listed, "`"))...)
	if err := r.c.Do(t.Context(), r.c.B().Arbitrary(command...).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	c, err := redis.Open(redis.Config{URL: strings.Replace(server.URL(), "redis://", "redis://gate:secret@", 1)}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	limiter, throttle, ctx := redis.NewLimiter(c), redis.NewPollThrottle(c), t.Context()
	limit, code := quota.Limit{Name: "test", Max: 3, Per: time.Hour}, secret.Random("code", 24).Digest()
	_, err1 := limiter.Take(ctx, limit, "a")
	_, err2 := limiter.TakeDistinct(ctx, limit, "b", "thing")
	_, err3 := limiter.Peek(ctx, limit, "a")
	_, _, err4 := throttle.CheckPending(ctx, code, "client", time.Minute)
	err5 := throttle.CachePending(ctx, code, ports.PendingHint{Poller: "client", TTL: time.Minute})
	err6 := throttle.Release(ctx, code)
	throttle.Settle()
	if err := errors.Join(err1, err2, err3, err4, err5, err6, throttle.Invalidate(ctx, code), c.Ready(ctx)); err != nil {
		t.Error(err)
	}
	cache := redis.NewSwiftTokenCache(c, memory.NewTokenCache(time.Now, maxAge))
	porttest.Eventually(t, "the token cache is trusted", func() bool { now, _ := cache.Trusted(); return now })
	if err := errors.Join(cache.Invalidate(ctx, code), cache.InvalidateAll(ctx)); err != nil {
		t.Error(err)
	}
}
