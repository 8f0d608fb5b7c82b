package spkeys

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
)

// ErrNone is returned where a [Set] has no active pair.
var ErrNone = errors.New("the service provider has no active key pair")

// Set is the service provider's pairs at one moment. The zero Set has none.
type Set struct{ active, next, previous Pair }

// NewSet needs an active pair; next and previous may be zero.
func NewSet(active, next, previous Pair) (Set, error) {
	if active.IsZero() {
		return Set{}, ErrNone
	}
	return Set{active, next, previous}, nil
}

// Active signs.
func (s Set) Active() Pair { return s.active }

// IsZero reports whether s has no pairs.
func (s Set) IsZero() bool { return s.active.IsZero() }

// Published are the pairs that metadata lists, the active one first.
func (s Set) Published() []Pair { return present(s.active, s.next) }

// Upcoming is the pair that will be the active one: the next one or, while there is
// none, the active one.
func (s Set) Upcoming() Pair {
	if s.next.IsZero() {
		return s.active
	}
	return s.next
}

// Decrypting are the keys that decrypt, the likeliest first.
func (s Set) Decrypting() []*rsa.PrivateKey {
	var keys []*rsa.PrivateKey
	for _, pair := range present(s.active, s.next, s.previous) {
		keys = append(keys, pair.key)
	}
	return keys
}

func present(pairs ...Pair) (out []Pair) {
	for _, pair := range pairs {
		if !pair.IsZero() {
			out = append(out, pair)
		}
	}
	return out
}

// Format prints nothing of the keys, whatever the verb.
func (Set) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, "[SP key pairs]") }
