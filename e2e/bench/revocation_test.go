package bench

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
)

// TestRevocations revokes tokens while connections verify them at two replicas,
// with -measure 64 of them, in each state of Redis, and prints for how long after
// the answer to a revocation a replica accepted the token. Requests count that
// were sent after that answer. Without -measure it only makes sure that each
// replica comes to refuse what was revoked at one of them.
func TestRevocations(t *testing.T) {
	verifiers, each := 4, 3
	if *measure {
		verifiers, each = 64, 100
		if testing.Short() {
			each = 20
		}
	}
	server := services.PrivateRedis(t)
	shared, without := newReplicas(t, server.URL()), newReplicas(t, "")
	states := []revocationState{
		{"Redis answers", "messages of Redis", shared, each, nil, nil},
		{"Redis is stopped", "0s", shared, each, func(turn int) {
			if turn == 0 {
				server.Stop()
			}
		}, server.Start},
		{"Redis restarts again and again", "0s", shared, each, func(turn int) {
			if turn%10 == 0 {
				server.Stop()
				server.Start()
			}
		}, nil},
		{"Redis hangs", "1s", shared, each, func(turn int) {
			switch turn % 50 {
			case 0:
				server.Hang()
			case 25:
				server.Resume()
			}
		}, server.Resume},
		failover(t, "Redis fails over: its master is killed", 2*each, (*services.Sentinel).KillMaster, func(*services.Sentinel) {}),
		failover(t, "Redis fails over: its master hangs, then comes back", 4*each, (*services.Sentinel).HangMaster, (*services.Sentinel).ResumeMaster),
		{"no Redis", "1s", without, each, nil, nil},
	}
	var lines []string
	for _, state := range states {
		t.Run(state.name, func(t *testing.T) {
			result := state.at.run(t, verifiers, state.revocations, func(turn int) {
				if state.change != nil {
					state.change(turn)
				}
			})
			if state.end != nil {
				state.end()
			}
			lines = append(lines, result.line(state.name, state.bound))
		})
	}
	if *measure {
		fmt.Printf("\n| state | revocations | verifications | accepted late | longest | bound |\n|---|---|---|---|---|---|\n%s\n", strings.Join(lines, "\n"))
	}
}

// revocationState is a state of Redis in which tokens are revoked.
type revocationState struct {
	name, bound string
	at          *replicas
	revocations int
	change      func(turn int) // before each revocation; nil: nothing
	end         func()         // nil: nothing
}

// failover is the state in which a sentinel replaces the master after a quarter of
// the revocations; the old master comes back after three.
func failover(t *testing.T, name string, revocations int, lose, back func(*services.Sentinel)) revocationState {
	t.Helper()
	sentinel := services.RedisSentinel(t)
	return revocationState{name, "1s", newReplicas(t, sentinel.URL()), revocations, func(turn int) {
		switch turn {
		case revocations / 4:
			lose(sentinel)
		case revocations * 3 / 4:
			back(sentinel)
		}
	}, nil}
}

// replicas are two processes of the service on the same stores.
type replicas struct {
	programs [2]*program
	seed     *seeder
}

// newReplicas starts two on a database of their own, with Redis unless its URL is "".
func newReplicas(t *testing.T, redisURL string) *replicas {
	t.Helper()
	env := maps.Clone(serviceEnv(t))
	env["DATABASE_URL"] = services.DurablePostgres(t)
	r := &replicas{}
	if redisURL != "" {
		env["REDIS_URL"] = redisURL
	}
	r.programs[0] = startProgram(t, "service", env)
	r.programs[1] = startProgram(t, "service", env)
	r.seed = newSeeder(t, env["DATABASE_URL"], r.programs[0])
	return r
}

// revocations is what one run saw.
type revocations struct {
	revoked       int
	verifications atomic.Int64
	late          atomic.Int64
	longest       atomic.Int64 // in nanoseconds
}

func (r *revocations) line(state, bound string) string {
	return fmt.Sprintf("| %s | %d | %d | %d | %s | %s |", state, r.revoked, r.verifications.Load(), r.late.Load(),
		time.Duration(r.longest.Load()).Round(100*time.Microsecond), bound)
}

const (
	aheadOfRevocation  = 16 // tokens that are hot already when their turn comes
	behindRevocation   = 48 // tokens that are tried after their end
	warmVerifications  = 4
	revocationInterval = 20 * time.Millisecond
)

// watchedToken is one token of a run.
type watchedToken struct {
	request  []byte
	accepted [2]atomic.Int64 // by replica
	endedAt  atomic.Int64    // since the run began; 0: it is live
}

// run revokes tokens in turns at both replicas and verifies them meanwhile.
func (r *replicas) run(t *testing.T, verifiers, n int, before func(turn int)) *revocations {
	t.Helper()
	first := r.seed.addTokens(n + aheadOfRevocation)
	tokens := make([]*watchedToken, n+aheadOfRevocation)
	for i := range tokens {
		tokens[i] = &watchedToken{request: verifyRequest(verifyPath, accessToken(first+i))}
	}
	out, began := &revocations{}, time.Now()
	ctx, stop := context.WithCancel(t.Context())
	var turn atomic.Int64
	var all sync.WaitGroup
	for i := range verifiers {
		at := i % len(r.programs)
		all.Go(func() {
			if err := verifyAll(ctx, r.programs[at].addr, at, tokens, &turn, began, out); err != nil {
				t.Error(err)
			}
		})
	}
	defer all.Wait()
	defer stop()
	for i := range n {
		turn.Store(int64(i))
		before(i)
		one := tokens[i]
		await(t, func() bool {
			return one.accepted[0].Load() >= warmVerifications && one.accepted[1].Load() >= warmVerifications
		})
		revoke := post("/oauth2/revoke", "", "token="+accessToken(first+i))
		if _, err := call(r.programs[i%len(r.programs)], revoke, http.StatusOK); err != nil {
			t.Fatal(err)
		}
		one.endedAt.Store(int64(time.Since(began)))
		out.revoked++
		if *measure { // the other tokens get the time to be verified
			tick := time.NewTimer(revocationInterval)
			<-tick.C
		}
	}
	r.awaitRefusals(t, tokens[:n])
	return out
}

// verifyAll verifies the tokens around the one whose turn it is, over one
// connection, until ctx ends.
func verifyAll(ctx context.Context, addr string, replica int, tokens []*watchedToken, turn *atomic.Int64, began time.Time, out *revocations) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.conn.Close() }()
	for n := 0; ctx.Err() == nil; n++ {
		now := int(turn.Load())
		from, to := max(0, now-behindRevocation), min(now+aheadOfRevocation, len(tokens))
		one := tokens[from+n%(to-from)]
		sent := int64(time.Since(began))
		status, body, err := c.do(one.request)
		if err != nil {
			return err
		}
		out.verifications.Add(1)
		switch status {
		case http.StatusUnauthorized:
		case http.StatusOK:
			one.accepted[replica].Add(1)
			if ended := one.endedAt.Load(); ended != 0 && sent > ended {
				out.late.Add(1)
				for longest := out.longest.Load(); sent-ended > longest && !out.longest.CompareAndSwap(longest, sent-ended); {
					longest = out.longest.Load()
				}
			}
		default:
			return fmt.Errorf("got status %d and %s, want 200 or 401", status, body)
		}
	}
	return nil
}

// awaitRefusals returns when both replicas refuse all tokens.
func (r *replicas) awaitRefusals(t *testing.T, tokens []*watchedToken) {
	t.Helper()
	for _, p := range r.programs {
		c, err := dial(p.addr)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range tokens {
			await(t, func() bool {
				status, _, err := c.do(one.request)
				return err == nil && status == http.StatusUnauthorized
			})
		}
		_ = c.conn.Close()
	}
}

func await(t *testing.T, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !is(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("got no change within a minute, want one")
		}
	}
}
