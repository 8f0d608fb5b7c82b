package database

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/devicegate/devicegate/domain/secret"
)

// The methods below are pgx's own way for the column types: without them each
// value is also boxed and written out as text. The zero value is NULL here, too.

// UUIDValue implements [pgtype.UUIDValuer].
func (i id) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: i, Valid: i != id{}}, nil }

// ScanUUID implements [pgtype.UUIDScanner].
func (i *id) ScanUUID(v pgtype.UUID) error {
	*i = id{}
	if v.Valid {
		*i = v.Bytes
	}
	return nil
}

// TimestamptzValue implements [pgtype.TimestamptzValuer].
func (s timestamp) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: s.time(), Valid: !s.time().IsZero()}, nil
}

// ScanTimestamptz implements [pgtype.TimestamptzScanner].
func (s *timestamp) ScanTimestamptz(v pgtype.Timestamptz) error {
	if v.InfinityModifier != pgtype.Finite {
		return errors.New("column is not a time but infinite")
	}
	*s = timestamp{}
	if v.Valid {
		*s = timestamp(v.Time.UTC())
	}
	return nil
}

// TextValue implements [pgtype.TextValuer].
func (t text) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: t.storable(), Valid: t != ""}, nil
}

// ScanText implements [pgtype.TextScanner].
func (t *text) ScanText(v pgtype.Text) error {
	*t = text(v.String)
	return nil
}

// storable replaces what PostgreSQL cannot store.
func (t text) storable() string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(t), "\uFFFD"), "\x00", "\uFFFD")
}

// TextValue implements [pgtype.TextValuer].
func (d digest) TextValue() (pgtype.Text, error) {
	if secret.Digest(d).IsZero() {
		return pgtype.Text{}, nil
	}
	return pgtype.Text{String: secret.Digest(d).Hex(), Valid: true}, nil
}

// ScanText implements [pgtype.TextScanner].
func (d *digest) ScanText(v pgtype.Text) error { return d.Scan(v.String) }

// TextValue implements [pgtype.TextValuer].
func (a addr) TextValue() (pgtype.Text, error) {
	written, err := a.Value()
	if err != nil || written == nil {
		return pgtype.Text{}, err
	}
	return pgtype.Text{String: written.(string), Valid: true}, nil
}

// ScanText implements [pgtype.TextScanner].
func (a *addr) ScanText(v pgtype.Text) error { return a.Scan(v.String) }
