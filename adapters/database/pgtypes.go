package database

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/devicegate/devicegate/domain/secret"
)

// The methods below are pgx's own way for the column types: without them each
// value is also boxed and written out as text. The zero value is NULL here, too.

// UUIDValue implements [pgtype.UUIDValuer].
func (i id) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: i, Valid: !i.isNull()}, nil }

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
	return pgtype.Timestamptz{Time: s.time(), Valid: !s.isNull()}, nil
}

var errInfinite = errors.New("column is not a time but infinite")

// ScanTimestamptz implements [pgtype.TimestamptzScanner].
func (s *timestamp) ScanTimestamptz(v pgtype.Timestamptz) error {
	if v.InfinityModifier != pgtype.Finite {
		return errInfinite
	}
	*s = timestamp{}
	if v.Valid {
		*s = timestamp(v.Time.UTC())
	}
	return nil
}

// TextValue implements [pgtype.TextValuer].
func (t text) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: t.storable(), Valid: !t.isNull()}, nil
}

// ScanBytes implements [pgtype.BytesScanner].
func (t *text) ScanBytes(raw []byte) error {
	*t = text(raw)
	return nil
}

// storable replaces what PostgreSQL cannot store.
func (t text) storable() string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(t), "\uFFFD"), "\x00", "\uFFFD")
}

// TextValue implements [pgtype.TextValuer].
func (d digest) TextValue() (pgtype.Text, error) {
	if d.isNull() {
		return pgtype.Text{}, nil
	}
	return pgtype.Text{String: secret.Digest(d).Hex(), Valid: true}, nil
}

// ScanBytes implements [pgtype.BytesScanner].
func (d *digest) ScanBytes(raw []byte) error { return d.scan(string(raw)) }

// TextValue implements [pgtype.TextValuer].
func (a addr) TextValue() (pgtype.Text, error) {
	written, err := a.Value()
	if err != nil || written == nil {
		return pgtype.Text{}, err
	}
	return pgtype.Text{String: written.(string), Valid: true}, nil
}

// ScanBytes implements [pgtype.BytesScanner].
func (a *addr) ScanBytes(raw []byte) error { return a.scan(string(raw)) }

// pgRow is where the columns of a row go. pgx looks for a way to read each column
// of each row, which takes longer than to read it.
type pgRow []any

// ScanRow implements [pgx.RowScanner].
func (r pgRow) ScanRow(rows pgx.Rows) error {
	fields, raw := rows.FieldDescriptions(), rows.RawValues()
	if len(raw) != len(r) {
		return fmt.Errorf("a row has %d columns, want %d", len(raw), len(r))
	}
	for i, into := range r {
		if err := readColumn(rows.Conn().TypeMap(), &fields[i], raw[i], into); err != nil {
			return fmt.Errorf("column %s: %w", fields[i].Name, err)
		}
	}
	return nil
}

// readColumn reads the usual columns itself, and leaves others to pgx: also those
// that come as text because nothing is prepared.
func readColumn(types *pgtype.Map, field *pgconn.FieldDescription, raw []byte, into any) error {
	isBinary := field.Format == pgx.BinaryFormatCode
	switch into := into.(type) {
	case pgtype.BytesScanner: // text looks the same in both formats
		if field.DataTypeOID == pgtype.TextOID || field.DataTypeOID == pgtype.VarcharOID {
			return into.ScanBytes(raw)
		}
	case *id:
		switch {
		case raw == nil:
			*into = id{}
			return nil
		case isBinary && len(raw) == len(id{}):
			*into = id(raw)
			return nil
		}
	case *timestamp:
		switch {
		case raw == nil:
			*into = timestamp{}
			return nil
		case isBinary && len(raw) == 8:
			return into.scanMicroseconds(int64(binary.BigEndian.Uint64(raw)))
		}
	case *bool:
		if isBinary && len(raw) == 1 {
			*into = raw[0] != 0
			return nil
		}
	}
	return types.Scan(field.DataTypeOID, field.Format, raw, into)
}

// scanMicroseconds reads PostgreSQL's binary form, which counts from the year 2000.
func (s *timestamp) scanMicroseconds(n int64) error {
	if n == math.MaxInt64 || n == math.MinInt64 {
		return errInfinite
	}
	const year2000 = 946_684_800
	*s = timestamp(time.Unix(year2000+n/1e6, n%1e6*1e3).UTC())
	return nil
}
