package database

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

type eventRow struct {
	bun.BaseModel `bun:"table:audit_events"`

	ID          id `bun:",pk"`
	Time        timestamp
	Event       text
	SubjectType text
	Subject     subjectColumns `bun:"embed:subject_"`
	TokenID     id
	ClientID    text
	DeviceLabel text
	Scopes      text
	Connection  text
	Mount       text
	Reason      text
	Detail      text
	IP          addr `bun:"ip"`
	UserAgent   text
	RequestID   text

	ActorKind       text
	ActorName       text
	AuthorizationID id
	TokenExpiresAt  timestamp
	CreationIP      addr `bun:"creation_ip"`
}

func eventRowOf(e audit.Event) *eventRow {
	r := &eventRow{
		ID: id(e.ID), Time: timestamp(e.At), Event: text(e.Kind), Subject: columnsOf(e.Subject),
		TokenID: id(e.TokenID), ClientID: text(e.ClientID), DeviceLabel: text(e.DeviceLabel),
		Scopes: text(strings.Join(e.Scopes, " ")), Connection: text(e.Connection), Mount: text(e.Mount),
		Reason: text(e.Reason), Detail: text(e.Detail),
		IP: addr(e.Origin.IP), UserAgent: text(e.Origin.UserAgent), RequestID: text(e.Origin.ID),
		ActorKind: text(e.Actor.Kind), ActorName: text(e.Actor.Name), AuthorizationID: id(e.AuthorizationID),
		TokenExpiresAt: timestamp(e.TokenExpiresAt), CreationIP: addr(e.CreationIP),
	}
	if !e.Subject.IsZero() {
		r.SubjectType = text(e.Subject.Type())
	}
	return r
}

func (r *eventRow) restore() (audit.Event, error) {
	subject, err := r.Subject.subject()
	if err != nil {
		return audit.Event{}, fmt.Errorf("stored event %s: %w", uid.ID(r.ID), err)
	}
	return audit.Event{
		ID: uid.ID(r.ID), At: r.Time.time(), Kind: audit.Kind(r.Event), Subject: subject,
		TokenID: uid.ID(r.TokenID), ClientID: string(r.ClientID), DeviceLabel: string(r.DeviceLabel),
		Scopes: words(string(r.Scopes)), Connection: string(r.Connection), Mount: string(r.Mount),
		Reason: string(r.Reason), Detail: string(r.Detail),
		Actor:           audit.Actor{Kind: audit.ActorKind(r.ActorKind), Name: string(r.ActorName)},
		AuthorizationID: uid.ID(r.AuthorizationID), TokenExpiresAt: r.TokenExpiresAt.time(), CreationIP: netip.Addr(r.CreationIP),
		Origin: request.Origin{ID: string(r.RequestID), IP: netip.Addr(r.IP), UserAgent: string(r.UserAgent)},
	}, nil
}

func words(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, " ")
}

type auditReader struct{ reader }

func (r auditReader) Events(ctx context.Context, wanted ports.AuditFilter) ([]audit.Event, error) {
	var rows []eventRow
	q := r.from(&rows)
	for _, c := range []struct{ condition, value string }{
		{"event = ?", string(wanted.Kind)},
		{"connection = ?", wanted.Connection},
		{"subject_email = ?", wanted.Email},
		{"subject_issuer = ?", wanted.Issuer},
		{"client_id = ?", wanted.ClientID},
		{"actor_kind = ?", string(wanted.Actor.Kind)},
		{"actor_name = ?", wanted.Actor.Name},
	} {
		if c.value != "" {
			q = q.Where(c.condition, text(c.value))
		}
	}
	if !wanted.TokenID.IsZero() {
		q = q.Where("token_id = ?", id(wanted.TokenID))
	}
	if !wanted.AuthorizationID.IsZero() {
		q = q.Where("authorization_id = ?", id(wanted.AuthorizationID))
	}
	if !wanted.Since.IsZero() {
		q = q.Where("time >= ?", timestamp(wanted.Since))
	}
	if !wanted.Until.IsZero() {
		q = q.Where("time < ?", timestamp(wanted.Until))
	}
	if p := wanted.After; !p.IsZero() { // the first condition is for the index on time
		q = q.Where("time >= ?", timestamp(p.At)).Where("(time, id) > (?, ?)", timestamp(p.At), id(p.ID))
	}
	order := []string{"time", "id"}
	if wanted.Newest {
		order = []string{"time DESC", "id DESC"}
	}
	limit := wanted.Limit
	if limit <= 0 {
		limit = ports.AuditLimit
	}
	if err := q.Order(order...).Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	events := make([]audit.Event, len(rows))
	for i := range rows {
		var err error
		if events[i], err = rows[i].restore(); err != nil {
			return nil, err
		}
	}
	return events, nil
}

func (r auditReader) Find(ctx context.Context, eventID uid.ID) (audit.Event, error) {
	var row eventRow
	if err := r.from(&row).Where("id = ?", id(eventID)).Scan(ctx); err != nil {
		return audit.Event{}, found(ctx, err, audit.ErrUnknown)
	}
	return row.restore()
}

type auditTrail struct {
	auditReader
	tx *transaction
}

func (w auditTrail) Record(ctx context.Context, event audit.Event) error {
	return w.tx.record(ctx, event)
}

var errNoEvent = errors.New("database: a write without the event that caused it")

// record keeps an event once, however many writes of the transaction name it.
func (t *transaction) record(ctx context.Context, event audit.Event) error {
	if event.ID.IsZero() {
		return errNoEvent
	}
	if t.recorded[event.ID] {
		return nil
	}
	t.note(event)
	row := eventRowOf(event)
	s := t.hot.writing(reflect.TypeFor[eventRow](), inserting, false)
	return t.later(ctx, query{text: s.text, args: valuesOf(make([]any, 0, len(s.fields)), row, s.fields)})
}
