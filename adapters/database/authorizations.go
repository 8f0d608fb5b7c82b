package database

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

type authorizationRow struct {
	bun.BaseModel `bun:"table:device_authorizations"`

	ID             id `bun:",pk"`
	DeviceCodeHash digest
	UserCode       text
	ClientID       text
	DeviceLabel    text
	RequestedFrom  addr
	RequestedAt    timestamp
	ExpiresAt      timestamp
	Status         text
	Subject        subjectColumns `bun:"embed:subject_"`
	TokenID        id
	DecidedAt      timestamp
	RedeemedAt     timestamp
	RedeemedFrom   addr
	Repeated       bool
	Undelivered    bool
	SeenElsewhere  bool
	Scopes         text
	UndoneAt       timestamp
	Connection     text
	UserAgent      text
	Language       text
	LoginHint      text
	TokenSeconds   seconds
}

func authorizationRowOf(a *device.Authorization) *authorizationRow {
	s := a.Snapshot()
	return &authorizationRow{
		ID: id(s.ID), DeviceCodeHash: digest(s.Code), UserCode: text(s.UserCode.String()),
		ClientID: text(s.ClientID), DeviceLabel: text(s.Label),
		RequestedFrom: addr(s.RequestedFrom), RequestedAt: timestamp(s.RequestedAt), ExpiresAt: timestamp(s.ExpiresAt),
		Status: text(s.Status), Subject: columnsOf(s.Subject), TokenID: id(s.TokenID), DecidedAt: timestamp(s.DecidedAt),
		RedeemedAt: timestamp(s.RedeemedAt), RedeemedFrom: addr(s.RedeemedFrom),
		Repeated: s.Repeated, Undelivered: s.Undelivered, SeenElsewhere: s.PolledElsewhere,
		Scopes: text(s.Scopes.String()), UndoneAt: timestamp(s.UndoneAt), Connection: text(s.Connection), UserAgent: text(s.UserAgent), Language: text(s.Language),
		LoginHint: text(s.LoginHint.String()), TokenSeconds: seconds(s.TokenLife),
	}
}

func (r *authorizationRow) restore() (*device.Authorization, error) {
	code, err := device.ParseUserCode(string(r.UserCode))
	if err != nil {
		return nil, fmt.Errorf("stored authorization %s: %w", uid.ID(r.ID), err)
	}
	subject, err := r.Subject.subject()
	if err != nil {
		return nil, fmt.Errorf("stored authorization %s: %w", uid.ID(r.ID), err)
	}
	var hint identity.Email
	if r.LoginHint != "" {
		if hint, err = identity.ParseEmail(string(r.LoginHint)); err != nil {
			return nil, fmt.Errorf("stored authorization %s: %w", uid.ID(r.ID), err)
		}
	}
	return device.Restore(device.Snapshot{
		ID: uid.ID(r.ID), Code: secret.Digest(r.DeviceCodeHash), UserCode: code,
		ClientID: string(r.ClientID), Label: string(r.DeviceLabel),
		RequestedFrom: netip.Addr(r.RequestedFrom), RequestedAt: r.RequestedAt.time(), ExpiresAt: r.ExpiresAt.time(),
		Status: device.Status(r.Status), Subject: subject, TokenID: uid.ID(r.TokenID), DecidedAt: r.DecidedAt.time(),
		RedeemedAt: r.RedeemedAt.time(), RedeemedFrom: netip.Addr(r.RedeemedFrom),
		Repeated: r.Repeated, Undelivered: r.Undelivered, PolledElsewhere: r.SeenElsewhere,
		Scopes: scope.Restore(string(r.Scopes)), UndoneAt: r.UndoneAt.time(), Connection: string(r.Connection), UserAgent: string(r.UserAgent), Language: string(r.Language),
		LoginHint: hint, TokenLife: token.Lifetime(r.TokenSeconds),
	})
}

type authorizationReader struct{ reader }

func (r authorizationReader) by(ctx context.Context, where string, arg any) (*device.Authorization, error) {
	row := new(authorizationRow)
	if err := found(ctx, r.find(ctx, row, where, arg), device.ErrUnknown); err != nil {
		return nil, err
	}
	return row.restore()
}

func (r authorizationReader) ByID(ctx context.Context, wanted uid.ID) (*device.Authorization, error) {
	return r.by(ctx, "id = ?", id(wanted))
}

func (r authorizationReader) ByCode(ctx context.Context, code secret.Digest) (*device.Authorization, error) {
	return r.by(ctx, "device_code_hash = ?", digest(code))
}

func (r authorizationReader) ByUserCode(ctx context.Context, code device.UserCode) (*device.Authorization, error) {
	return r.by(ctx, "user_code = ?", code.String())
}

func (r authorizationReader) RedeemedFor(ctx context.Context, tokens []uid.ID) ([]*device.Authorization, error) {
	if len(tokens) == 0 {
		return nil, nil
	}
	wanted := make([]id, len(tokens))
	for i, t := range tokens {
		wanted[i] = id(t)
	}
	var rows []authorizationRow
	q := r.from(&rows).Where("token_id IN (?)", bun.List(wanted)).Where("redeemed_at IS NOT NULL")
	if err := q.Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	return restoreAuthorizations(rows)
}

func (r authorizationReader) ApprovedBy(ctx context.Context, email identity.Email, issuer string, limit int) ([]*device.Authorization, error) {
	var rows []authorizationRow
	q := r.from(&rows).Where("status = ?", text(device.Approved)).
		Where("subject_email = ?", text(email.String())).Where("subject_issuer = ?", text(issuer)).
		Order("decided_at DESC", "id DESC").Limit(int64(limit))
	if err := q.Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	return restoreAuthorizations(rows)
}

func (r authorizationReader) Unfetched(ctx context.Context, wanted token.Filter, limit int) ([]*device.Authorization, error) {
	var rows []authorizationRow
	q := matchingDevice(r.from(&rows), wanted).Where("undone_at IS NULL").Where("status = ? OR undelivered", text(device.Approved))
	if wanted.Connection != "" {
		q = q.Where("connection = ?", text(wanted.Connection))
	}
	if wanted.FetchedFrom.IsValid() {
		q = q.Where(inNetwork(r.db, "requested_from"), wanted.FetchedFrom.String())
	}
	if err := q.Order("id DESC").Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	return restoreAuthorizations(rows)
}

func restoreAuthorizations(rows []authorizationRow) ([]*device.Authorization, error) {
	all := make([]*device.Authorization, len(rows))
	for i := range rows {
		var err error
		if all[i], err = rows[i].restore(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

type authorizations struct {
	authorizationReader
	tx *transaction
}

// addingAuthorization does nothing if the user code is taken: an error would end
// the transaction.
var addingAuthorization = insertingUnless("(user_code)")

func (w authorizations) Add(ctx context.Context, a *device.Authorization, event audit.Event) error {
	return w.tx.addUnless(ctx, event, authorizationRowOf(a), addingAuthorization, ports.ErrUserCodeTaken)
}

func (w authorizations) Save(ctx context.Context, a *device.Authorization, event audit.Event) error {
	return w.tx.save(ctx, event, authorizationRowOf(a), device.ErrUnknown)
}
