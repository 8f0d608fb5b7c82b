package redis_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/redis"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/internal/logtest"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

const maxAge = 5 * time.Minute

// replica is the cache of one of several processes.
type replica struct {
	*redis.TokenCache
	local *memory.TokenCache
}

func newReplica(t *testing.T, url string, now ports.Clock) replica {
	t.Helper()
	local := memory.NewTokenCache(now, maxAge)
	r := replica{redis.NewSwiftTokenCache(open(t, url), local), local}
	r.awaitTrust(t)
	return r
}

func (r replica) trusts() bool { now, _ := r.Trusted(); return now }

func (r replica) awaitTrust(t *testing.T) {
	t.Helper()
	porttest.Eventually(t, "the cache is trusted", r.trusts)
}

func (r replica) fill(live *token.AccessToken) {
	_, mark := r.Find(live.Digest())
	r.Fill(mark, live)
}

func (r replica) finds(live *token.AccessToken) bool {
	found, _ := r.Find(live.Digest())
	return found != nil
}

func aToken() *token.AccessToken {
	at := time.Now()
	live, _, _ := token.Mint(token.Order{ID: uid.New(at), Subject: identity.ExternalSSO, Lifetime: token.Lifetime(time.Hour)}, at, request.Origin{})
	return live
}

func tokenCaches(t *testing.T, url string) {
	porttest.TokenCache(t, func(t *testing.T) porttest.TokenCacheUnderTest {
		clock := porttest.NewClock(time.Now())
		a, b := newReplica(t, url, clock.Now), newReplica(t, url, clock.Now)
		return porttest.TokenCacheUnderTest{
			TokenCache: a, Other: b, MaxAge: maxAge, Advance: clock.Advance, Kept: func() int { return a.local.Stats().Kept },
		}
	})
}

func TestTokenCache(t *testing.T) {
	onEach(t, func(t *testing.T, server *services.Server) { tokenCaches(t, server.URL()) })
}

func TestTokenCachesOnACluster(t *testing.T) { tokenCaches(t, services.RedisCluster(t)) }

// While Redis cannot announce what ends, the database decides; what was kept before
// and what was read meanwhile is not found afterwards.
func TestNothingIsFoundWhileRedisIsLost(t *testing.T) {
	for name, outage := range map[string]struct{ begin, end func(*services.Server) }{
		"the server stops": {(*services.Server).Stop, (*services.Server).Start},
		"the server hangs": {(*services.Server).Hang, (*services.Server).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			server := services.PrivateRedis(t)
			r := newReplica(t, server.URL(), time.Now)
			kept, straddling, meanwhile := aToken(), aToken(), aToken()
			r.fill(kept)
			if !r.finds(kept) {
				t.Fatal("got nothing, want the token")
			}
			_, mark := r.Find(straddling.Digest())
			outage.begin(server)
			porttest.Eventually(t, "the cache is not trusted", func() bool { return !r.trusts() })
			if r.finds(kept) {
				t.Error("got the token while redis is lost, want nothing")
			}
			r.fill(meanwhile)
			if r.Invalidate(t.Context(), aToken().Digest()) == nil {
				t.Error("got no error of an invalidation that no other replica receives, want one")
			}
			outage.end(server)
			r.awaitTrust(t)
			r.Fill(mark, straddling)
			for _, one := range []*token.AccessToken{kept, straddling, meanwhile} {
				if r.finds(one) {
					t.Error("got a token from before, want nothing")
				}
			}
			r.fill(kept)
			if !r.finds(kept) {
				t.Error("got nothing, want the token that was read again")
			}
		})
	}
}

// What ended while Redis was lost is announced when it is back. A replica that
// listens only later has kept nothing since before the outage.
func TestWhatEndsWhileRedisIsLostIsAnnouncedLater(t *testing.T) {
	server := services.PrivateRedis(t)
	a, b := newReplica(t, server.URL(), time.Now), newReplica(t, server.URL(), time.Now)
	ended := aToken()
	b.fill(ended)
	server.Stop()
	if a.Invalidate(t.Context(), ended.Digest()) == nil {
		t.Error("got no error, want one")
	}
	server.Start()
	raw := openRaw(t, server.URL())
	porttest.Eventually(t, "the tombstone is written", func() bool {
		n, err := raw.c.Do(t.Context(), raw.c.B().Exists().Key("devicegate:{tokens}:ended:"+ended.Digest().Hex()).Build()).AsInt64()
		return err == nil && n == 1
	})
	b.awaitTrust(t)
	if b.finds(ended) {
		t.Error("got the token from before the outage, want nothing")
	}
}

// A server that deletes everything has deleted tombstones, too.
func TestAFlushedCacheFindsNoToken(t *testing.T) {
	server := services.PrivateRedis(t)
	r, live := newReplica(t, server.URL(), time.Now), aToken()
	r.fill(live)
	server.Flush()
	porttest.Eventually(t, "the token is forgotten", func() bool { return r.local.Stats().Kept == 0 })
	r.awaitTrust(t)
	if r.finds(live) {
		t.Error("got the token, want nothing")
	}
}

// A caller that leaves does not keep the others from learning what has ended.
func TestAnInvalidationOutlivesItsCaller(t *testing.T) {
	url := services.PrivateRedis(t).URL()
	a, b, ended := newReplica(t, url, time.Now), newReplica(t, url, time.Now), aToken()
	b.fill(ended)
	gone, leave := context.WithCancel(t.Context())
	leave()
	if err := a.Invalidate(gone, ended.Digest()); err != nil {
		t.Error(err)
	}
	porttest.Eventually(t, "the other replica forgets the token", func() bool { return !b.finds(ended) })
}

// A server that does not let the process track keys is logged once, and nothing is
// kept.
func TestAServerWithoutTrackingIsLoggedOnce(t *testing.T) {
	server := services.PrivateRedis(t)
	r := openRaw(t, server.URL())
	if err := r.c.Do(t.Context(), r.c.B().Arbitrary("ACL", "SETUSER", "gate", "on", ">secret", "~*", "+@all", "-client|tracking").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	logs := new(logtest.Log)
	c, err := redis.Open(redis.Config{URL: strings.Replace(server.URL(), "redis://", "redis://gate:secret@", 1)},
		slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	cache := redis.NewSwiftTokenCache(c, memory.NewTokenCache(time.Now, maxAge))
	told := func() int { return strings.Count(logs.String(), "redis does not tell which tokens end") }
	porttest.Eventually(t, "the refusal is told", func() bool { return told() > 0 })
	_, mark := cache.Find(aToken().Digest())
	if now, bypassed := cache.Trusted(); told() != 1 || now || bypassed != 1 || !mark.IsZero() {
		t.Errorf("got %d refusals told, trusted %v, %d look-ups that pass by, want 1, false, 1", told(), now, bypassed)
	}
	if state, _ := c.State(); state != redis.Up {
		t.Errorf("got %s, want the limits to count in redis still", state)
	}
}
