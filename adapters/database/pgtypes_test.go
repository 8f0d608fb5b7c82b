package database

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Each time is read as pgx reads it, also those before the year 2000.
func TestTimesAreReadAsPgxReadsThem(t *testing.T) {
	types := pgtype.NewMap()
	field := pgconn.FieldDescription{DataTypeOID: pgtype.TimestamptzOID, Format: pgx.BinaryFormatCode}
	for _, wanted := range []time.Time{
		time.Date(2026, 11, 29, 6, 12, 0, 123_456_000, time.UTC),
		time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 1_000, time.UTC),
		time.Date(294275, 12, 31, 0, 0, 0, 0, time.UTC),
	} {
		raw, err := types.Encode(field.DataTypeOID, field.Format, wanted, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got timestamp
		if err := readColumn(types, &field, raw, &got); err != nil || got.time() != wanted {
			t.Errorf("got %v, %v, want %v", got.time(), err, wanted)
		}
	}
	for _, endless := range []int64{math.MaxInt64, math.MinInt64} {
		var got timestamp
		err := readColumn(types, &field, binary.BigEndian.AppendUint64(nil, uint64(endless)), &got)
		if !errors.Is(err, errInfinite) {
			t.Errorf("got %v, %v, want %v", got.time(), err, errInfinite)
		}
	}
}

// NULL is the zero value of each column type, whatever was there before.
func TestNullIsReadAsZero(t *testing.T) {
	types := pgtype.NewMap()
	at, is, words, sum := timestamp(time.Unix(1, 0)), id{1}, text("a"), digest{1}
	for _, c := range []struct {
		oid    uint32
		format int16
		into   any
	}{
		{pgtype.TimestamptzOID, pgx.BinaryFormatCode, &at},
		{pgtype.UUIDOID, pgx.BinaryFormatCode, &is},
		{pgtype.TextOID, pgx.TextFormatCode, &words},
		{pgtype.VarcharOID, pgx.TextFormatCode, &sum},
	} {
		if err := readColumn(types, &pgconn.FieldDescription{DataTypeOID: c.oid, Format: c.format}, nil, c.into); err != nil {
			t.Errorf("%T: got %v, want no error", c.into, err)
		}
	}
	if !at.time().IsZero() || is != (id{}) || words != "" || sum != (digest{}) {
		t.Errorf("got %v, %v, %q and %v, want zero values", at.time(), is, words, sum)
	}
}
