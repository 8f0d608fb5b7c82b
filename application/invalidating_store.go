package application

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// InvalidatingStore is a [ports.Store] whose transactions invalidate the tokens
// that they end, in the order that [ports.TokenCache] asks for. It stands before
// the store of every process that ends tokens, so that no use case can forget it.
type InvalidatingStore struct {
	store ports.Store
	cache ports.TokenCache
}

// NewInvalidatingStore makes one.
func NewInvalidatingStore(store ports.Store, cache ports.TokenCache) *InvalidatingStore {
	return &InvalidatingStore{store, cache}
}

// View implements [ports.Store].
func (s *InvalidatingStore) View(ctx context.Context, fn func(ctx context.Context, r ports.Reader) error) error {
	return s.store.View(ctx, fn)
}

// AddAuthorization implements [ports.Store].
func (s *InvalidatingStore) AddAuthorization(ctx context.Context, a *device.Authorization, event audit.Event) error {
	return s.store.AddAuthorization(ctx, a, event)
}

// Ready implements [ports.Store].
func (s *InvalidatingStore) Ready(ctx context.Context) error { return s.store.Ready(ctx) }

// Update implements [ports.Store]. The first call of Invalidate is the one
// exception from talking to no other port within a transaction: the digests are
// known no sooner. It takes one round trip, and none while Redis is down.
func (s *InvalidatingStore) Update(ctx context.Context, fn func(ctx context.Context, tx ports.Tx) error) error {
	var superseded []secret.Digest
	err := s.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		watched := &watchedTx{Tx: tx}
		err := fn(ctx, watched)
		superseded = watched.superseded
		s.invalidate(ctx, superseded)
		return err
	})
	// Also after an error: the commit may have arrived.
	s.invalidate(context.WithoutCancel(ctx), superseded)
	return err
}

// invalidate drops the error: what is kept elsewhere ends by itself.
func (s *InvalidatingStore) invalidate(ctx context.Context, superseded []secret.Digest) {
	if len(superseded) > 0 {
		_ = s.cache.Invalidate(ctx, superseded...)
	}
}

// watchedTx notes the digests that its writes take out of the store.
type watchedTx struct {
	ports.Tx
	superseded []secret.Digest
}

// Tokens implements [ports.Tx].
func (w *watchedTx) Tokens() ports.Tokens { return watchedTokens{w.Tx.Tokens(), w} }

// watchedTokens embeds nothing: a method that is added to [ports.Tokens] does not
// compile until it is decided here whether it ends tokens.
type watchedTokens struct {
	tokens ports.Tokens
	tx     *watchedTx
}

// ByID implements [ports.Tokens].
func (w watchedTokens) ByID(ctx context.Context, id uid.ID) (*token.AccessToken, error) {
	return w.tokens.ByID(ctx, id)
}

// ByDigest implements [ports.Tokens].
func (w watchedTokens) ByDigest(ctx context.Context, digest secret.Digest) (*token.AccessToken, error) {
	return w.tokens.ByDigest(ctx, digest)
}

// LiveOf implements [ports.Tokens].
func (w watchedTokens) LiveOf(ctx context.Context, device token.Device) (*token.AccessToken, error) {
	return w.tokens.LiveOf(ctx, device)
}

// Sessions implements [ports.Tokens].
func (w watchedTokens) Sessions(ctx context.Context, email identity.Email, issuer string, at time.Time, offset, limit int) ([]*token.AccessToken, int, error) {
	return w.tokens.Sessions(ctx, email, issuer, at, offset, limit)
}

// Matching implements [ports.Tokens].
func (w watchedTokens) Matching(ctx context.Context, wanted token.Filter, ended bool, at time.Time, offset, limit int) ([]*token.AccessToken, int, error) {
	return w.tokens.Matching(ctx, wanted, ended, at, offset, limit)
}

// RevokeMatching implements [ports.Tokens].
func (w watchedTokens) RevokeMatching(ctx context.Context, wanted token.Filter, at time.Time, event func(revoked int) audit.Event) ([]secret.Digest, error) {
	digests, err := w.tokens.RevokeMatching(ctx, wanted, at, event)
	w.tx.superseded = append(w.tx.superseded, digests...)
	return digests, err
}

// Overdue implements [ports.Tokens].
func (w watchedTokens) Overdue(ctx context.Context, at time.Time, limit int) ([]uid.ID, error) {
	return w.tokens.Overdue(ctx, at, limit)
}

// Ended implements [ports.Tokens].
func (w watchedTokens) Ended(ctx context.Context, before time.Time, limit int) ([]uid.ID, error) {
	return w.tokens.Ended(ctx, before, limit)
}

// Add implements [ports.Tokens].
func (w watchedTokens) Add(ctx context.Context, t *token.AccessToken, event audit.Event) error {
	return w.tokens.Add(ctx, t, event)
}

// Save implements [ports.Tokens].
func (w watchedTokens) Save(ctx context.Context, t *token.AccessToken, event audit.Event) error {
	if digest, superseded := t.Superseded(); superseded {
		w.tx.superseded = append(w.tx.superseded, digest)
	}
	return w.tokens.Save(ctx, t, event)
}

// Lock implements [ports.Tokens].
func (w watchedTokens) Lock(ctx context.Context, ids []uid.ID) ([]*token.AccessToken, error) {
	return w.tokens.Lock(ctx, ids)
}

// SaveUse implements [ports.Tokens].
func (w watchedTokens) SaveUse(ctx context.Context, t *token.AccessToken) error {
	return w.tokens.SaveUse(ctx, t)
}

// Delete implements [ports.Tokens]. Only tokens that have ended are deleted.
func (w watchedTokens) Delete(ctx context.Context, ids []uid.ID) (int, error) {
	return w.tokens.Delete(ctx, ids)
}
