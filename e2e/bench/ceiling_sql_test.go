package bench

// The ceiling's statements, one for each operation but the redemption. Question
// marks are placeholders; PostgreSQL gets its own by rebind.
const (
	sqlPoll = `SELECT status, expires_at FROM device_authorizations WHERE device_code_hash = ?`

	sqlLookUp = `SELECT client_id, expires_at FROM device_authorizations WHERE user_code = ? AND status = 'pending'`

	sqlVerify = `SELECT id, subject_email, subject_issuer, expires_at FROM oauth_access_tokens WHERE token_hash = ? AND revoked_at IS NULL`

	sqlStart = `INSERT INTO device_authorizations
		(id, device_code_hash, user_code, client_id, device_label, requested_from, requested_at, expires_at, status)
		VALUES (?, ?, ?, 'difyctl', 'laptop', ?, ?, ?, 'pending')`

	sqlStarted = `INSERT INTO audit_events (id, time, event, client_id, device_label)
		VALUES (?, ?, 'oauth.device_flow_started', 'difyctl', 'laptop')`

	sqlLock = `SELECT id, token_id, subject_email, subject_issuer, client_id, device_label, status
		FROM device_authorizations WHERE device_code_hash = ?`

	sqlRevoke = `UPDATE oauth_access_tokens SET token_hash = NULL, revoked_at = ?
		WHERE subject_email = ? AND subject_issuer = ? AND client_id = ? AND device_label = ? AND revoked_at IS NULL`

	sqlMint = `INSERT INTO oauth_access_tokens
		(id, subject_email, subject_issuer, client_id, device_label, prefix, token_hash, created_at, expires_at)
		VALUES (?, ?, ?, ?, ?, 'dfoe_', ?, ?, ?)`

	sqlRedeemed = `UPDATE device_authorizations SET status = 'redeemed', redeemed_at = ?, redeemed_from = '127.0.0.1' WHERE id = ?`

	sqlAudit = `INSERT INTO audit_events (id, time, event, subject_email, subject_issuer, token_id, client_id, device_label)
		VALUES (?, ?, 'oauth.token_minted', ?, ?, ?, ?, ?)`
)

// redeemedRow is what sqlLock reads.
type redeemedRow struct{ id, tokenID, email, issuer, clientID, label, status string }

func (r *redeemedRow) columns() []any {
	return []any{&r.id, &r.tokenID, &r.email, &r.issuer, &r.clientID, &r.label, &r.status}
}
