package database_test

import (
	"context"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// A sweep neither waits for a row that a request has locked nor deletes it.
func TestASweepSkipsLockedRows(t *testing.T) {
	db := postgres(t).Migrated(t)
	s := database.NewStore(db)
	locked, started := start()
	free, alsoStarted := start()
	future := locked.Snapshot().ExpiresAt.Add(time.Hour)
	err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		if err := tx.Authorizations().Add(ctx, locked, started); err != nil {
			return err
		}
		return tx.Authorizations().Add(ctx, free, alsoStarted)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		if _, err := tx.Authorizations().ByID(ctx, locked.Snapshot().ID); err != nil {
			return err
		}
		return database.NewStore(db).Within(5*time.Second).Update(ctx, func(ctx context.Context, tx ports.Tx) error {
			n, err := tx.Authorizations().DeleteExpired(ctx, future, 10)
			if n != 1 {
				t.Errorf("got %d rows, want the one that is not locked", n)
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The end of a token that a request has locked waits for the next sweep.
func TestTokensThatAreLockedAreLeftOut(t *testing.T) {
	db := postgres(t).Migrated(t)
	s := database.NewStore(db)
	var ids []uid.ID
	email, err := identity.ParseEmail("ann@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"locked", "free"} {
		now := ports.SystemClock()
		of := token.Device{Email: email, Issuer: "https://idp.acme.example", ClientID: "difyctl", Label: label}
		issued, _, minted := token.Mint(token.Order{ID: uid.New(now), Device: of, Subject: identity.ExternalSSO, Lifetime: token.Lifetime(time.Hour)}, now, request.Origin{})
		ids = append(ids, issued.Snapshot().ID)
		if err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Add(ctx, issued, minted) }); err != nil {
			t.Fatal(err)
		}
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		if _, err := tx.Tokens().ByID(ctx, ids[0]); err != nil {
			return err
		}
		return database.NewStore(db).Within(5*time.Second).Update(ctx, func(ctx context.Context, tx ports.Tx) error {
			got, err := tx.Tokens().Lock(ctx, ids)
			if len(got) != 1 || got[0].Snapshot().ID != ids[1] {
				t.Errorf("got %d tokens, want the one that is not locked", len(got))
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The tokens of accounts are another issuer's, which has a retention of its own.
func TestSweepsLeaveTheTokensOfAccountsAlone(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		foreignToken(t, db, "01890000-0000-7000-8000-000000000001", "ann@example.com", "'dify:account'")
		future := time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC)
		err := database.NewStore(db).View(t.Context(), func(ctx context.Context, r ports.Reader) error {
			for name, query := range map[string]func() ([]uid.ID, error){
				"Overdue": func() ([]uid.ID, error) { return r.Tokens().Overdue(ctx, future, 10) },
				"Ended":   func() ([]uid.ID, error) { return r.Tokens().Ended(ctx, future, 10) },
			} {
				if got, err := query(); len(got) != 0 || err != nil {
					t.Errorf("%s: got %v, %v, want none", name, got, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
