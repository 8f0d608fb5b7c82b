package database

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// transaction is a [ports.Tx].
type transaction struct{ reader }

// write is an INSERT or UPDATE about to happen.
type write interface {
	Exec(ctx context.Context, dest ...any) (sql.Result, error)
}

// oneRow makes sure that a write wrote; if it did not, none is returned.
func oneRow(ctx context.Context, w write, none error) error {
	result, err := w.Exec(ctx)
	if err != nil {
		return mapError(ctx, err)
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return none
	}
	return mapError(ctx, err)
}

func (t *transaction) add(ctx context.Context, row any) error {
	_, err := t.db.NewInsert().Model(row).Exec(ctx)
	return mapError(ctx, err)
}

// save writes the columns of a row that a move can change.
func (t *transaction) save(ctx context.Context, row any, unknown error, moves ...string) error {
	return oneRow(ctx, t.db.NewUpdate().Model(row).Column(moves...).WherePK(), unknown)
}

func (t *transaction) AddAuthorization(ctx context.Context, a *device.Authorization, event audit.Event) error {
	// An error would end the transaction; giving way does not.
	insert := t.db.NewInsert().Model(authorizationRowOf(a)).On("CONFLICT (user_code) DO NOTHING")
	if err := oneRow(ctx, insert, ports.ErrUserCodeTaken); err != nil {
		return err
	}
	return t.Record(ctx, event)
}

func (t *transaction) SaveAuthorization(ctx context.Context, a *device.Authorization, event audit.Event) error {
	if err := t.save(ctx, authorizationRowOf(a), device.ErrUnknown, authorizationMoves...); err != nil {
		return err
	}
	return t.Record(ctx, event)
}

func (t *transaction) AddTransaction(ctx context.Context, transaction *approval.Transaction) error {
	return t.add(ctx, transactionRowOf(transaction))
}

func (t *transaction) SaveTransaction(ctx context.Context, transaction *approval.Transaction) error {
	return t.save(ctx, transactionRowOf(transaction), approval.ErrUnknownTransaction, transactionMoves...)
}

func (t *transaction) SpendAssertion(ctx context.Context, issuer, id string, until time.Time) error {
	insert := t.db.NewInsert().Model(spentAssertionRowOf(issuer, id, until)).On("CONFLICT (assertion_hash) DO NOTHING")
	return oneRow(ctx, insert, approval.ErrReplayed)
}

func (t *transaction) AddGrant(ctx context.Context, g *approval.Grant, event audit.Event) error {
	if err := t.add(ctx, grantRowOf(g)); err != nil {
		return err
	}
	return t.Record(ctx, event)
}

func (t *transaction) SaveGrant(ctx context.Context, g *approval.Grant) error {
	return t.save(ctx, grantRowOf(g), errNoGrant, "spent_at")
}

// errNoGrant is a defect: a grant that was read under lock cannot go away.
var errNoGrant = errors.New("database: no such grant")

func (t *transaction) MoveGrants(ctx context.Context, from, to secret.Digest) error {
	_, err := t.db.NewUpdate().Model((*grantRow)(nil)).
		Set("handle_hash = ?", digest(to)).Where("handle_hash = ?", digest(from)).Exec(ctx)
	return mapError(ctx, err)
}

func (t *transaction) DropGrants(ctx context.Context, handle secret.Digest, code device.UserCode) error {
	_, err := t.db.NewDelete().Model((*grantRow)(nil)).
		Where("handle_hash = ?", digest(handle)).Where("user_code = ?", code.String()).
		Where("spent_at IS NULL").Exec(ctx)
	return mapError(ctx, err)
}

func (t *transaction) AddToken(ctx context.Context, issued *token.AccessToken, event audit.Event) error {
	if err := t.add(ctx, tokenRowOf(issued)); err != nil {
		return err
	}
	return t.Record(ctx, event)
}

func (t *transaction) SaveToken(ctx context.Context, issued *token.AccessToken, event audit.Event) error {
	if err := t.save(ctx, tokenRowOf(issued), token.ErrUnknown, tokenMoves...); err != nil {
		return err
	}
	return t.Record(ctx, event)
}

func (t *transaction) SaveUse(ctx context.Context, used *token.AccessToken) error {
	return t.save(ctx, tokenRowOf(used), token.ErrUnknown, "last_used_at")
}

// Record keeps an event once, however many writes name it.
func (t *transaction) Record(ctx context.Context, e audit.Event) error {
	if e.ID.IsZero() {
		return errors.New("database: an event that never happened")
	}
	_, err := t.db.NewInsert().Model(eventRowOf(e)).On("CONFLICT (id) DO NOTHING").Exec(ctx)
	return mapError(ctx, err)
}
