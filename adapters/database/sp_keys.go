package database

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// Sealer encrypts what this database must not be able to read.
type Sealer interface {
	Seal(purpose string, value []byte) (string, error)
	// Open says, with stale, that value should be sealed anew.
	Open(purpose, sealed string) (value []byte, stale bool, err error)
}

// WithSealer lets the store keep private keys.
func (s *Store) WithSealer(sealer Sealer) *Store {
	s.sealer = sealer
	return s
}

// noSealer is the sealer of a store that has none.
type noSealer struct{}

var errNoSealer = errors.New("database: this store has no key that seals")

func (noSealer) Seal(string, []byte) (string, error)       { return "", errNoSealer }
func (noSealer) Open(string, string) ([]byte, bool, error) { return nil, false, errNoSealer }

const (
	spKeysName   = "saml"
	spKeyPurpose = "SP key"
)

// spKeysRow is the only row of its table, so that all pairs are locked by it.
type spKeysRow struct {
	bun.BaseModel `bun:"table:sp_keys"`

	Name     text        `bun:",pk"`
	Active   pairColumns `bun:"embed:active_"`
	Next     pairColumns `bun:"embed:next_"`
	Previous pairColumns `bun:"embed:previous_"`
}

type pairColumns struct {
	Certificate text // DER, in base64
	SealedKey   text // PKCS #8
	Since       timestamp
}

func spKeysRowOf(r *spkeys.Ring, sealer Sealer) (*spKeysRow, error) {
	s := r.Snapshot()
	row := &spKeysRow{Name: spKeysName}
	for _, held := range []struct {
		from spkeys.RingPair
		to   *pairColumns
	}{{s.Active, &row.Active}, {s.Next, &row.Next}, {s.Previous, &row.Previous}} {
		if held.from.IsZero() {
			continue
		}
		key, err := x509.MarshalPKCS8PrivateKey(held.from.Key())
		if err != nil {
			return nil, fmt.Errorf("write SP key: %w", err)
		}
		sealed, err := sealer.Seal(spKeyPurpose, key)
		if err != nil {
			return nil, err
		}
		*held.to = pairColumns{text(base64.StdEncoding.EncodeToString(held.from.Certificate().Raw)), text(sealed), timestamp(held.from.Since)}
	}
	return row, nil
}

func (r *spKeysRow) restore(sealer Sealer) (ring *spkeys.Ring, stale bool, err error) {
	var s spkeys.RingSnapshot
	for _, held := range []struct {
		from pairColumns
		to   *spkeys.RingPair
	}{{r.Active, &s.Active}, {r.Next, &s.Next}, {r.Previous, &s.Previous}} {
		if held.from.Certificate == "" {
			continue
		}
		pair, old, err := held.from.open(sealer)
		if err != nil {
			return nil, false, fmt.Errorf("stored SP key: %w", err)
		}
		*held.to, stale = spkeys.RingPair{Pair: pair, Since: held.from.Since.time()}, stale || old
	}
	ring, err = spkeys.RestoreRing(s)
	return ring, stale, err
}

func (c pairColumns) open(sealer Sealer) (pair spkeys.Pair, stale bool, err error) {
	der, err := base64.StdEncoding.DecodeString(string(c.Certificate))
	if err != nil {
		return pair, false, errors.New("the certificate is not in base64")
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return pair, false, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	text, stale, err := sealer.Open(spKeyPurpose, string(c.SealedKey))
	if err != nil {
		return pair, false, err
	}
	key, err := x509.ParsePKCS8PrivateKey(text)
	if err != nil {
		return pair, false, errors.New("the key cannot be read")
	}
	rsaKey, _ := key.(*rsa.PrivateKey)
	pair, err = spkeys.NewPair(rsaKey, certificate)
	return pair, stale, err
}

type spKeyReader struct{ reader }

func (r spKeyReader) Ring(ctx context.Context) (*spkeys.Ring, bool, error) {
	row := new(spKeysRow)
	if err := found(ctx, r.find(ctx, row, "name = ?", text(spKeysName)), spkeys.ErrNone); err != nil {
		return nil, false, err
	}
	return row.restore(r.sealer)
}

type spKeys struct {
	spKeyReader
	tx *transaction
}

func (w spKeys) Add(ctx context.Context, r *spkeys.Ring, event audit.Event) error {
	row, err := spKeysRowOf(r, w.sealer)
	if err != nil {
		return err
	}
	if err := w.tx.addUnless(ctx, event, row, insertingUnless("(name)"), spkeys.ErrExist); err != nil {
		return err
	}
	return w.tx.announce(ctx, ports.TopicKeys)
}

func (w spKeys) Save(ctx context.Context, r *spkeys.Ring, event audit.Event) error {
	row, err := spKeysRowOf(r, w.sealer)
	if err != nil {
		return err
	}
	if err := w.tx.save(ctx, event, row, spkeys.ErrNone); err != nil {
		return err
	}
	return w.tx.announce(ctx, ports.TopicKeys)
}
