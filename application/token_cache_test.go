package application_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

// noticing is a cache that keeps the digests that it has to forget. It keeps
// tokens for longer than any test lasts.
type noticing struct {
	ports.TokenCache
	mu        sync.Mutex
	forgotten []secret.Digest
}

func (n *noticing) Invalidate(ctx context.Context, digests ...secret.Digest) error {
	n.mu.Lock()
	n.forgotten = append(n.forgotten, digests...)
	n.mu.Unlock()
	return n.TokenCache.Invalidate(ctx, digests...)
}

// times is how often a token was to be forgotten.
func (n *noticing) times(of token.Secret) (times int) {
	for _, digest := range n.forgotten {
		if digest == of.Digest() {
			times++
		}
	}
	return times
}

// storeWithCounts counts reads outside of transactions, and transactions.
type storeWithCounts struct {
	ports.Store
	views, updates int
}

func (s *storeWithCounts) View(ctx context.Context, fn func(ctx context.Context, r ports.Reader) error) error {
	s.views++
	return s.Store.View(ctx, fn)
}

func (s *storeWithCounts) Update(ctx context.Context, fn func(ctx context.Context, tx ports.Tx) error) error {
	s.updates++
	return s.Store.Update(ctx, fn)
}

func newCachedFixture(t *testing.T) (*fixture, *noticing, *storeWithCounts) {
	t.Helper()
	// Its clock stands: only the rules of the domain end a token.
	cache := &noticing{TokenCache: memory.NewTokenCache(porttest.NewClock(time.Unix(1, 0)).Now, time.Hour)}
	store := &storeWithCounts{}
	s := newFixture(t, applicationtest.Options{Cache: cache, Around: func(below ports.Store) ports.Store {
		store.Store = below
		return store
	}})
	return s, cache, store
}

// Each way in which a token ends, or gets another secret, invalidates it before
// its transaction commits and after it. The token is in the cache before.
func TestWhateverEndsATokenInvalidatesIt(t *testing.T) {
	from := applicationtest.From(home)
	ends := map[string]func(s *fixture, code application.Started, r application.Redeemed){
		"RevokeToken": func(s *fixture, _ application.Started, r application.Redeemed) {
			must(s.t, s.RevokeToken.Execute(s.t.Context(), r.Secret, "", from))
		},
		"EndSessions by a bearer": func(s *fixture, _ application.Started, r application.Redeemed) {
			_, err := s.EndSessions.Execute(s.t.Context(), application.OwnerOf(r.Token), r.Token.ID(), from)
			must(s.t, err)
		},
		"EndSessions, all of a person": func(s *fixture, _ application.Started, _ application.Redeemed) {
			h := s.manage("ann@acme.example")
			proof := approval.Proof{Session: h, CSRF: s.ownSessions(h).SignIn.CSRF}
			_, err := s.EndSessions.Execute(s.t.Context(), application.OwnerAt(proof), [16]byte{}, from)
			must(s.t, err)
		},
		"RevokeTokens by an administrator": func(s *fixture, _ application.Started, _ application.Redeemed) {
			_, err := s.RevokeTokens.Execute(s.t.Context(), application.Revocation{All: true}, audit.Actor{Kind: audit.Admin, Name: "ann"}, from)
			must(s.t, err)
		},
		"EndToken by an administrator": func(s *fixture, _ application.Started, r application.Redeemed) {
			_, err := s.EndToken.Execute(s.t.Context(), r.Token.ID(), audit.Actor{Kind: audit.Admin, Name: "ann"}, from)
			must(s.t, err)
		},
		"a new login on the same device": func(s *fixture, _ application.Started, _ application.Redeemed) {
			s.redeem(s.login(laptop).Code)
		},
		"expiry, noticed by a request": func(s *fixture, _ application.Started, r application.Redeemed) {
			s.Clock.Advance(time.Duration(applicationtest.TokenLife))
			is(s.t, s.verifyRedeemed(r), token.ErrInvalid)
		},
		"expiry, noticed by the sweep": func(s *fixture, _ application.Started, _ application.Redeemed) {
			s.Clock.Advance(time.Duration(applicationtest.TokenLife))
			_, err := application.NewSweepTokens(s.Store, token.Retention(kept), s.Clock.Now).Execute(s.t.Context())
			must(s.t, err)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			s, cache, store := newCachedFixture(t)
			started := s.login(laptop)
			r := s.redeem(started.Code)
			must(t, s.verifyRedeemed(r))
			reads := store.views
			must(t, s.verifyRedeemed(r))
			if store.views != reads {
				t.Fatal("the second verification read the store, want the cache to answer")
			}
			end(s, started, r)
			is(t, s.verifyRedeemed(r), token.ErrInvalid)
			if got := cache.times(r.Secret); got != 2 {
				t.Errorf("got %d invalidations, want 2", got)
			}
		})
	}
}

// A token that was never used is in no cache; a read that finds it while it ends
// must not bring it there.
func TestWhateverReplacesAnUnusedSecretInvalidatesIt(t *testing.T) {
	from := applicationtest.From(home)
	for name, end := range map[string]func(s *fixture, code application.Started, undo approval.UndoToken, r application.Redeemed){
		"RevokeUndelivered": func(s *fixture, _ application.Started, _ approval.UndoToken, r application.Redeemed) {
			must(s.t, s.RevokeUndelivered.Execute(s.t.Context(), r.Authorization, r.Secret, from))
		},
		"a repeated answer": func(s *fixture, started application.Started, _ approval.UndoToken, _ application.Redeemed) {
			s.Clock.Advance(interval)
			s.redeem(started.Code)
		},
		"UndoApproval": func(s *fixture, _ application.Started, undo approval.UndoToken, _ application.Redeemed) {
			must(s.t, s.Undo.Execute(s.t.Context(), undo, from))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, cache, _ := newCachedFixture(t)
			started := s.start(laptop)
			proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
			decided, err := s.Approve.Execute(t.Context(), proof, started.UserCode, from)
			must(t, err)
			r := s.redeem(started.Code)
			end(s, started, decided.Undo, r)
			if got := cache.times(r.Secret); got != 2 {
				t.Errorf("got %d invalidations, want 2", got)
			}
			is(t, s.verifyRedeemed(r), token.ErrInvalid)
		})
	}
}

// A verification that reads the token before it is revoked, and gets on only
// afterwards, must not keep it.
func TestAVerificationDuringARevocationIsNotCached(t *testing.T) {
	var afterRead func()
	s := newFixture(t, applicationtest.Options{Around: func(below ports.Store) ports.Store {
		return pausing{below, func() {
			if then := afterRead; then != nil {
				afterRead = nil
				then()
			}
		}}
	}})
	r := s.redeem(s.login(laptop).Code)
	must(t, s.verifyRedeemed(r))
	s.Clock.Advance(2 * time.Second) // out of the cache
	afterRead = func() { must(t, s.RevokeToken.Execute(t.Context(), r.Secret, "", applicationtest.From(home))) }
	is(t, s.verifyRedeemed(r), nil) // it began before the revocation
	is(t, s.verifyRedeemed(r), token.ErrInvalid)
}

// pausing calls then after each View.
type pausing struct {
	ports.Store
	then func()
}

func (p pausing) View(ctx context.Context, fn func(ctx context.Context, r ports.Reader) error) error {
	err := p.Store.View(ctx, fn)
	p.then()
	return err
}

// The last use is written once a minute, also by a token that is always found in
// the cache, and what the cache answers is what the store would.
func TestACachedTokenIsTheStoredOne(t *testing.T) {
	s, _, store := newCachedFixture(t)
	r := s.redeem(s.login(laptop).Code)
	verified := func() *token.AccessToken {
		t.Helper()
		found, err := s.Verify.Authenticate(t.Context(), r.Secret, applicationtest.From(home))
		must(t, err)
		if got, want := found.Snapshot(), s.Token(t, r.Token.ID()); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		return found
	}
	verified() // the first use
	for minute := range 3 {
		writes := store.updates
		for range 5 {
			verified()
			s.Clock.Advance(11 * time.Second)
		}
		if store.updates != writes {
			t.Errorf("minute %d: got %d transactions, want none", minute, store.updates-writes)
		}
		s.Clock.Advance(5 * time.Second)
		verified()
		if got := store.updates - writes; got != 1 {
			t.Errorf("minute %d: got %d transactions, want 1", minute, got)
		}
	}
}

// The decorator changes nothing of what a store promises.
func TestAnInvalidatingStoreIsAStore(t *testing.T) {
	porttest.Store(t, func(t *testing.T) ports.Store {
		return application.NewInvalidatingStore(databasetest.Store(t, databasetest.Memory(t)), memory.NewTokenCache(time.Now, time.Second))
	})
}

// A refusal that commits invalidates, and so does a transaction that fails: its
// commit may have arrived.
func TestTransactionsThatFailInvalidateToo(t *testing.T) {
	s, cache, _ := newCachedFixture(t)
	r := s.redeem(s.login(laptop).Code)
	must(t, s.verifyRedeemed(r))
	gone, leave := context.WithCancel(t.Context())
	err := s.Store.Update(gone, func(ctx context.Context, tx ports.Tx) error {
		found, err := tx.Tokens().ByDigest(ctx, r.Secret.Digest())
		must(t, err)
		revoked, _ := found.Revoke("test", found.Owner(), s.Clock.Now(), applicationtest.From(home))
		must(t, tx.Tokens().Save(ctx, found, revoked))
		leave()
		return context.Canceled
	})
	is(t, err, context.Canceled)
	if got := cache.times(r.Secret); got != 2 {
		t.Errorf("got %d invalidations, want 2", got)
	}
	is(t, s.verifyRedeemed(r), nil) // nothing was revoked, and the store says so
	if slices.Contains(cache.forgotten, secret.Digest{}) {
		t.Errorf("got the invalidations %v, want none of an empty digest", cache.forgotten)
	}
}
