// Package secret holds text that must not be read by accident.
//
// A [Text] prints as "[what it is]" however it is formatted, logged or
// marshalled; only [Text.Reveal] yields it. Stores keep its [Digest] alone.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
)

// Text is a secret string. The zero Text is empty. Two are compared by
// [Text.Equal]; the compiler refuses ==.
type Text struct {
	_    [0]func()
	what string
	// value lies behind a pointer: package fmt calls no method on the value of an
	// unexported field, prints its fields, and follows no pointer to a string.
	value *string
}

// New wraps value; what is printed in its place.
func New(what, value string) Text { return Text{what: what, value: &value} }

// Random makes a secret of n random bytes, base64url without padding.
func Random(what string, n int) Text {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it crashes the program instead
	return New(what, base64.RawURLEncoding.EncodeToString(b))
}

// Reveal yields the secret. Each call is a place to look at in a review.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsZero reports whether there is no secret.
func (t Text) IsZero() bool { return t.Reveal() == "" }

// Equal compares in constant time.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

// Digest is what a store keeps of the secret.
func (t Text) Digest() Digest {
	var room [64]byte // on the stack: no secret of ours is longer
	return sha256.Sum256(append(room[:0], t.Reveal()...))
}

func (t Text) String() string {
	if t.what == "" {
		return "[secret]"
	}
	return "[" + t.what + "]"
}

// Format keeps every verb of package fmt from printing the value.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// MarshalText keeps encoders from writing the value.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue keeps log/slog from writing the value.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Digest is the SHA-256 of a secret: enough to recognise it, useless to get in.
// All secrets here carry at least 190 random bits, so no salt is needed.
type Digest [sha256.Size]byte

// Hex is the digest as stores write it.
func (d Digest) Hex() string {
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], d[:])
	return string(text[:])
}

// Equal compares in constant time.
func (d Digest) Equal(other Digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// IsZero reports whether there is no digest.
func (d Digest) IsZero() bool { return d == Digest{} }

var errNotDigest = errors.New("secret: not a SHA-256 digest in hex")

// ParseDigest reads what [Digest.Hex] wrote.
func ParseDigest(text string) (Digest, error) {
	var d Digest
	if len(text) != hex.EncodedLen(len(d)) {
		return Digest{}, errNotDigest
	}
	if _, err := hex.Decode(d[:], []byte(text)); err != nil {
		return Digest{}, errNotDigest
	}
	return d, nil
}
