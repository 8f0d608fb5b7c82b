package database

import (
	"context"
	"reflect"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// What sweeps delete is found by an index or by a read outside of a transaction,
// so that no lock is held for longer than a few rows take.

func (w authorizations) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	row := (*authorizationRow)(nil)
	return w.tx.deleteRows(ctx, row, "id", expired(w.tx.db.NewSelect().Model(row), before, limit).
		Where("redeemed_at IS NULL").
		// The rows that refer to it would go with it, locked or not.
		Where("NOT EXISTS (SELECT 1 FROM sso_transactions AS t WHERE t.authorization_id = ?TableAlias.id)").
		Where("NOT EXISTS (SELECT 1 FROM approval_grants AS g WHERE g.authorization_id = ?TableAlias.id)"))
}

// Delete takes the scopes along of tokens that another issuer has deleted.
func (w authorizations) Delete(ctx context.Context, ids []uid.ID) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	tokens := w.tx.db.NewSelect().Model((*authorizationRow)(nil)).Column("token_id").Where("id IN (?)", bun.List(keys(ids)))
	if err := w.tx.deleteScopes(ctx, tokens); err != nil {
		return 0, err
	}
	return w.tx.deleteRows(ctx, (*authorizationRow)(nil), "id", w.tx.withID((*authorizationRow)(nil), ids))
}

func (w authorizations) DeleteRedeemedFor(ctx context.Context, tokens []uid.ID, before time.Time) (int, error) {
	if len(tokens) == 0 {
		return 0, nil
	}
	row := (*authorizationRow)(nil)
	return w.tx.deleteRows(ctx, row, "id", withoutToken(w.tx.db.NewSelect().Model(row), before).
		Where("token_id IN (?)", bun.List(keys(tokens))))
}

func (w grants) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	row := (*grantRow)(nil)
	return w.tx.deleteRows(ctx, row, "id", expired(w.tx.db.NewSelect().Model(row), before, limit))
}

func (w transactions) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	row := (*transactionRow)(nil)
	return w.tx.deleteRows(ctx, row, "id", expired(w.tx.db.NewSelect().Model(row), before, limit))
}

func (w transactions) DeleteSpent(ctx context.Context, before time.Time, limit int) (int, error) {
	row := (*spentAssertionRow)(nil)
	return w.tx.deleteRows(ctx, row, "assertion_hash", expired(w.tx.db.NewSelect().Model(row), before, limit))
}

func (w tokens) Lock(ctx context.Context, ids []uid.ID) ([]*token.AccessToken, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []tokenRow
	q := tokenReader{reader{db: w.db}}.from(&rows).Where("id IN (?)", bun.List(keys(ids)))
	if w.tx.postgres {
		q = q.For("UPDATE SKIP LOCKED")
	}
	if err := q.Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	found := make([]*token.AccessToken, len(rows))
	for i := range rows {
		var err error
		if found[i], err = rows[i].restore(); err != nil {
			return nil, err
		}
		w.tx.holds(rowKey{reflect.TypeFor[tokenRow](), rows[i].ID}, rows[i])
	}
	return found, nil
}

// holds notes a row that the transaction has locked, so that saving it need not
// look for it.
func (t *transaction) holds(key rowKey, row any) {
	if t.postgres {
		t.held[key] = true
	} else {
		t.read[key] = row
	}
}

func (w tokens) Delete(ctx context.Context, ids []uid.ID) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	n, err := w.tx.deleteRows(ctx, (*tokenRow)(nil), "id", w.tx.withID((*tokenRow)(nil), ids))
	if err != nil {
		return 0, err
	}
	return n, w.tx.deleteScopes(ctx, bun.List(keys(ids)))
}

// deleteScopes deletes the scopes of those tokens that are no longer kept.
func (t *transaction) deleteScopes(ctx context.Context, tokens any) error {
	_, err := t.db.NewDelete().Model((*tokenScopesRow)(nil)).Where("token_id IN (?)", tokens).
		Where("NOT EXISTS (SELECT 1 FROM oauth_access_tokens AS o WHERE o.id = ?TableAlias.token_id)").Exec(ctx)
	return mapError(ctx, err)
}

func (r authorizationReader) RedeemedWithoutToken(ctx context.Context, before time.Time, limit int) ([]uid.ID, error) {
	return r.ids(ctx, withoutToken(r.db.NewSelect().Model((*authorizationRow)(nil)), before).Limit(int64(limit)))
}

func withoutToken(q *bun.SelectQuery, before time.Time) *bun.SelectQuery {
	return q.Where("expires_at < ?", timestamp(before)).Where("redeemed_at IS NOT NULL").
		Where("NOT EXISTS (SELECT 1 FROM oauth_access_tokens AS t WHERE t.id = ?TableAlias.token_id)")
}

// Overdue leaves out what [token.Restore] refuses: a token without a hash.
func (r tokenReader) Overdue(ctx context.Context, at time.Time, limit int) ([]uid.ID, error) {
	return r.ids(ctx, r.db.NewSelect().Model((*tokenRow)(nil)).Where("account_id IS NULL").
		Where("revoked_at IS NULL").Where("expires_at <= ?", timestamp(at)).Where("token_hash IS NOT NULL").Limit(int64(limit)))
}

func (r tokenReader) Ended(ctx context.Context, before time.Time, limit int) ([]uid.ID, error) {
	return r.ids(ctx, r.db.NewSelect().Model((*tokenRow)(nil)).Where("account_id IS NULL").
		Where("revoked_at < ?0 OR expires_at < ?0", timestamp(before)).Limit(int64(limit)))
}

func expired(q *bun.SelectQuery, before time.Time, limit int) *bun.SelectQuery {
	return q.Where("expires_at < ?", timestamp(before)).Limit(int64(limit))
}

// ids runs a query for IDs. It locks nothing.
func (r reader) ids(ctx context.Context, q *bun.SelectQuery) ([]uid.ID, error) {
	var rows []id
	if err := q.Column("id").Scan(ctx, &rows); err != nil {
		return nil, mapError(ctx, err)
	}
	found := make([]uid.ID, len(rows))
	for i := range rows {
		found[i] = uid.ID(rows[i])
	}
	return found, nil
}

func (t *transaction) withID(row any, ids []uid.ID) *bun.SelectQuery {
	return t.db.NewSelect().Model(row).Where("id IN (?)", bun.List(keys(ids)))
}

func keys(ids []uid.ID) []id {
	keys := make([]id, len(ids))
	for i := range ids {
		keys[i] = id(ids[i])
	}
	return keys
}

// deleteRows deletes the rows of a model that which selects, except those that
// others have locked. The selection is a common table expression because
// PostgreSQL may run a subquery more than once, and then beyond its limit.
func (t *transaction) deleteRows(ctx context.Context, row any, key string, which *bun.SelectQuery) (int, error) {
	which = which.Column(key)
	if isPostgres(t.db) {
		which = which.For("UPDATE SKIP LOCKED")
	}
	result, err := t.db.NewDelete().Model(row).With("matching", which).
		Where("? IN (SELECT ? FROM matching)", bun.Ident(key), bun.Ident(key)).Exec(ctx)
	if err != nil {
		return 0, mapError(ctx, err)
	}
	n, err := result.RowsAffected()
	return int(n), mapError(ctx, err)
}
