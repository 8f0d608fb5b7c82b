// Package stored serves configuration that is kept in the store. Each process has
// it in memory, and reads it anew when the store tells of a change.
package stored

import (
	"context"
	"log/slog"

	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// Keys is a [ports.KeyStore].
type Keys struct {
	*lastgood.Followed[spkeys.Set]
	changes ports.Changes
}

// NewKeys reads nothing yet; see [Keys.Open] and [Keys.Run].
func NewKeys(store ports.Store, changes ports.Changes, log *slog.Logger) *Keys {
	read := func(ctx context.Context) (set spkeys.Set, version string, err error) {
		var ring *spkeys.Ring
		err = store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
			ring, _, err = r.SPKeys().Ring(ctx)
			return err
		})
		if err != nil {
			return set, "", err
		}
		s := ring.Snapshot()
		return ring.Set(), s.Active.Fingerprint() + " " + s.Next.Fingerprint() + " " + s.Previous.Fingerprint(), nil
	}
	return &Keys{changes: changes, Followed: lastgood.Follow("SAML keys", log, read, func(ctx context.Context, now spkeys.Set) {
		log.InfoContext(ctx, "SAML keys taken up", "active_certificate", now.Active().Fingerprint(), "published", len(now.Published()), "decrypting", len(now.Decrypting()))
	})}
}

// Keys implements [ports.KeyStore].
func (k *Keys) Keys(context.Context) (spkeys.Set, error) {
	set := k.Get()
	if set.IsZero() {
		return set, spkeys.ErrNone
	}
	return set, nil
}

// Run reads again after each change, until ctx ends.
func (k *Keys) Run(ctx context.Context) { k.Followed.Run(ctx, k.changes.Watch(ctx, ports.TopicKeys)) }
