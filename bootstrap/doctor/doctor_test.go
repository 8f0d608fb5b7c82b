package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/bootstrap/config"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// load reads the smallest configuration with changes.
func load(t *testing.T, changes map[string]string) config.Config {
	t.Helper()
	vars := map[string]string{"PUBLIC_URL": "https://sso.example.com", "SECRET_KEY": strings.Repeat("k", 42), "DATA_DIR": t.TempDir(), "TRUSTED_PROXIES": "10.0.0.0/8"}
	maps.Copy(vars, changes)
	c, err := config.Load(vars)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// web answers by path; a path that it does not know is not found.
type web map[string]any // string: a body; error; *http.Response

func (w web) RoundTrip(r *http.Request) (*http.Response, error) {
	response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}
	switch answer := w[r.URL.Path].(type) {
	case error:
		return nil, answer
	case string:
		response.Body = io.NopCloser(strings.NewReader(answer))
	case *http.Response:
		answer.Body, answer.Request = http.NoBody, r
		return answer, nil
	default:
		response.StatusCode = http.StatusNotFound
	}
	return response, nil
}

const (
	versionPath  = "/openapi/v1/_version"
	metadataPath = "/.well-known/oauth-authorization-server"
)

// answering is the web with a service at https://sso.example.com.
func answering(changes web) web {
	w := web{versionPath: `{"version":"1.14.2","edition":"SELF_HOSTED"}`, metadataPath: `{"issuer":"https://sso.example.com"}`}
	maps.Copy(w, changes)
	return w
}

// want checks that one result of a check has the status and the words.
func want(t *testing.T, all []Result, check string, status Status, words string) {
	t.Helper()
	var got []Result
	for _, r := range all {
		if r.Check == check {
			got = append(got, r)
			if r.Status == status && strings.Contains(r.Found, words) {
				if (status == Fail || status == Warn) && r.Do == "" {
					t.Errorf("%s: %s: got no advice, want what to do", check, r.Found)
				}
				return
			}
		}
	}
	t.Errorf("%s: got %+v, want %s: %s", check, got, status, words)
}

func TestAFreshInstallationHasWarningsOnly(t *testing.T) {
	all := Examine(t.Context(), load(t, nil), Options{Offline: true})
	if Worst(all) != Warn {
		t.Errorf("got %s in %+v, want warnings", Worst(all), all)
	}
	want(t, all, "configuration", OK, "")
	want(t, all, "database", Warn, "is not there yet")
	want(t, all, "redis", Skipped, "")
	want(t, all, "keys", Warn, "no SAML key yet")
	want(t, all, "cookies", OK, "")
	want(t, all, "proxies", OK, "")
	want(t, all, "public URL", Skipped, "")
	want(t, all, "connections", Warn, "there are none")
}

func TestTheDoctorMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	Examine(t.Context(), load(t, map[string]string{"DATA_DIR": dir}), Options{Transport: answering(nil)})
	if _, err := os.Stat(dir); err == nil {
		t.Error("got the data folder made, want it left alone")
	}
}

func TestThePublicURLIsAskedFromOutside(t *testing.T) {
	for what, c := range map[string]struct {
		answers web
		status  Status
		words   string
	}{
		"devicegate":              {nil, OK, "devicegate answers"},
		"a name without address":  {web{versionPath: &net.DNSError{Err: "no such host", Name: "sso.example.com", IsNotFound: true}}, Fail, "cannot be resolved"},
		"nothing":                 {web{versionPath: errors.New("connect: connection refused")}, Fail, "nothing answers"},
		"silence":                 {web{versionPath: os.ErrDeadlineExceeded}, Fail, "nothing answers within"},
		"an unknown authority":    {web{versionPath: x509.UnknownAuthorityError{}}, Fail, "unknown authority"},
		"another name":            {web{versionPath: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}}, Fail, "for another name"},
		"an expired certificate":  {web{versionPath: x509.CertificateInvalidError{Reason: x509.Expired}}, Fail, "has expired"},
		"plain HTTP":              {web{versionPath: errors.New("http: server gave HTTP response to HTTPS client")}, Fail, "without TLS"},
		"a redirect":              {web{versionPath: &http.Response{StatusCode: 308, Header: http.Header{"Location": {"https://www.example.com/?token=x"}}}}, Fail, "redirect to https://www.example.com/"},
		"a proxy without backend": {web{versionPath: &http.Response{StatusCode: 502, Header: http.Header{}}}, Fail, "answers 502"},
		"another site":            {web{versionPath: "<html>"}, Fail, "something else"},
		"another PUBLIC_URL":      {web{metadataPath: `{"issuer":"http://localhost:8080"}`}, Fail, "another PUBLIC_URL: http://localhost:8080"},
		"no metadata":             {web{metadataPath: nil}, Warn, "find no metadata"},
	} {
		t.Run(what, func(t *testing.T) {
			all := Examine(t.Context(), load(t, nil), Options{Transport: answering(c.answers)})
			want(t, all, "public URL", c.status, c.words)
		})
	}
}

func TestCookiesThatBrowsersWouldDropAreFound(t *testing.T) {
	for what, c := range map[string]struct {
		vars   map[string]string
		status Status
		words  string
	}{
		"one host":             {nil, OK, ""},
		"two hosts, no domain": {map[string]string{"WEB_URL": "https://web.example.com"}, Fail, "COOKIE_DOMAIN is not set"},
		"two hosts":            {map[string]string{"WEB_URL": "https://web.example.com", "COOKIE_DOMAIN": "example.com"}, OK, ""},
		"two domains":          {map[string]string{"WEB_URL": "https://web.example.org"}, Fail, "share no domain"},
		"a public suffix":      {map[string]string{"PUBLIC_URL": "https://sso.acme.co.uk", "COOKIE_DOMAIN": "co.uk"}, Fail, "take no cookies for co.uk"},
		"no TLS":               {map[string]string{"PUBLIC_URL": "http://sso.example.com"}, Warn, "is http"},
		"on this machine":      {map[string]string{"PUBLIC_URL": "http://localhost:8080"}, OK, ""},
		"two schemes":          {map[string]string{"WEB_URL": "http://sso.example.com"}, Warn, "different schemes"},
	} {
		t.Run(what, func(t *testing.T) {
			want(t, Examine(t.Context(), load(t, c.vars), Options{Offline: true}), "cookies", c.status, c.words)
		})
	}
}

func TestTrustingEveryProxyFails(t *testing.T) {
	all := Examine(t.Context(), load(t, map[string]string{"TRUSTED_PROXIES": "0.0.0.0/0"}), Options{Offline: true})
	want(t, all, "proxies", Fail, "0.0.0.0/0")
	all = Examine(t.Context(), load(t, map[string]string{"TRUSTED_PROXIES": ""}), Options{Offline: true})
	want(t, all, "proxies", Warn, "TRUSTED_PROXIES is empty")
}

func TestTheSchemaIsChecked(t *testing.T) {
	at := "sqlite:" + filepath.ToSlash(filepath.Join(t.TempDir(), "test.db"))
	db := databasetest.Open(t, at) // makes the file
	examine := func(mode string) []Result {
		return Examine(t.Context(), load(t, map[string]string{"DATABASE_URL": at, "MIGRATE": mode}), Options{Offline: true})
	}
	want(t, examine("check"), "schema", Fail, "migrations are missing")
	want(t, examine("auto"), "schema", Warn, "migrations are missing")
	if err := database.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	all := examine("check")
	want(t, all, "database", OK, "SQLite")
	want(t, all, "schema", OK, "")
	want(t, all, "clock", Skipped, "")
	want(t, all, "background work", Warn, "no worker runs")
	want(t, all, "connections", Warn, "there are none")

	via, err := connection.New(connection.Settings{
		Slug: "acme", Domains: []string{"*"}, SAML: connection.SAMLSettings{MetadataURL: "https://idp.example/metadata"},
	})
	if err != nil {
		t.Fatal(err)
	}
	added, event := connection.Add(via, connection.Author{Actor: audit.AdminOf("ann"), At: time.Now()})
	err = databasetest.Store(t, db).Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		return tx.Connections().Add(ctx, added, event)
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, examine("check"), "connections", Warn, "acme: it may vouch for every e-mail address")
}

func TestRowsThatCannotBeReadAreFound(t *testing.T) {
	at := "sqlite:" + filepath.ToSlash(filepath.Join(t.TempDir(), "test.db"))
	db := databasetest.Open(t, at)
	if err := database.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO devicegate_clients (id, settings, version, changed_at) VALUES ('tv', '{"home_page":"ftp://x"}', 1, '2026-11-25 12:00:00.000000+00:00')`,
		`INSERT INTO idp_connections (slug, settings, revision, added_at, changed_at, changed_by) VALUES ('acme', '{"broker":"carrier-pigeon"}', 1, '2026-11-25 12:00:00.000000+00:00', '2026-11-25 12:00:00.000000+00:00', 'ops')`,
		`INSERT INTO idp_metadata (connection, facts, revision) VALUES ('beta', '[]', 1)`,
		`INSERT INTO phishing_incidents (id, source, source_kind, noticed_at, why, reported, held_until) VALUES ('01a227a0-809a-74c4-91bb-c694a57a069e', 'x', 'network', '2026-11-25 12:00:00.000000+00:00', 'people: 3', 0, '2226-11-25 12:00:00.000000+00:00')`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	all := Examine(t.Context(), load(t, map[string]string{"DATABASE_URL": at}), Options{Offline: true})
	want(t, all, "clients", Fail, `client "tv"`)
	want(t, all, "connections", Fail, `connection "acme"`)
	want(t, all, "connections", Fail, `metadata of connection "beta"`)
	want(t, all, "incidents", Fail, `incident "01a227a0-809a-74c4-91bb-c694a57a069e"`)
}

func TestAFileThatCannotBeOursIsNamed(t *testing.T) {
	folder := t.TempDir()
	at := "sqlite:" + filepath.ToSlash(filepath.Join(folder, "other.db"))
	if _, err := databasetest.Open(t, at).ExecContext(t.Context(), "CREATE TABLE dashboard (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
	all := Examine(t.Context(), load(t, map[string]string{"DATABASE_URL": at}), Options{Offline: true})
	want(t, all, "database", Fail, `the table "dashboard" and none of devicegate`)
	all = Examine(t.Context(), load(t, map[string]string{"DATABASE_URL": "sqlite:" + filepath.ToSlash(folder)}), Options{Offline: true})
	want(t, all, "database", Fail, filepath.ToSlash(folder)+": unable to open")
}

func TestStoresThatDoNotAnswerFailWithoutANetwork(t *testing.T) {
	c := load(t, map[string]string{"DATABASE_URL": "postgres://gate:hunter2@127.0.0.1:1/x", "REDIS_URL": "redis://:hunter2@127.0.0.1:1"})
	all := Examine(t.Context(), c, Options{Transport: web{versionPath: &net.DNSError{Err: "server misbehaving", IsTemporary: true}}})
	want(t, all, "database", Fail, "refused")
	want(t, all, "redis", Fail, "does not answer")
	want(t, all, "public URL", Fail, "cannot be resolved")
	for _, r := range all {
		if strings.Contains(r.Found+r.Do, "hunter2") || strings.Contains(r.Found, "\n") {
			t.Errorf("%s: got %q, want one line without the password", r.Check, r.Found)
		}
	}
}

func TestClocksAreCompared(t *testing.T) {
	for ahead, status := range map[time.Duration]Status{0: OK, 20 * time.Second: Warn, -20 * time.Second: Warn, 10 * time.Minute: Fail, -10 * time.Minute: Fail} {
		x := &examination{Config: load(t, nil)}
		x.clock("the database", time.Now().Add(-ahead))
		want(t, x.found, "clock", status, "")
	}
}

func TestInvalidSettingsAreListed(t *testing.T) {
	_, err := config.Load(map[string]string{"SECRET_KEY": "hunter2"})
	all := Misconfigured(err)
	want(t, all, "configuration", Fail, "PUBLIC_URL: is required")
	want(t, all, "configuration", Fail, "SECRET_KEY: has 7 bytes")
}

// TestWhatDoesNotAnswerHoldsUpNothingElse has a public URL that answers only when
// the mail server has been asked: in a row after it, neither would.
func TestWhatDoesNotAnswerHoldsUpNothingElse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	asked := make(chan struct{})
	go func() {
		if conn, err := l.Accept(); err == nil {
			close(asked)
			_ = conn.Close()
		}
	}()
	all := Examine(t.Context(), load(t, map[string]string{"SMTP_URL": "smtp://" + l.Addr().String(), "MAIL_FROM": "a@b.example"}), Options{
		Transport: waiting{asked, answering(nil)},
	})
	want(t, all, "public URL", OK, "")
	want(t, all, "mail", Fail, "")
}

// waiting answers when something has happened.
type waiting struct {
	what <-chan struct{}
	then web
}

func (w waiting) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-w.what:
		return w.then.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
