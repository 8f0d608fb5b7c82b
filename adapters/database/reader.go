package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// reader is a [ports.Reader].
type reader struct {
	db    bun.IDB
	locks bool // what is read stays locked until the transaction ends
}

// from begins a query for rows of a model.
func (r *reader) from(model any) *bun.SelectQuery {
	q := r.db.NewSelect().Model(model)
	if r.locks && isPostgres(r.db) { // in SQLite the transaction has locked everything
		q = q.For("UPDATE")
	}
	return q
}

// one runs a query for one row; there being none is unknown.
func one(ctx context.Context, q *bun.SelectQuery, unknown error) error {
	err := q.Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return unknown
	}
	return mapError(ctx, err)
}

func (r *reader) authorization(ctx context.Context, where string, arg any) (*device.Authorization, error) {
	row := new(authorizationRow)
	if err := one(ctx, r.from(row).Where(where, arg), device.ErrUnknown); err != nil {
		return nil, err
	}
	return row.restore()
}

func (r *reader) AuthorizationByCode(ctx context.Context, code secret.Digest) (*device.Authorization, error) {
	return r.authorization(ctx, "device_code_hash = ?", digest(code))
}

func (r *reader) AuthorizationByUserCode(ctx context.Context, code device.UserCode) (*device.Authorization, error) {
	return r.authorization(ctx, "user_code = ?", code.String())
}

func (r *reader) Authorization(ctx context.Context, wanted uid.ID) (*device.Authorization, error) {
	return r.authorization(ctx, "id = ?", id(wanted))
}

func (r *reader) Redeemed(ctx context.Context, tokens []uid.ID) ([]*device.Authorization, error) {
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
	found := make([]*device.Authorization, len(rows))
	for i := range rows {
		var err error
		if found[i], err = rows[i].restore(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (r *reader) trip(ctx context.Context, row *transactionRow, q *bun.SelectQuery) (*approval.Transaction, error) {
	if err := one(ctx, q, approval.ErrUnknownTransaction); err != nil {
		return nil, err
	}
	return row.restore()
}

func (r *reader) Transaction(ctx context.Context, wanted uid.ID) (*approval.Transaction, error) {
	row := new(transactionRow)
	return r.trip(ctx, row, r.from(row).Where("id = ?", id(wanted)))
}

func (r *reader) TransactionByRelayState(ctx context.Context, relay secret.Digest) (*approval.Transaction, error) {
	row := new(transactionRow)
	return r.trip(ctx, row, r.from(row).Where("relay_state_hash = ?", digest(relay)))
}

func (r *reader) TransactionByTicket(ctx context.Context, ticket secret.Digest) (*approval.Transaction, error) {
	row := new(transactionRow)
	return r.trip(ctx, row, r.from(row).Where("ticket_hash = ?", digest(ticket)))
}

func (r *reader) TransactionByBrowser(ctx context.Context, browser secret.Digest, code device.UserCode, connections []string) (*approval.Transaction, error) {
	if len(connections) == 0 {
		return nil, approval.ErrUnknownTransaction
	}
	row := new(transactionRow)
	return r.trip(ctx, row, r.from(row).
		Where("browser_hash = ?", digest(browser)).
		Where("user_code = ?", code.String()).
		Where("connection IN ?", bun.Tuple(connections)).
		Order("begun_at DESC", "id DESC"))
}

func (r *reader) Grants(ctx context.Context, handle secret.Digest) (approval.Grants, error) {
	var rows []grantRow
	// The order keeps two transactions from locking the rows crosswise.
	if err := r.from(&rows).Where("handle_hash = ?", digest(handle)).Order("id").Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	var grants approval.Grants
	for i := range rows {
		g, err := rows[i].restore()
		if err != nil {
			return nil, err
		}
		grants = append(grants, g)
	}
	return grants, nil
}

func (r *reader) token(ctx context.Context, row *tokenRow, q *bun.SelectQuery) (*token.AccessToken, error) {
	if err := one(ctx, q, token.ErrUnknown); err != nil {
		return nil, err
	}
	return row.restore()
}

func (r *reader) Token(ctx context.Context, wanted uid.ID) (*token.AccessToken, error) {
	row := new(tokenRow)
	return r.token(ctx, row, r.from(row).Where("id = ?", id(wanted)))
}

func (r *reader) TokenByDigest(ctx context.Context, wanted secret.Digest) (*token.AccessToken, error) {
	row := new(tokenRow)
	return r.token(ctx, row, r.from(row).Where("token_hash = ?", digest(wanted)))
}

func (r *reader) LiveToken(ctx context.Context, of token.Device) (*token.AccessToken, error) {
	if r.locks && isPostgres(r.db) {
		if err := lockDevice(ctx, r.db, of); err != nil {
			return nil, err
		}
	}
	row := new(tokenRow)
	return r.token(ctx, row, issuedTo(r.from(row), of.Email, of.Issuer).
		Where("client_id = ?", text(of.ClientID)).
		Where("device_label = ?", text(of.Label)).
		Where("revoked_at IS NULL"))
}

func (r *reader) Sessions(ctx context.Context, email identity.Email, issuer string, at time.Time, offset, limit int) ([]*token.AccessToken, int, error) {
	live := func(q *bun.SelectQuery) *bun.SelectQuery {
		return issuedTo(q, email, issuer).Where("revoked_at IS NULL").Where("expires_at > ?", timestamp(at))
	}
	total, err := live(r.db.NewSelect().Model((*tokenRow)(nil))).Count(ctx)
	if err != nil {
		return nil, 0, mapError(ctx, err)
	}
	var rows []tokenRow
	q := live(r.from(&rows)).Order("created_at DESC", "id DESC").Offset(int64(offset)).Limit(int64(limit))
	if err := q.Scan(ctx); err != nil {
		return nil, 0, mapError(ctx, err)
	}
	tokens := make([]*token.AccessToken, len(rows))
	for i := range rows {
		if tokens[i], err = rows[i].restore(); err != nil {
			return nil, 0, fmt.Errorf("session %d: %w", offset+i, err)
		}
	}
	return tokens, int(total), nil
}

// issuedTo narrows q to one subject's tokens. No issuer is NULL.
func issuedTo(q *bun.SelectQuery, email identity.Email, issuer string) *bun.SelectQuery {
	q = q.Where("subject_email = ?", text(email.String()))
	if issuer == "" {
		return q.Where("subject_issuer IS NULL")
	}
	return q.Where("subject_issuer = ?", text(issuer))
}
