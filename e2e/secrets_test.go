package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/redis/rueidis"
	"github.com/uptrace/bun"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/bootstrap/demo"
)

func TestAJourneyLeavesNoSecretBehind(t *testing.T) { // D25, T04, T06
	t.Parallel()
	w := productionWorld(t)
	w.spans = tracetest.NewInMemoryExporter()
	w.serve()
	secrets, _ := w.journeyWithSecrets()
	w.holdsNone(secrets, map[string]string{
		"the log": w.Logs.String(), "the database": w.databaseDump(), "Redis": w.redisDump(), "the spans": w.spanDump(),
	})
	if !strings.Contains(w.databaseDump(), "oauth.token_minted") {
		t.Error("got an empty dump, want the events of the journey")
	}
	w.hasSpans("POST /openapi/v1/oauth/device/token", "saml begin", "saml verify", "redis check_poll", "redis count", "UPDATE device_authorizations")
}

// The user code is a secret as long as it is pending, and the e-mail address is
// personal: neither has a place in a span.
func TestSpansHoldNothingOfAJourneyInSQLite(t *testing.T) {
	t.Parallel()
	database, redis := embedded.open(t)
	w := newFixture(t, database, redis)
	w.spans = tracetest.NewInMemoryExporter()
	w.serve()
	secrets, codes := w.journeyWithSecrets()
	secrets["user code"], secrets["e-mail address"] = codes.UserCode, "alice@acme.example"
	w.holdsNone(secrets, map[string]string{"the spans": w.spanDump()})
	if dump := w.spanDump(); strings.ContainsAny(dump, "?") || strings.Contains(dump, "://") {
		t.Error("got a query or an address in the spans, want neither")
	}
	w.hasSpans("POST /openapi/v1/oauth/device/token", "saml begin", "saml verify", "UPDATE device_authorizations")
	for _, line := range strings.Split(w.Logs.String(), "\n") {
		if strings.Contains(line, `"request_id"`) && !strings.Contains(line, `"trace_id"`) {
			t.Errorf("got the line %s, want a trace_id beside the request_id", line)
		}
	}
}

// journeyWithSecrets signs in, approves and uses the token, and returns every
// secret that it met.
func (w *fixture) journeyWithSecrets() (map[string]string, demo.Codes) {
	t := w.t
	t.Helper()
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
	public, _ := url.Parse(w.public)
	secrets := map[string]string{}
	for _, cookie := range c.jar.Cookies(public) {
		secrets["cookie "+cookie.Name] = cookie.Value
	}
	approved := c.do(http.MethodPost, w.public+"/openapi/v1/oauth/device/approve-external",
		url.Values{"user_code": {codes.UserCode}}, http.Header{"X-Csrf-Token": {context.CSRF}})
	if approved.StatusCode != http.StatusOK {
		t.Fatalf("approve: got %s, want 200", approved.Status)
	}
	token := w.polls(device, codes, "")
	w.works(device, token, http.StatusOK)
	maps.Copy(secrets, map[string]string{
		"device code": codes.DeviceCode, "token": token.AccessToken, "CSRF token": context.CSRF,
		"relay state": response.Get("RelayState"), "SAML response": response.Get("SAMLResponse"),
		"ticket": back.Query().Get("ticket"), "secret key": w.Env["SECRET_KEY"],
	})
	for _, cookie := range c.jar.Cookies(public) {
		secrets["later cookie "+cookie.Name] = cookie.Value
	}
	return secrets, codes
}

// holdsNone searches texts for each secret, as it is and encoded.
func (w *fixture) holdsNone(secrets, texts map[string]string) {
	w.t.Helper()
	for what, secret := range secrets {
		if secret == "" {
			w.t.Fatalf("%s: got nothing, want a secret to search for", what)
		}
		for where, text := range texts {
			for form, written := range map[string]string{
				"": secret, " in base64": base64.StdEncoding.EncodeToString([]byte(secret)),
				" in hex": hex.EncodeToString([]byte(secret)), " in a URL": url.QueryEscape(secret),
			} {
				if strings.Contains(text, written) {
					w.t.Errorf("got in %s the %s%s, want it nowhere", where, what, form)
				}
			}
		}
	}
}

// spanDump is every name, attribute, event, link and status of the spans.
func (w *fixture) spanDump() string {
	var dump strings.Builder
	for _, s := range w.spans.GetSpans() {
		fmt.Fprintln(&dump, s.Name, s.Attributes, s.Events, s.Links, s.Status, s.SpanContext.TraceState(), s.Resource)
	}
	return dump.String()
}

func (w *fixture) hasSpans(names ...string) {
	w.t.Helper()
	for _, name := range names {
		if !slices.ContainsFunc(w.spans.GetSpans(), func(s tracetest.SpanStub) bool { return s.Name == name }) {
			w.t.Errorf("got no span %q, want one", name)
		}
	}
}

// databaseDump is every row of every table as text.
func (w *fixture) databaseDump() string {
	w.t.Helper()
	db, err := database.Open(database.Config{URL: w.Env["DATABASE_URL"]})
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
	option, err := rueidis.ParseURL(w.Env["REDIS_URL"])
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
