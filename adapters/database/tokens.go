package database

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// tokenRow leaves out account_id, which only a Dify API that shares the table
// writes and reads.
type tokenRow struct {
	bun.BaseModel `bun:"table:oauth_access_tokens"`

	ID            id `bun:",pk"`
	SubjectEmail  text
	SubjectIssuer text
	ClientID      text
	DeviceLabel   text
	Prefix        text
	TokenHash     digest
	CreatedAt     timestamp
	LastUsedAt    timestamp
	ExpiresAt     timestamp
	RevokedAt     timestamp
	Scopes        text `bun:",scanonly"` // of access_token_scopes
	Authorization id   `bun:",scanonly"` // of device_authorizations, while it is kept
}

func tokenRowOf(t *token.AccessToken) *tokenRow {
	s := t.Snapshot()
	return &tokenRow{
		ID: id(s.ID), SubjectEmail: text(s.Device.Email.String()), SubjectIssuer: text(s.Device.Issuer),
		ClientID: text(s.Device.ClientID), DeviceLabel: text(s.Device.Label),
		Prefix: text(s.Prefix), TokenHash: digest(s.Digest), CreatedAt: timestamp(s.CreatedAt),
		LastUsedAt: timestamp(s.LastUsedAt), ExpiresAt: timestamp(s.ExpiresAt), RevokedAt: timestamp(s.RevokedAt),
	}
}

// restore lets through what another issuer may have put into the shared table:
// an address that is none becomes the zero Email, and a revoked token that
// kept its hash loses it.
func (r *tokenRow) restore() (*token.AccessToken, error) {
	email, _ := identity.ParseEmail(string(r.SubjectEmail))
	if !r.RevokedAt.time().IsZero() {
		r.TokenHash = digest{}
	}
	return token.Restore(token.Snapshot{
		ID: uid.ID(r.ID), Authorization: uid.ID(r.Authorization), Scopes: scope.Restore(string(r.Scopes)),
		Device: token.Device{
			Email: email, Issuer: string(r.SubjectIssuer),
			ClientID: string(r.ClientID), Label: string(r.DeviceLabel),
		},
		Prefix: string(r.Prefix), Digest: secret.Digest(r.TokenHash), CreatedAt: r.CreatedAt.time(),
		LastUsedAt: r.LastUsedAt.time(), ExpiresAt: r.ExpiresAt.time(), RevokedAt: r.RevokedAt.time(),
	})
}

// tokenScopesRow keeps the scopes of a token that has fewer than its kind of
// subject. Most tokens have no such row.
type tokenScopesRow struct {
	bun.BaseModel `bun:"table:access_token_scopes"`

	TokenID id `bun:",pk"`
	Scopes  text
}

// scopesOfToken is the expression for the scopes of a row of the table that is
// called alias.
func scopesOfToken(alias string) string {
	return "(SELECT s.scopes FROM access_token_scopes AS s WHERE s.token_id = " + alias + ".id) AS scopes"
}

// authorizationOfToken is the expression for the authorization that was redeemed
// for a row of the table that is called alias.
func authorizationOfToken(alias string) string {
	return "(SELECT a.id FROM device_authorizations AS a WHERE a.token_id = " + alias + ".id LIMIT 1) AS authorization"
}

// extra implements [extended].
func (*tokenRow) extra() []string {
	const table = "oauth_access_tokens"
	return []string{scopesOfToken(table), authorizationOfToken(table)}
}

// intoExtra implements [extended].
func (r *tokenRow) intoExtra(into []any) []any { return append(into, &r.Scopes, &r.Authorization) }

type tokenReader struct{ reader }

// from begins a query for tokens with their scopes.
func (r tokenReader) from(model any) *bun.SelectQuery {
	return r.reader.from(model).ColumnExpr("?TableColumns").ColumnExpr(scopesOfToken("?TableAlias")).
		ColumnExpr(authorizationOfToken("?TableAlias"))
}

func (r tokenReader) by(ctx context.Context, where string, args ...any) (*token.AccessToken, error) {
	row := new(tokenRow)
	if err := found(ctx, r.find(ctx, row, where, args...), token.ErrUnknown); err != nil {
		return nil, err
	}
	return row.restore()
}

func (r tokenReader) ByID(ctx context.Context, wanted uid.ID) (*token.AccessToken, error) {
	return r.by(ctx, "id = ?", id(wanted))
}

func (r tokenReader) ByDigest(ctx context.Context, wanted secret.Digest) (*token.AccessToken, error) {
	return r.by(ctx, "token_hash = ?", digest(wanted))
}

func (r tokenReader) LiveOf(ctx context.Context, of token.Device) (*token.AccessToken, error) {
	if r.conn != nil && isPostgres(r.db) {
		if err := lockDevice(r.conn, of); err != nil {
			return nil, err
		}
	}
	where := "client_id = ? AND device_label = ? AND revoked_at IS NULL AND subject_email = ? AND subject_issuer "
	args := []any{text(of.ClientID), text(of.Label), text(of.Email.String())}
	if of.Issuer == "" {
		return r.by(ctx, where+"IS NULL", args...)
	}
	return r.by(ctx, where+"= ?", append(args, text(of.Issuer))...)
}

func (r tokenReader) Sessions(ctx context.Context, email identity.Email, issuer string, at time.Time, offset, limit int) ([]*token.AccessToken, int, error) {
	those := func(q *bun.SelectQuery) *bun.SelectQuery { return live(issuedTo(q, email, issuer), at) }
	return r.page(ctx, those, offset, limit)
}

func (r tokenReader) Matching(ctx context.Context, wanted token.Filter, ended bool, at time.Time, offset, limit int) ([]*token.AccessToken, int, error) {
	those := func(q *bun.SelectQuery) *bun.SelectQuery {
		if !ended {
			q = live(q, at)
		}
		return matching(q, r.db, wanted)
	}
	return r.page(ctx, those, offset, limit)
}

// page is a part of the tokens that those selects, the newest first, and how many
// it selects in all.
func (r tokenReader) page(ctx context.Context, those func(*bun.SelectQuery) *bun.SelectQuery, offset, limit int) ([]*token.AccessToken, int, error) {
	total, err := those(r.db.NewSelect().Model((*tokenRow)(nil))).Count(ctx)
	if err != nil {
		return nil, 0, mapError(ctx, err)
	}
	var rows []tokenRow
	q := those(r.from(&rows)).Order("created_at DESC", "id DESC").Offset(int64(offset)).Limit(int64(limit))
	if err := q.Scan(ctx); err != nil {
		return nil, 0, mapError(ctx, err)
	}
	found := make([]*token.AccessToken, len(rows))
	for i := range rows {
		if found[i], err = rows[i].restore(); err != nil {
			return nil, 0, fmt.Errorf("token %d: %w", offset+i, err)
		}
	}
	return found, int(total), nil
}

// issuedTo narrows q to one subject's tokens. No issuer is NULL.
func issuedTo(q *bun.SelectQuery, email identity.Email, issuer string) *bun.SelectQuery {
	q = q.Where("subject_email = ?", text(email.String()))
	if issuer == "" {
		return q.Where("subject_issuer IS NULL")
	}
	return q.Where("subject_issuer = ?", text(issuer))
}

// live narrows q to tokens that are neither revoked nor expired.
func live(q *bun.SelectQuery, at time.Time) *bun.SelectQuery {
	return q.Where("revoked_at IS NULL").Where("expires_at > ?", timestamp(at))
}

type tokens struct {
	tokenReader
	tx *transaction
}

func (w tokens) Add(ctx context.Context, t *token.AccessToken, event audit.Event) error {
	if err := w.saveScopes(ctx, t); err != nil {
		return err
	}
	return w.tx.add(ctx, event, tokenRowOf(t))
}

// saveScopes keeps the scopes if they are not the default. A token never comes
// to have more scopes, so no row has to go.
func (w tokens) saveScopes(ctx context.Context, t *token.AccessToken) error {
	s := t.Snapshot()
	if s.Scopes == token.ScopesOf(t.SubjectType()) {
		return nil
	}
	row := &tokenScopesRow{TokenID: id(s.ID), Scopes: text(s.Scopes.String())}
	of := w.tx.hot.writing(reflect.TypeFor[tokenScopesRow](), inserting+" ON CONFLICT (token_id) DO UPDATE SET scopes = EXCLUDED.scopes", false)
	return w.tx.later(ctx, query{text: of.text, args: valuesOf(nil, row, of.fields)})
}

// Save leaves an address and an issuer as they are if they differ in spelling
// only, or if the address is one that another issuer wrote and that this
// service cannot represent.
func (w tokens) Save(ctx context.Context, t *token.AccessToken, event audit.Event) error {
	if err := w.saveScopes(ctx, t); err != nil {
		return err
	}
	return w.tx.save(ctx, event, tokenRowOf(t), token.ErrUnknown)
}

// set implements [setter].
func (*tokenRow) set(column string) string {
	switch column {
	case `"subject_email"`:
		return "(SELECT CASE WHEN lower(subject_email) = n.new OR n.new IS NULL THEN subject_email ELSE n.new END FROM (SELECT CAST(? AS text) AS new) AS n)"
	case `"subject_issuer"`:
		return "(SELECT CASE WHEN coalesce(subject_issuer, '') = coalesce(n.new, '') THEN subject_issuer ELSE n.new END FROM (SELECT CAST(? AS text) AS new) AS n)"
	}
	return "?"
}

func (w tokens) SaveUse(ctx context.Context, t *token.AccessToken) error {
	s := t.Snapshot()
	n, err := w.tx.exec(ctx, w.tx.hot.plain("UPDATE oauth_access_tokens SET last_used_at = ? WHERE id = ?", timestamp(s.LastUsedAt), id(s.ID)))
	if err == nil && n == 0 {
		return token.ErrUnknown
	}
	return err
}

// endedRow is what is left of a token that RevokeMatching has revoked.
type endedRow struct {
	ID        id
	TokenHash digest
}

// RevokeMatching reads and writes in one statement on PostgreSQL, where another
// transaction could add a token between two. In SQLite none can.
func (w tokens) RevokeMatching(ctx context.Context, wanted token.Filter, at time.Time, event func(revoked int) audit.Event) ([]secret.Digest, error) {
	which := func() *bun.SelectQuery {
		return matching(live(w.tx.db.NewSelect().Model((*tokenRow)(nil)), at), w.tx.db, wanted)
	}
	revoke := w.tx.db.NewUpdate().Table("oauth_access_tokens").Set("revoked_at = ?", timestamp(at)).Set("token_hash = NULL")
	var rows []endedRow
	var err error
	if isPostgres(w.tx.db) {
		_, err = revoke.With("matching", which().Column("id", "token_hash").For("UPDATE")).TableExpr("matching").
			Where("oauth_access_tokens.id = matching.id").Returning("matching.id, matching.token_hash").Exec(ctx, &rows)
	} else if err = which().Column("id", "token_hash").Scan(ctx, &rows); err == nil {
		_, err = revoke.Where("id IN (?)", which().Column("id")).Exec(ctx)
	}
	if err != nil {
		return nil, mapError(ctx, err)
	}
	digests := make([]secret.Digest, len(rows))
	for i := range rows {
		digests[i] = secret.Digest(rows[i].TokenHash)
	}
	return digests, w.tx.record(ctx, event(len(rows)))
}
