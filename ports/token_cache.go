package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
)

// TokenCache keeps tokens that the [Store] was lately asked for, so that a token
// in use costs no read. It decides nothing and may lose everything at any time.
//
// A token ends in the Store alone. What keeps it from being found here
// afterwards:
//
//   - A transaction that takes a digest out of the Store (a token ends, or gets
//     another secret) is surrounded by two calls of Invalidate: one before it
//     commits and one after it. A process that dies before the commit has ended
//     nothing: the token is read from the Store for a while. One that dies after
//     the commit has invalidated before it. The call after the commit is needed
//     because the first one ends by itself, and a transaction may take longer.
//   - Invalidate leaves a tombstone. A read that began before it and ends after
//     it straddles the end of the token: its Fill is refused.
//   - What is kept ends a fixed time after the read that it comes from began.
//     This bound holds whatever is lost: a call of Invalidate that did not reach
//     the other replicas, or a row that another program changed.
type TokenCache interface {
	// Find returns a copy of the token that is kept for a digest, or nil. The
	// mark stands for this moment: a read of the Store that follows may be kept.
	Find(digest secret.Digest) (*token.AccessToken, CacheMark)

	// Fill keeps a copy of a live token that was read after Find returned mark.
	// It keeps nothing if the digest was invalidated since, or lately, or if
	// everything was.
	Fill(mark CacheMark, t *token.AccessToken)

	// Invalidate forgets tokens on every replica, and has them read from the
	// Store for a while. Many digests may be taken for all of them. An error
	// means that other replicas may find the tokens until what they keep ends.
	Invalidate(ctx context.Context, digests ...secret.Digest) error

	// InvalidateAll forgets every token on every replica. The error is that of
	// Invalidate.
	InvalidateAll(ctx context.Context) error
}

// CacheMark is the moment at which a [TokenCache] was asked. With the zero mark
// nothing is kept.
type CacheMark struct {
	At       time.Time
	Sequence uint64 // counts invalidations
}

// IsZero reports whether nothing may be kept.
func (m CacheMark) IsZero() bool { return m == CacheMark{} }
