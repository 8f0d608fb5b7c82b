package database

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

type grantRow struct {
	bun.BaseModel `bun:"table:approval_grants"`

	ID              id `bun:",pk"`
	HandleHash      digest
	AuthorizationID id
	UserCode        text
	Subject         subjectColumns `bun:"embed:subject_"`
	Connection      text
	GrantedAt       timestamp
	ExpiresAt       timestamp
	SpentAt         timestamp
	Purpose         text
	CodeTyped       bool
	SignedInAt      timestamp
	SignedInFrom    addr
}

func grantRowOf(g *approval.Grant) *grantRow {
	s := g.Snapshot()
	if s.Authorization.IsZero() {
		s.UserCode = device.NewUserCode() // of no device: the last release reads the column
	}
	return &grantRow{
		ID: id(s.ID), HandleHash: digest(s.Session), AuthorizationID: id(s.Authorization),
		UserCode: text(s.UserCode.String()), Subject: columnsOf(s.Subject), Connection: text(s.Connection),
		GrantedAt: timestamp(s.GrantedAt), ExpiresAt: timestamp(s.ExpiresAt), SpentAt: timestamp(s.SpentAt),
		Purpose: text(s.Purpose), CodeTyped: s.CodeTyped, SignedInAt: timestamp(s.SignedInAt), SignedInFrom: addr(s.SignedInFrom),
	}
}

func (r *grantRow) restore() (*approval.Grant, error) {
	code, err := device.ParseUserCode(string(r.UserCode))
	if err != nil {
		return nil, fmt.Errorf("stored grant %s: %w", uid.ID(r.ID), err)
	}
	if uid.ID(r.AuthorizationID).IsZero() {
		code = device.UserCode{}
	}
	subject, err := r.Subject.subject()
	if err != nil {
		return nil, fmt.Errorf("stored grant %s: %w", uid.ID(r.ID), err)
	}
	return approval.RestoreGrant(approval.GrantSnapshot{
		ID: uid.ID(r.ID), Session: secret.Digest(r.HandleHash), Authorization: uid.ID(r.AuthorizationID),
		UserCode: code, Subject: subject, Connection: string(r.Connection),
		GrantedAt: r.GrantedAt.time(), ExpiresAt: r.ExpiresAt.time(), SpentAt: r.SpentAt.time(),
		Purpose: approval.Purpose(r.Purpose), CodeTyped: r.CodeTyped, SignedInAt: r.SignedInAt.time(), SignedInFrom: netip.Addr(r.SignedInFrom),
	})
}

type grantReader struct{ reader }

func (r grantReader) BySession(ctx context.Context, session secret.Digest) (approval.Grants, error) {
	var rows []grantRow
	// The order keeps two transactions from locking the rows crosswise.
	if err := r.from(&rows).Where("handle_hash = ?", digest(session)).Order("id").Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	var found approval.Grants
	for i := range rows {
		g, err := rows[i].restore()
		if err != nil {
			return nil, err
		}
		found = append(found, g)
	}
	return found, nil
}

func (r grantReader) ByID(ctx context.Context, wanted uid.ID) (*approval.Grant, error) {
	row := new(grantRow)
	if err := found(ctx, r.find(ctx, row, "id = ?", id(wanted)), ports.ErrUnknownGrant); err != nil {
		return nil, err
	}
	return row.restore()
}

type grants struct {
	grantReader
	tx *transaction
}

func (w grants) Add(ctx context.Context, g *approval.Grant, event audit.Event) error {
	return w.tx.add(ctx, event, grantRowOf(g))
}

func (w grants) Save(ctx context.Context, g *approval.Grant, event audit.Event) error {
	return w.tx.save(ctx, event, grantRowOf(g), ports.ErrUnknownGrant)
}

func (w grants) Move(ctx context.Context, from, to secret.Digest, event audit.Event) error {
	return w.tx.execWithEvent(ctx, event, "UPDATE approval_grants SET handle_hash = ? WHERE handle_hash = ?", digest(to), digest(from))
}

func (w grants) Drop(ctx context.Context, session secret.Digest, code device.UserCode, event audit.Event) error {
	return w.tx.execWithEvent(ctx, event, "DELETE FROM approval_grants WHERE handle_hash = ? AND user_code = ? AND spent_at IS NULL",
		digest(session), text(code.String()))
}
