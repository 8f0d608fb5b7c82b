package database

import (
	"database/sql/driver"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

// The column types below are written as text that both engines understand and
// read back from whatever a driver hands over. The zero value is NULL.

// nullable is a column type whose zero value is NULL.
type nullable interface{ isNull() bool }

func (s timestamp) isNull() bool { return s.time().IsZero() }
func (i id) isNull() bool        { return i == id{} }
func (d digest) isNull() bool    { return d == digest{} }
func (a addr) isNull() bool      { return !netip.Addr(a).IsValid() }
func (t text) isNull() bool      { return t == "" }
func (s seconds) isNull() bool   { return s == 0 }

// timestampLayout has a fixed width: SQLite compares times as text, PostgreSQL
// reads them whatever its time zone is.
const timestampLayout = "2006-01-02 15:04:05.000000+00:00"

type timestamp time.Time

func (s timestamp) time() time.Time { return time.Time(s) }

func (s timestamp) Value() (driver.Value, error) {
	if s.isNull() {
		return nil, nil
	}
	return s.time().UTC().Format(timestampLayout), nil
}

func (s *timestamp) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = timestamp{}
	case time.Time:
		*s = timestamp(v.UTC())
	case string:
		t, err := time.Parse(timestampLayout, v)
		if err != nil {
			return fmt.Errorf("column is not a time: %w", err)
		}
		*s = timestamp(t.UTC())
	default:
		return fmt.Errorf("column is not a time but %T", src)
	}
	return nil
}

type id uid.ID

func (i id) Value() (driver.Value, error) {
	if i.isNull() {
		return nil, nil
	}
	return uid.ID(i).String(), nil
}

func (i *id) Scan(src any) error {
	s, err := scanText(src)
	if err != nil || s == "" {
		*i = id{}
		return err
	}
	parsed, err := uid.Parse(s)
	*i = id(parsed)
	return err
}

type digest secret.Digest

func (d digest) Value() (driver.Value, error) {
	if d.isNull() {
		return nil, nil
	}
	return secret.Digest(d).Hex(), nil
}

func (d *digest) Scan(src any) error {
	s, err := scanText(src)
	if err != nil {
		return err
	}
	return d.scan(s)
}

func (d *digest) scan(s string) error {
	if s == "" {
		*d = digest{}
		return nil
	}
	parsed, err := secret.ParseDigest(s)
	*d = digest(parsed)
	return err
}

type addr netip.Addr

func (a addr) Value() (driver.Value, error) {
	if a.isNull() {
		return nil, nil
	}
	return netip.Addr(a).String(), nil
}

func (a *addr) Scan(src any) error {
	s, err := scanText(src)
	if err != nil {
		return err
	}
	return a.scan(s)
}

func (a *addr) scan(s string) error {
	if s == "" {
		*a = addr{}
		return nil
	}
	parsed, err := netip.ParseAddr(s)
	*a = addr(parsed)
	return err
}

// text replaces what PostgreSQL cannot store: NUL, and what is not UTF-8. No
// identifier contains either.
type text string

func (t text) Value() (driver.Value, error) {
	if t.isNull() {
		return nil, nil
	}
	return t.storable(), nil
}

func (t *text) Scan(src any) error {
	s, err := scanText(src)
	*t = text(s)
	return err
}

func scanText(src any) (string, error) {
	switch v := src.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	}
	return "", fmt.Errorf("column is not text but %T", src)
}

// seconds is a whole number of them.
type seconds time.Duration

func (s seconds) Value() (driver.Value, error) {
	if s.isNull() {
		return nil, nil
	}
	return int64(time.Duration(s) / time.Second), nil
}

func (s *seconds) Scan(src any) error {
	var n count
	err := n.Scan(src)
	*s = seconds(time.Duration(n) * time.Second)
	return err
}

// count is a number. NULL is zero, but zero is not NULL.
type count int64

func (c count) Value() (driver.Value, error) { return int64(c), nil }

func (c *count) Scan(src any) error {
	if n, ok := src.(int64); ok {
		*c = count(n)
		return nil
	}
	s, err := scanText(src)
	if err != nil || s == "" {
		*c = 0
		return err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	*c = count(n)
	return err
}

type subjectColumns struct {
	Email  text
	Issuer text
	NameID text `bun:"name_id"`
}

func columnsOf(s identity.Subject) subjectColumns {
	return subjectColumns{text(s.Email().String()), text(s.Issuer()), text(s.NameID())}
}

func (c subjectColumns) subject() (identity.Subject, error) {
	if c.Email == "" {
		return identity.Subject{}, nil
	}
	email, err := identity.ParseEmail(string(c.Email))
	if err != nil {
		return identity.Subject{}, err
	}
	return identity.NewSubject(email, string(c.Issuer), string(c.NameID))
}
