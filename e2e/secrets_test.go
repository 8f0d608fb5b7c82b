package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/redis/rueidis"
	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database"
)

func TestAJourneyLeavesNoSecretBehind(t *testing.T) { // D25, T04, T06
	t.Parallel()
	w := productionWorld(t)
	w.serve()
	device := w.device()
	codes := w.start(device)

	c := w.client()
	response := c.response(codes, "alice")
	accepted := c.do(http.MethodPost, w.public+"/openapi/v1/oauth/device/sso-complete", response, nil)
	back, err := accepted.Location()
	if err != nil {
		t.Fatal(err)
	}
	c.do(http.MethodGet, back.String(), nil, nil)
	var context struct {
		CSRF string `json:"csrf_token"`
	}
	described := c.do(http.MethodGet, w.public+"/openapi/v1/oauth/device/approval-context", nil, nil)
	if err := json.NewDecoder(described.Body).Decode(&context); err != nil {
		t.Fatal(err)
	}
	approved := c.do(http.MethodPost, w.public+"/openapi/v1/oauth/device/approve-external",
		url.Values{"user_code": {codes.UserCode}}, http.Header{"X-Csrf-Token": {context.CSRF}})
	if approved.StatusCode != http.StatusOK {
		t.Fatalf("approve: got %s, want 200", approved.Status)
	}
	token := w.polls(device, codes, "")
	w.works(device, token, http.StatusOK)

	secrets := map[string]string{
		"device code": codes.DeviceCode, "token": token.AccessToken, "CSRF token": context.CSRF,
		"relay state": response.Get("RelayState"), "SAML response": response.Get("SAMLResponse"),
		"ticket": back.Query().Get("ticket"), "secret key": w.env["SECRET_KEY"],
	}
	public, _ := url.Parse(w.public)
	for _, cookie := range c.jar.Cookies(public) {
		secrets["cookie "+cookie.Name] = cookie.Value
	}
	for where, text := range map[string]string{"the log": w.logs.String(), "the database": w.databaseDump(), "Redis": w.redisDump()} {
		for what, secret := range secrets {
			for form, written := range map[string]string{
				"": secret, " in base64": base64.StdEncoding.EncodeToString([]byte(secret)),
				" in hex": hex.EncodeToString([]byte(secret)), " in a URL": url.QueryEscape(secret),
			} {
				if strings.Contains(text, written) {
					t.Errorf("got in %s the %s%s, want it nowhere", where, what, form)
				}
			}
		}
	}
	if !strings.Contains(w.databaseDump(), "oauth.token_minted") {
		t.Error("got an empty dump, want the events of the journey")
	}
}

// databaseDump is every row of every table as text.
func (w *fixture) databaseDump() string {
	w.t.Helper()
	db, err := database.Open(database.Config{URL: w.env["DATABASE_URL"]})
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var tables []string
	if err := db.NewRaw(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`).Scan(w.t.Context(), &tables); err != nil {
		w.t.Fatal(err)
	}
	var dump strings.Builder
	for _, table := range tables {
		var rows []string
		if err := db.NewRaw(`SELECT t::text FROM ? AS t`, bun.Ident(table)).Scan(w.t.Context(), &rows); err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintln(&dump, table, rows)
	}
	return dump.String()
}

// redisDump is every key with its value.
func (w *fixture) redisDump() string {
	w.t.Helper()
	option, err := rueidis.ParseURL(w.env["REDIS_URL"])
	if err != nil {
		w.t.Fatal(err)
	}
	client, err := rueidis.NewClient(option)
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	keys, err := client.Do(w.t.Context(), client.B().Keys().Pattern("*").Build()).AsStrSlice()
	if err != nil {
		w.t.Fatal(err)
	}
	dump := strings.Join(keys, "\n")
	for _, key := range keys {
		value, _ := client.Do(w.t.Context(), client.B().Dump().Key(key).Build()).ToString()
		dump += "\n" + value
	}
	return dump
}
