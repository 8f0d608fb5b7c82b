package application_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// gatedStore has one token. A read takes its answer, then waits until the test lets
// it go on or its request is cancelled.
type gatedStore struct {
	ports.Store
	mu    sync.Mutex
	live  *token.AccessToken // nil: revoked
	err   error              // of the next read alone
	reads int
	open  chan struct{}
}

func (s *gatedStore) View(ctx context.Context, fn func(context.Context, ports.Reader) error) error {
	s.mu.Lock()
	s.reads++
	live, failure := s.live, s.err
	s.err = nil
	s.mu.Unlock()
	select {
	case <-s.open:
	case <-ctx.Done():
		return ctx.Err()
	}
	if failure != nil {
		return failure
	}
	return fn(ctx, oneToken{live: live})
}

func (s *gatedStore) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// revoke ends the token as a transaction does: it is invalidated before the commit
// and after it.
func (s *gatedStore) revoke(t *testing.T, cache ports.TokenCache, digest secret.Digest) {
	t.Helper()
	must(t, cache.Invalidate(t.Context(), digest))
	s.mu.Lock()
	s.live = nil
	s.mu.Unlock()
	must(t, cache.Invalidate(t.Context(), digest))
}

type oneToken struct {
	ports.Reader
	ports.TokenReader
	live *token.AccessToken
}

func (o oneToken) Tokens() ports.TokenReader { return o }

func (o oneToken) ByDigest(context.Context, secret.Digest) (*token.AccessToken, error) {
	if o.live == nil {
		return nil, token.ErrUnknown
	}
	return o.live.Copy(), nil
}

// verifications are begun by a test, and end with an error or without one.
type verifications struct {
	t       *testing.T
	store   *gatedStore
	cache   ports.TokenCache
	uc      *application.VerifyToken
	secret  token.Secret
	results chan error
}

// missing runs a test in a bubble of its own time.
func missing(t *testing.T, keep time.Duration, test func(v *verifications)) {
	synctest.Test(t, func(t *testing.T) {
		email, err := identity.ParseEmail("ann@example.com")
		must(t, err)
		live, presented, _ := token.Mint(token.Order{
			ID: uid.New(time.Now()), Subject: identity.ExternalSSO, Lifetime: applicationtest.TokenLife,
			Device: token.Device{Email: email, Issuer: "https://idp.example", ClientID: "difyctl", Label: laptop},
		}, time.Now(), applicationtest.From(home))
		_, _, err = live.RecordUse(time.Now(), applicationtest.From(home)) // so that reading it writes nothing
		must(t, err)
		v := &verifications{
			t: t, store: &gatedStore{live: live, open: make(chan struct{})}, cache: memory.NewTokenCache(time.Now, keep),
			secret: presented, results: make(chan error, 100),
		}
		v.uc = application.NewVerifyToken(v.store, v.cache, true, nil, quota.Configured{}, time.Now)
		test(v)
	})
}

// begin starts n verifications and waits until all of them wait for something.
func (v *verifications) begin(ctx context.Context, n int) {
	for range n {
		go func() {
			_, err := v.uc.Authenticate(ctx, v.secret, applicationtest.From(home))
			v.results <- err
		}()
	}
	synctest.Wait()
}

// ended wants so many verifications with an error to have ended, and no others.
func (v *verifications) ended(want map[error]int) {
	v.t.Helper()
	synctest.Wait()
	got := map[error]int{}
	for range len(v.results) {
		err := <-v.results
		for known := range want {
			if known != nil && errors.Is(err, known) {
				err = known
			}
		}
		got[err]++
	}
	for err, n := range want {
		if got[err] != n {
			v.t.Errorf("got %d verifications with %v, want %d (all: %v)", got[err], err, n, got)
		}
		delete(got, err)
	}
	if len(got) > 0 {
		v.t.Errorf("got %v besides, want no others", got)
	}
}

func (v *verifications) read(want int) {
	v.t.Helper()
	if got := v.store.count(); got != want {
		v.t.Errorf("got %d reads of the store, want %d", got, want)
	}
}

func TestMissesOfOneTokenAreOneRead(t *testing.T) {
	missing(t, time.Second, func(v *verifications) {
		v.begin(v.t.Context(), 64)
		v.read(1)
		close(v.store.open)
		v.ended(map[error]int{nil: 64})
		v.read(1)
	})
}

func TestARevocationDuringAJoinedReadWins(t *testing.T) {
	missing(t, time.Second, func(v *verifications) {
		v.begin(v.t.Context(), 8) // one reads the live token, seven wait for it
		v.store.revoke(v.t, v.cache, v.secret.Digest())
		v.begin(v.t.Context(), 8) // these begin after the revocation
		v.read(1)
		close(v.store.open)
		v.ended(map[error]int{nil: 1, token.ErrInvalid: 15})
		v.begin(v.t.Context(), 1)
		v.ended(map[error]int{token.ErrInvalid: 1})
	})
}

func TestAReadThatFailsFailsItsOwnRequestAlone(t *testing.T) {
	missing(t, time.Second, func(v *verifications) {
		v.store.err = fault.ErrUnavailable
		v.begin(v.t.Context(), 8)
		close(v.store.open)
		v.ended(map[error]int{fault.ErrUnavailable: 1, nil: 7})
	})
}

func TestACancelledRequestFailsNoOther(t *testing.T) {
	missing(t, time.Second, func(v *verifications) {
		reading, leave := context.WithCancel(v.t.Context())
		v.begin(reading, 1)
		v.begin(v.t.Context(), 8)
		v.read(1)
		leave()
		v.ended(map[error]int{context.Canceled: 1})
		close(v.store.open)
		v.ended(map[error]int{nil: 8})
	})
}

func TestAWaitingRequestCanBeCancelled(t *testing.T) {
	missing(t, time.Second, func(v *verifications) {
		v.begin(v.t.Context(), 1)
		waiting, leave := context.WithCancel(v.t.Context())
		v.begin(waiting, 4)
		leave()
		v.ended(map[error]int{context.Canceled: 4})
		close(v.store.open)
		v.ended(map[error]int{nil: 1})
	})
}

// Where nothing is kept, a wait would be in vain.
func TestWithoutACacheMissesDoNotWait(t *testing.T) {
	missing(t, 0, func(v *verifications) {
		v.begin(v.t.Context(), 8)
		v.read(8)
		close(v.store.open)
		v.ended(map[error]int{nil: 8})
	})
}

// Of verifications that race with a revocation, none that began after it succeeds.
func TestNoVerificationThatBeginsAfterARevocationSucceeds(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	for range 8 {
		r := s.redeem(s.login(laptop).Code)
		must(t, s.verifyRedeemed(r))
		s.Clock.Advance(2 * time.Second) // out of the cache
		var revoked atomic.Bool
		var accepted atomic.Int64
		var all sync.WaitGroup
		stop := make(chan struct{})
		for range 8 {
			all.Go(func() {
				for {
					late := revoked.Load()
					if _, err := s.Verify.Authenticate(t.Context(), r.Secret, applicationtest.From(home)); err == nil && late {
						accepted.Add(1)
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		must(t, s.RevokeToken.Execute(t.Context(), r.Secret, "", applicationtest.From(home)))
		revoked.Store(true)
		for range 20 {
			is(t, s.verifyRedeemed(r), token.ErrInvalid)
		}
		close(stop)
		all.Wait()
		if n := accepted.Load(); n > 0 {
			t.Errorf("got %d verifications that began after the revocation and succeeded, want none", n)
		}
	}
}
