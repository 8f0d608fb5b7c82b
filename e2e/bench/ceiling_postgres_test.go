package bench

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresCeiling uses prepared statements on a pool as large as the service's.
type postgresCeiling struct{ pool *pgxpool.Pool }

const poolSize = 16

func newPostgresCeiling(url string) (*postgresCeiling, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = poolSize
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	return &postgresCeiling{pool}, err
}

var (
	pgPoll, pgLookUp, pgVerify = rebind(sqlPoll), rebind(sqlLookUp), rebind(sqlVerify)
	pgStart, pgLock            = rebind(sqlStart), rebind(sqlLock) + " FOR UPDATE"
	pgStartRecorded            = rebind("WITH started AS (" + sqlStart + ") " + sqlStarted)
	pgRevoke, pgMint           = rebind(sqlRevoke), rebind(sqlMint)
	pgRedeemed, pgAudit        = rebind(sqlRedeemed), rebind(sqlAudit)
)

func (p *postgresCeiling) poll(ctx context.Context, codeHash string) (status string, expires time.Time, err error) {
	err = p.pool.QueryRow(ctx, pgPoll, codeHash).Scan(&status, &expires)
	return status, expires, err
}

func (p *postgresCeiling) lookUp(ctx context.Context, userCode string) (clientID string, expires time.Time, err error) {
	err = p.pool.QueryRow(ctx, pgLookUp, userCode).Scan(&clientID, &expires)
	return clientID, expires, err
}

func (p *postgresCeiling) verify(ctx context.Context, tokenHash string) (t ceilingToken, err error) {
	err = p.pool.QueryRow(ctx, pgVerify, tokenHash).Scan(&t.ID, &t.Email, &t.Issuer, &t.ExpiresAt)
	return t, err
}

func (p *postgresCeiling) start(ctx context.Context, row newCode, eventID string) error {
	now := time.Now()
	statement, values := pgStart, []any{row.id, row.codeHash, row.userCode, row.from, now, now.Add(15 * time.Minute)}
	if eventID != "" {
		statement, values = pgStartRecorded, append(values, eventID, now)
	}
	_, err := p.pool.Exec(ctx, statement, values...)
	return err
}

func (p *postgresCeiling) redeem(ctx context.Context, codeHash, tokenHash, eventID string) (t ceilingToken, err error) {
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		var r redeemedRow
		if err := tx.QueryRow(ctx, pgLock, codeHash).Scan(r.columns()...); err != nil {
			return err
		}
		if r.status != "approved" {
			return errors.New("not approved but " + r.status)
		}
		now := time.Now()
		t = ceilingToken{ID: r.tokenID, Email: r.email, Issuer: r.issuer, ExpiresAt: now.Add(lifetime)}
		_, err1 := tx.Exec(ctx, pgRevoke, now, r.email, r.issuer, r.clientID, r.label)
		_, err2 := tx.Exec(ctx, pgMint, r.tokenID, r.email, r.issuer, r.clientID, r.label, tokenHash, now, t.ExpiresAt)
		_, err3 := tx.Exec(ctx, pgRedeemed, now, r.id)
		_, err4 := tx.Exec(ctx, pgAudit, eventID, now, r.email, r.issuer, r.tokenID, r.clientID, r.label)
		return errors.Join(err1, err2, err3, err4)
	})
	return t, err
}
