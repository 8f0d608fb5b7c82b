package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/bootstrap/demo"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/ports"
)

// redisServer is one that a test may flush and stop.
type redisServer = *services.Server

func fixtureWithRedis(t *testing.T) (*fixture, redisServer) {
	database, redis := databasetest.Postgres(t), services.PrivateRedis(t)
	return newFixture(t, database, redis.URL()), redis
}

// liveTokens counts the rows that an API would accept.
func (w *fixture) liveTokens() int64 {
	w.t.Helper()
	db, err := database.Open(database.Config{URL: w.Env["DATABASE_URL"]})
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	n, err := db.NewSelect().Table("oauth_access_tokens").Where("revoked_at IS NULL").Count(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// firstUsedFrom is the address that the audit trail has for a token's first use.
func (w *fixture) firstUsedFrom(token string) string {
	w.t.Helper()
	db, err := database.Open(database.Config{URL: w.Env["DATABASE_URL"]})
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var used []audit.Event
	err = database.NewStore(db).View(w.t.Context(), func(ctx context.Context, r ports.Reader) (err error) {
		used, err = r.Audit().Events(ctx, ports.AuditFilter{Kind: audit.TokenFirstUsed})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range used {
		if e.TokenID.String() == token {
			return e.Origin.IP.String()
		}
	}
	return ""
}

// standardClient polls by the standard OAuth routes.
type standardClient string

func (c standardClient) poll(ctx context.Context, deviceCode string) (t demo.Token, refused string, err error) {
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {"difyctl"}, "device_code": {deviceCode},
	}
	resp, err := http.PostForm(string(c)+"/oauth2/token", form)
	if err != nil {
		return t, "", err
	}
	defer resp.Body.Close()
	var body struct {
		demo.Token
		Error string `json:"error"`
	}
	err = json.NewDecoder(resp.Body).Decode(&body)
	return body.Token, body.Error, err
}
