package application

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/setting"
	"github.com/devicegate/devicegate/ports"
)

// ErrInvalidConnection says that a connection cannot be as it is asked for. The
// error that wraps it lists why.
var ErrInvalidConnection = fault.New(fault.Unprocessable, "invalid_connection",
	"The connection cannot be like that. Change what is wrong and try again.")

// ErrNoAddress says that there is nothing to fetch.
var ErrNoAddress = fault.New(fault.Conflict, "metadata_is_a_document",
	"The metadata of this connection is a document, which is not fetched. Replace it with the new one.")

// InvalidConnectionError lists everything that is wrong with a connection.
type InvalidConnectionError struct {
	Slug     string
	Problems []string
}

func (e *InvalidConnectionError) Error() string {
	return fmt.Sprintf("connection %s: %s", e.Slug, strings.Join(e.Problems, "; "))
}

// Is reports whether target is [ErrInvalidConnection].
func (e *InvalidConnectionError) Is(target error) bool { return target == error(ErrInvalidConnection) }

// Unwrap is [ErrInvalidConnection] with the reasons in its message.
func (e *InvalidConnectionError) Unwrap() error {
	f := *ErrInvalidConnection
	f.Message = "The connection cannot be like that. " + strings.Join(e.Problems, ". ") + "."
	return &f
}

// ConnectionRules check what a connection needs of this installation, such as the
// legacy routes or an enterprise API. The error joins everything that is wrong.
type ConnectionRules func(connection.Connection) error

// ConnectionReport is what was found out about a connection.
type ConnectionReport struct {
	Connection connection.Connection
	Metadata   connection.Metadata // zero: it could not be read, or there is none
	Problems   []string            // why it cannot be used or kept
	Warnings   []string            // what works, and will not for long, or should not

	kept bool // Metadata is the copy that is kept, without its document
}

// storable adds what the database could not give back in an export.
func (r *ConnectionReport) storable() {
	if !utf8.Valid(r.Connection.Settings().SAML.Metadata) {
		r.Problems = append(r.Problems, "metadata: the document is not in UTF-8; convert it with iconv and mend the encoding in its first line")
	}
}

// err is nil if the connection can be kept.
func (r ConnectionReport) err() error {
	if len(r.Problems) == 0 {
		return nil
	}
	return &InvalidConnectionError{r.Connection.Slug(), r.Problems}
}

// ConnectionChecks find out everything about a connection that can be told
// without a sign-in.
type ConnectionChecks struct {
	store       ports.Store
	connections ports.Connections
	reader      ports.MetadataReader
	rules       ConnectionRules
	now         ports.Clock
}

// NewConnectionChecks makes the checks.
func NewConnectionChecks(store ports.Store, connections ports.Connections, reader ports.MetadataReader, rules ConnectionRules, now ports.Clock) *ConnectionChecks {
	return &ConnectionChecks{store, connections, reader, rules, now}
}

// others are the connections of this installation, wherever they come from: those
// that this process serves, and those that the store has by now.
func (c *ConnectionChecks) others(ctx context.Context, stored []*connection.Stored) ([]connection.Connection, error) {
	now, err := c.connections.Connections(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(now.All(), func(via connection.Connection) bool { return via.Owner() == connection.Database })
	for _, s := range stored {
		all = append(all, s.Connection())
	}
	return all, nil
}

// entities are the identity providers of connections: of settings, of documents
// that a file names, and of the copies that are kept.
func (c *ConnectionChecks) entities(ctx context.Context, of []connection.Connection, kept []connection.CopySnapshot) connection.Entities {
	out := connection.Entities{}
	for _, k := range kept {
		out[k.Connection] = k.Good.EntityID
	}
	for _, via := range of {
		switch s := via.Settings(); {
		case s.EntityID != "":
			out[via.Slug()] = s.EntityID
		case len(s.SAML.Metadata) > 0 && out[via.Slug()] == "":
			if m, err := c.reader.Read(ctx, via); err == nil {
				out[via.Slug()] = m.EntityID
			}
		}
	}
	return out
}

// asBefore is a connection before it is changed: its settings, and the copy of its
// metadata. The zero value is that of a new one.
type asBefore struct {
	settings connection.Settings
	kept     connection.CopySnapshot
}

// serves reports whether the copy serves via, too: a change that does not concern
// the metadata needs no answer of its server.
func (b asBefore) serves(via connection.Connection) bool {
	m, before := via.Settings().SAML, b.settings.SAML
	return via.MetadataSource() != "" && via.MetadataSource() == b.kept.Source && !b.kept.SeenAt.IsZero() &&
		bytes.Equal(m.MetadataCA, before.MetadataCA) && m.MetadataPrivate == before.MetadataPrivate
}

const anyDomain = `domains: "*" lets this identity provider vouch for every e-mail address`

// inspect reads the metadata and lists what is wrong with the settings and with
// it. It does not look at other connections.
func (c *ConnectionChecks) inspect(ctx context.Context, s connection.Settings, before asBefore) ConnectionReport {
	via, err := connection.New(s)
	r := ConnectionReport{Connection: via}
	r.problem(err)
	r.problem(c.rules(via))
	if via.MayAssertAnyDomain() {
		r.warn(anyDomain)
	}
	m := via.Settings().SAML
	if via.Settings().Broker != connection.SAML || m.MetadataURL == "" && len(m.Metadata) == 0 {
		return r
	}
	if r.kept = before.serves(via); r.kept {
		r.Metadata = before.kept.Good
	} else if r.Metadata, err = c.reader.Read(ctx, via); err != nil {
		r.problem(err)
		return r
	}
	for _, text := range r.Metadata.Warnings {
		r.warn("metadata: " + text)
	}
	seen := before.kept.SeenAt
	switch {
	case via.MetadataSource() == "":
		seen = time.Time{}
	case !r.kept:
		seen = c.now()
	}
	c.inspectTimes(&r, seen)
	return r
}

// clockTolerance is how far a clock may be off without a warning.
const clockTolerance = time.Minute

// inspectTimes takes the time when the metadata came first; zero: an administrator
// brought it.
func (c *ConnectionChecks) inspectTimes(r *ConnectionReport, seen time.Time) {
	at, span := c.now(), time.Duration(0)
	if !seen.IsZero() {
		span = r.Metadata.ValidUntil.Sub(seen)
	}
	if ends, ok := connection.ExpiryAt(r.Metadata.ValidUntil, span, at); ok {
		if text := "metadata: valid until " + ends.End.UTC().Format(time.RFC3339); ends.Days == 0 {
			r.Problems = append(r.Problems, text+", which has passed; ask the identity provider's administrator for current metadata")
		} else {
			r.warn(text + " only")
		}
	}
	for _, k := range r.Metadata.Keys {
		named := fmt.Sprintf("signing certificate %s of key %s", k.Subject, k.Fingerprint)
		switch ends, ok := connection.ExpiryAt(k.NotAfter, 0, at); {
		case at.Before(k.NotBefore):
			r.warn(named + " begins at " + k.NotBefore.UTC().Format(time.RFC3339))
		case ok && ends.Days == 0:
			r.warn(named + " expired at " + k.NotAfter.UTC().Format(time.RFC3339) + "; its key is trusted because the metadata publishes it")
		case ok:
			r.warn(fmt.Sprintf("%s expires at %s, in less than %d days", named, k.NotAfter.UTC().Format(time.RFC3339), ends.Days+1))
		}
	}
	if off := r.Metadata.ServerClock; off.Abs() > clockTolerance {
		way := "ahead of"
		if off < 0 {
			way = "behind"
		}
		r.warn(fmt.Sprintf("clock: the metadata's server is %s %s this machine; if the identity provider's clock is, too, sign-ins fail beyond SAML_CLOCK_SKEW: set both by NTP", off.Abs(), way))
	}
}

func (r *ConnectionReport) problem(err error) {
	for _, one := range setting.Split(err) {
		text := one.Error()
		var named setting.Problem
		if errors.As(one, &named) && strings.HasPrefix(named.Field, "connection ") {
			text = named.Reason
		}
		if !slices.Contains(r.Problems, text) {
			r.Problems = append(r.Problems, text)
		}
	}
}

func (r *ConnectionReport) warn(text string) {
	if !slices.Contains(r.Warnings, text) {
		r.Warnings = append(r.Warnings, text)
	}
}

// conflicts adds the reasons why the connection cannot stand beside others.
func (c *ConnectionChecks) conflicts(ctx context.Context, r *ConnectionReport, others []connection.Connection, kept []connection.CopySnapshot) {
	entity := r.Metadata.EntityID
	if entity == "" {
		entity = r.Connection.Settings().EntityID
	}
	r.Problems = append(r.Problems, connection.Conflicts(r.Connection, entity, others, c.entities(ctx, others, kept))...)
}

// check inspects a connection and compares it with the others.
func (c *ConnectionChecks) check(ctx context.Context, s connection.Settings, before asBefore) (ConnectionReport, error) {
	r := c.inspect(ctx, s, before)
	stored, kept, err := c.read(ctx)
	if err != nil {
		return r, err
	}
	others, err := c.others(ctx, stored)
	if err != nil {
		return r, err
	}
	c.conflicts(ctx, &r, others, kept)
	return r, nil
}

// copiesOf are the copies that can be read.
func copiesOf(all []connection.CopySnapshot, err error) ([]connection.CopySnapshot, error) {
	if _, err := ports.LeaveOut(err); err != nil {
		return nil, fmt.Errorf("metadata of connections: %w", err)
	}
	return all, nil
}

// read leaves out what cannot be read.
func (c *ConnectionChecks) read(ctx context.Context) (stored []*connection.Stored, kept []connection.CopySnapshot, err error) {
	stored, _, kept, err = c.readAll(ctx)
	return stored, kept, err
}

func (c *ConnectionChecks) readAll(ctx context.Context) (stored, torn []*connection.Stored, kept []connection.CopySnapshot, err error) {
	err = c.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		if stored, torn, err = readable(r.Connections().All(ctx)); err != nil {
			return err
		}
		kept, err = copiesOf(r.Metadata().All(ctx))
		return err
	})
	return stored, torn, kept, err
}
