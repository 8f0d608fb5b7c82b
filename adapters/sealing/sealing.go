// Package sealing encrypts what the database keeps and must not be able to read:
// private keys, and what came with a sign-in that failed.
//
// Each value has a data key of its own (AES-256-GCM), which is encrypted with a key
// that is derived from SECRET_KEY: envelope encryption, as Tink does it. A sealed
// value names the key that sealed it, so that SECRET_KEY can be changed: the one
// before, in SECRET_KEY_PREVIOUS, still opens.
package sealing

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// ErrUnknownKey says that a value was sealed with a secret that is not known.
var ErrUnknownKey = errors.New("it was sealed with another secret than SECRET_KEY and SECRET_KEY_PREVIOUS")

var errBroken = errors.New("it is not what was sealed")

// form begins each sealed value; the key's name and the ciphertext follow.
const form = "v1"

// Sealer seals with one secret and opens with several.
type Sealer struct {
	active string
	keys   map[string]*aead.KMSEnvelopeAEAD // by name
}

// New takes the secret that seals, and those that still open.
func New(active string, previous ...string) (*Sealer, error) {
	s := &Sealer{active: nameOf(active), keys: map[string]*aead.KMSEnvelopeAEAD{}}
	for _, secret := range append([]string{active}, previous...) {
		key, err := subtle.NewAESGCM(derive(secret, "devicegate sealing", 32))
		if err != nil {
			return nil, fmt.Errorf("sealing: %w", err)
		}
		s.keys[nameOf(secret)] = aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), key)
	}
	return s, nil
}

// nameOf names a secret's key without telling anything about either.
func nameOf(secret string) string {
	return hex.EncodeToString(derive(secret, "devicegate sealing key name", 6))
}

func derive(secret, purpose string, bytes int) []byte {
	out, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, bytes)
	if err != nil {
		panic(err) // only for more output than SHA-256 can give
	}
	return out
}

// Seal encrypts value. It can be opened for the same purpose only.
func (s *Sealer) Seal(purpose string, value []byte) (string, error) {
	sealed, err := s.keys[s.active].Encrypt(value, []byte(purpose))
	if err != nil {
		return "", fmt.Errorf("seal %s: %w", purpose, err)
	}
	return form + "." + s.active + "." + base64.RawStdEncoding.EncodeToString(sealed), nil
}

// Open returns what was sealed. stale says that a secret before the active one
// sealed it. It returns [ErrUnknownKey]; its errors repeat nothing of the value.
func (s *Sealer) Open(purpose, sealed string) (value []byte, stale bool, err error) {
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 || parts[0] != form {
		return nil, false, fmt.Errorf("open %s: %w", purpose, errBroken)
	}
	key, known := s.keys[parts[1]]
	if !known {
		return nil, false, fmt.Errorf("open %s: %w", purpose, ErrUnknownKey)
	}
	text, err := base64.RawStdEncoding.DecodeString(parts[2])
	if err == nil {
		value, err = key.Decrypt(text, []byte(purpose))
	}
	if err != nil {
		return nil, false, fmt.Errorf("open %s: %w", purpose, errBroken)
	}
	return value, parts[1] != s.active, nil
}
