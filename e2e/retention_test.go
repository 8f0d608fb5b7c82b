package e2e

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
)

// OAUTH_ACCESS_TOKEN_RETENTION_DAYS says when a token that has ended goes (F54).
func TestATokenIsKeptForItsRetention(t *testing.T) {
	for name, c := range map[string]struct {
		days string
		gone bool
	}{
		"a day longer than it is over":  {"41", false},
		"a day shorter":                 {"39", true},
		"the default, which is shorter": {"", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := embeddedWorld(t)
			w.Env["WITH_WORKER"] = "off"
			stop := w.serve()
			d := w.device()
			codes := w.start(d)
			w.ends(w.person("alice", "approve"), codes, "approved")
			token := w.redeems(d, codes)
			if resp := w.revokes(token.AccessToken); resp.StatusCode != 200 {
				t.Fatalf("got %s for the revocation, want 200", resp.Status)
			}
			stop()
			db, err := database.Open(database.Config{URL: w.Env["DATABASE_URL"]})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			before := time.Now().UTC().AddDate(0, 0, -40).Format("2006-01-02 15:04:05.000000+00:00")
			if _, err := db.ExecContext(t.Context(), "UPDATE oauth_access_tokens SET created_at = ?, expires_at = ?, revoked_at = ?", before, before, before); err != nil {
				t.Fatal(err)
			}

			w.Env["WITH_WORKER"] = "on"
			if c.days != "" {
				w.Env["OAUTH_ACCESS_TOKEN_RETENTION_DAYS"] = c.days
			}
			w.serve()
			w.eventually("the sweep of tokens has run", func() bool {
				n, err := db.NewSelect().Table("river_job").Where("kind = 'sweep_tokens' AND state = 'completed'").Count(t.Context())
				return err == nil && n > 0
			})
			left, err := db.NewSelect().Table("oauth_access_tokens").Count(t.Context())
			if err != nil || (left == 0) != c.gone {
				t.Errorf("got %d tokens (%v), want it gone: %t", left, err, c.gone)
			}
		})
	}
}
