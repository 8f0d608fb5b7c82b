package database_test

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

var revoked = flag.Int("revoked", 50_000, "how many tokens BenchmarkRevokeMatching ends, of twice as many")

// BenchmarkRevokeMatching ends half of the tokens by a filter, together with the
// authorizations that were redeemed for them. Run it with -benchtime=1x.
func BenchmarkRevokeMatching(b *testing.B) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, engine := range databasetest.Engines() {
		for name, filter := range map[string]token.Filter{
			"issuer":     {Issuer: "https://one.example"},
			"connection": {Connection: "one"},
			"network":    {FetchedFrom: netip.MustParsePrefix("192.0.2.0/24")},
		} {
			b.Run(engine.Name+"/"+name, func(b *testing.B) {
				for range b.N {
					b.StopTimer()
					db := engine.Migrated(b)
					fillForRevocation(b, db)
					s := database.NewStore(db)
					b.StartTimer()
					err := s.Update(ports.WithBulkTime(b.Context()), func(ctx context.Context, tx ports.Tx) error {
						digests, err := tx.Tokens().RevokeMatching(ctx, filter, now, func(int) audit.Event {
							return audit.New(audit.TokensRevoked, audit.AdminOf("ops"), now, request.Origin{})
						})
						if err == nil && len(digests) != *revoked {
							b.Errorf("got %d tokens, want %d", len(digests), *revoked)
						}
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// fillForRevocation adds the tokens of two identity providers.
func fillForRevocation(b *testing.B, db *bun.DB) {
	b.Helper()
	uuid := ""
	if !strings.Contains(db.Dialect().Name().String(), "sqlite") {
		uuid = "::uuid"
	}
	number := "(100000000000 + i)"
	id := "('01890000-0000-7000-8000-' || " + number + ")" + uuid
	hash := "('" + strings.Repeat("0", 52) + "' || " + number + ")"
	rows := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", 2**revoked)
	for _, statement := range []string{
		`INSERT INTO oauth_access_tokens (id, subject_email, subject_issuer, client_id, device_label, prefix, token_hash, created_at, expires_at)
		` + rows + `SELECT ` + id + `, 'ann' || i || '@example.com', CASE WHEN i % 2 = 0 THEN 'https://one.example' ELSE 'https://two.example' END,
		'difyctl', 'laptop', 'dfoe_', ` + hash + `, '2026-11-25 00:00:00.000000+00:00', '2026-12-09 00:00:00.000000+00:00' FROM n`,
		`INSERT INTO device_authorizations (id, device_code_hash, user_code, client_id, device_label, requested_at, expires_at, status,
		subject_email, subject_issuer, token_id, decided_at, redeemed_at, redeemed_from, connection)
		` + rows + `SELECT ` + id + `, ` + hash + `, 'code ' || i, 'difyctl', 'laptop', '2026-11-25 00:00:00.000000+00:00', '2026-11-25 00:15:00.000000+00:00', 'redeemed',
		'ann@example.com', 'https://one.example', ` + id + `, '2026-11-25 00:00:00.000000+00:00', '2026-11-25 00:00:00.000000+00:00',
		CASE WHEN i % 2 = 0 THEN '192.0.2.7' ELSE '198.51.100.7' END, CASE WHEN i % 2 = 0 THEN 'one' ELSE 'two' END FROM n`,
	} {
		if _, err := db.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
}
