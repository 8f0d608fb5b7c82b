package database_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

// foreignToken is what a Dify API that shares the table writes. issuer is SQL.
func foreignToken(t *testing.T, db *bun.DB, id, email, issuer string) secret.Digest {
	t.Helper()
	digest := secret.New("token", "dfoa_"+id).Digest()
	execute(t, db, `INSERT INTO oauth_access_tokens
		(id, subject_email, subject_issuer, account_id, client_id, device_label, prefix, token_hash, created_at, expires_at)
		VALUES (?, ?, `+issuer+`, '01890000-0000-7000-8000-00000000000a', 'difyctl', 'laptop', 'dfoa_', ?,
		'2026-11-25 00:00:00.000000+00:00', '2099-01-01 00:00:00.000000+00:00')`, id, email, digest.Hex())
	return digest
}

func TestTokensOfAnotherIssuerInTheSharedTable(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		s := database.NewStore(db)
		now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		for i, row := range []struct{ email, issuer, want string }{
			{"ann@example.com", "'dify:account'", "ann@example.com"},
			{"Ann@Example.COM", "NULL", "ann@example.com"},
			{"not an address", "NULL", ""},
			{"guest#EXT#@example.com", "''", ""},
			{"", "''", ""},
		} {
			t.Run(fmt.Sprintf("%q", row.email), func(t *testing.T) {
				id := fmt.Sprintf("01890000-0000-7000-8000-%012d", i)
				digest := foreignToken(t, db, id, row.email, row.issuer)
				err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
					issued, err := tx.Tokens().ByDigest(ctx, digest)
					if err != nil {
						return err
					}
					if got := issued.Snapshot().Device.Email.String(); got != row.want {
						t.Errorf("the address is %q, want %q", got, row.want)
					}
					if issued.SubjectType() != identity.Account || issued.Valid(now) != nil {
						t.Errorf("got a token of type %v, valid: %v, want a valid one of an account", issued.SubjectType(), issued.Valid(now))
					}
					revoked, _ := issued.Revoke("session_ended", audit.ClientOf("difyctl"), now, request.Origin{})
					return tx.Tokens().Save(ctx, issued, revoked)
				})
				if err != nil {
					t.Fatal(err)
				}
				kept := count(t, db, `SELECT count(*) FROM oauth_access_tokens WHERE id = ? AND subject_email = ?
					AND coalesce(subject_issuer, '-') = coalesce(`+row.issuer+`, '-')
					AND account_id IS NOT NULL AND token_hash IS NULL AND revoked_at IS NOT NULL`, id, row.email)
				if kept != 1 {
					t.Errorf("got %d rows with nothing but the end changed, want 1", kept)
				}
			})
		}
	})
}

func TestARevokedTokenThatKeptItsHashIsRefused(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		digest := foreignToken(t, db, "01890000-0000-7000-8000-000000000001", "ann@example.com", "NULL")
		execute(t, db, "UPDATE oauth_access_tokens SET revoked_at = '2026-11-25 00:00:00.000000+00:00'")
		err := database.NewStore(db).View(t.Context(), func(ctx context.Context, r ports.Reader) error {
			issued, err := r.Tokens().ByDigest(ctx, digest)
			if err == nil && issued.Valid(time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)) == nil {
				t.Error("got a valid token, want it refused")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// What a Dify API reads of a token that we made.
func TestOurTokensAsOthersReadThem(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		email, err := identity.ParseEmail("ann@example.com")
		if err != nil {
			t.Fatal(err)
		}
		of := token.Device{Email: email, Issuer: "https://idp.example", ClientID: "difyctl", Label: "laptop"}
		now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		issued, clear, minted := token.Mint(token.Order{ID: uid.New(now), Device: of, Subject: identity.ExternalSSO, Lifetime: token.Lifetime(time.Hour)}, now, request.Origin{})
		err = database.NewStore(db).Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			return tx.Tokens().Add(ctx, issued, minted)
		})
		if err != nil {
			t.Fatal(err)
		}
		n := count(t, db, `SELECT count(*) FROM oauth_access_tokens WHERE id = ? AND subject_email = 'ann@example.com'
			AND subject_issuer = 'https://idp.example' AND account_id IS NULL AND client_id = 'difyctl' AND device_label = 'laptop'
			AND prefix = 'dfoe_' AND token_hash = ? AND revoked_at IS NULL AND last_used_at IS NULL
			AND expires_at = '2026-11-25 13:00:00.000000+00:00'`, issued.Snapshot().ID.String(), clear.Digest().Hex())
		if n != 1 {
			t.Errorf("got %d rows as the older service writes them, want 1", n)
		}
	})
}

func TestEachEventIsKeptOnceWithEveryField(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		e := audit.New(audit.LoginFailed, audit.Anonymous, time.Date(2026, 11, 25, 1, 2, 3, 4000, time.UTC), request.Origin{ID: "req-1", UserAgent: "test/1"})
		e.ClientID, e.DeviceLabel, e.Scopes = "difyctl", "laptop", []string{"apps:run", "full"}
		e.Connection, e.Mount, e.Reason, e.Detail = "acme", "legacy", "audience_mismatch", "expected a, received b"
		err := database.NewStore(db).Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			for range 3 {
				if err := tx.Audit().Record(ctx, e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		n := count(t, db, `SELECT count(*) FROM audit_events WHERE id = ? AND time = '2026-11-25 01:02:03.000004+00:00'
			AND event = 'sso.login_failed' AND subject_type IS NULL AND subject_email IS NULL AND token_id IS NULL
			AND client_id = 'difyctl' AND device_label = 'laptop' AND scopes = 'apps:run full' AND connection = 'acme'
			AND mount = 'legacy' AND reason = 'audience_mismatch' AND detail = 'expected a, received b'
			AND ip IS NULL AND user_agent = 'test/1' AND request_id = 'req-1'`, e.ID.String())
		if n != 1 || count(t, db, "SELECT count(*) FROM audit_events") != 1 {
			t.Errorf("got %d rows that match the event, want 1 and no others", n)
		}
	})
}

func TestDifyAccounts(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		porttest.Accounts(t, func(t *testing.T, addresses ...string) ports.Accounts {
			db := engine.Empty(t)
			execute(t, db, "CREATE TABLE accounts (id varchar(36), email varchar(255))")
			for _, address := range addresses {
				execute(t, db, "INSERT INTO accounts VALUES ('1', '"+address+"')")
			}
			return database.NewDifyAccounts(db)
		})
	})
}

// The schema repeats the domain's rules, so that no defect stores what no move
// leads to.
func TestImpossibleStatesCannotBeStored(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		const id, at = "'01890000-0000-7000-8000-000000000001'", "'2026-11-25 00:00:00.000000+00:00'"
		insert := func(set string) error {
			columns, values := "id, device_code_hash, user_code, client_id, requested_at, expires_at", strings.Join([]string{id, "'h'", "'c'", "'difyctl'", at, at}, ", ")
			for _, pair := range strings.Split(set, ";") {
				column, value, _ := strings.Cut(pair, "=")
				columns, values = columns+", "+column, values+", "+value
			}
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback() }()
			_, err = tx.ExecContext(t.Context(), "INSERT INTO device_authorizations ("+columns+") VALUES ("+values+")")
			return err
		}
		const someone = ";subject_email='a@b.c';subject_issuer='i';decided_at=" + at
		for _, possible := range []string{
			"status='pending'", "status='denied'" + someone, "status='approved'" + someone + ";token_id=" + id,
			"status='redeemed'" + someone + ";token_id=" + id + ";redeemed_at=" + at,
		} {
			if err := insert(possible); err != nil {
				t.Errorf("%s: got %v, want it stored", possible, err)
			}
		}
		for _, impossible := range []string{
			"status='lost'", "status='pending'" + someone, "status='denied'", "status='denied'" + someone + ";token_id=" + id,
			"status='approved'" + someone, "status='approved';token_id=" + id,
			"status='approved'" + someone + ";token_id=" + id + ";redeemed_at=" + at,
			"status='redeemed'" + someone + ";token_id=" + id, "status='denied';subject_email='a@b.c';decided_at=" + at,
		} {
			if insert(impossible) == nil {
				t.Errorf("%s: got it stored, want it refused", impossible)
			}
		}
	})
}

func TestAdministratorsFiltersMatchNoTokensOfAccounts(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		foreignToken(t, db, "01890000-0000-7000-8000-000000000001", "ann@example.com", "NULL")
		now := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
		err := database.NewStore(db).Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			for _, filter := range []token.Filter{{}, {ClientID: "difyctl"}} {
				found, total, err := tx.Tokens().Matching(ctx, filter, true, now, 0, 10)
				if err != nil || len(found) != 0 || total != 0 {
					t.Errorf("%s: got %d of %d tokens and %v, want none", filter, len(found), total, err)
				}
				digests, err := tx.Tokens().RevokeMatching(ctx, filter, now, func(n int) audit.Event {
					if n != 0 {
						t.Errorf("%s: got %d revoked tokens, want none", filter, n)
					}
					return audit.New(audit.TokensRevoked, audit.AdminOf("ann"), now, request.Origin{})
				})
				if err != nil || len(digests) != 0 {
					t.Errorf("%s: got %d digests and %v, want none", filter, len(digests), err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if count(t, db, "SELECT count(*) FROM oauth_access_tokens WHERE revoked_at IS NULL AND token_hash IS NOT NULL") != 1 {
			t.Error("got the token changed, want it as before")
		}
	})
}
