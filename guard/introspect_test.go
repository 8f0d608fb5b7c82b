package guard_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/guard"
	"github.com/devicegate/devicegate/guard/guardtest"
)

// newTCPServer serves h at the returned address.
func newTCPServer(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func TestTheQuestionIsThatOfRFC7662(t *testing.T) {
	config := answering(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if got, want := string(body), "token="+wellFormed+"&token_type_hint=access_token"; got != want {
			t.Errorf("got body %s, want %s", got, want)
		}
		// RFC 6749 §2.3.1: form-encoded before Basic.
		if id, secret, _ := r.BasicAuth(); id != "reports%3Aapi" || secret != "s%C3%A9+cret%25" {
			t.Errorf("got credentials %q %q, want them form-encoded", id, secret)
		}
		if got, want := r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"; r.Method != http.MethodPost || got != want {
			t.Errorf("got %s with %s, want POST with %s", r.Method, got, want)
		}
		return response(200, `{"active":true,"scope":"a  b","client_id":"difyctl","username":"ada@acme.example","token_type":"Bearer",
			"exp":4102444800,"iat":1700000000,"sub":"s1","iss":"https://idp.acme.example","aud":"reports","jti":"t1","more":[1]}`), nil
	})
	config.ClientID, config.ClientSecret = "reports:api", "sé cret%"
	g, err := guard.New(config)
	if err != nil {
		t.Fatal(err)
	}
	got, err := g.Verify(t.Context(), wellFormed)
	want := guard.Token{
		ID: "t1", Subject: "s1", Username: "ada@acme.example", Issuer: "https://idp.acme.example", ClientID: "difyctl",
		Scopes: []string{"a", "b"}, Audience: []string{"reports"},
		IssuedAt: time.Unix(1700000000, 0), ExpiresAt: time.Unix(4102444800, 0),
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
}

// reply is what a server answers.
type reply struct {
	status int
	body   string
	header []string // name, value, …
}

func TestAnInvalidAnswerIsUnavailable(t *testing.T) {
	for _, c := range []struct {
		name       string
		answer     reply // none: the network fails
		reason     string
		retryAfter string
		outage     bool
	}{
		{"network", reply{}, "connection refused", "1", true},
		{"500", reply{status: 500, body: "oops"}, "500", "1", true},
		{"503 with Retry-After", reply{status: 503, body: "", header: []string{"Retry-After", "7"}}, "503", "7", true},
		{"429 with a far Retry-After", reply{status: 429, body: "", header: []string{"Retry-After", "86400"}}, "429", "60", true},
		{"503 with a date", reply{status: 503, body: "", header: []string{"Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"}}, "503", "1", true},
		{"503 with a negative number", reply{status: 503, body: "", header: []string{"Retry-After", "-5"}}, "503", "1", true},
		{"credentials refused", reply{status: 401, body: `{"error":"invalid_client"}`}, "ClientID and ClientSecret", "1", false},
		{"forbidden", reply{status: 403, body: ""}, "ClientID and ClientSecret", "1", false},
		{"redirect", reply{status: 307, body: "", header: []string{"Location", "https://elsewhere.example/"}}, "307", "1", false},
		{"404", reply{status: 404, body: ""}, "404", "1", false},
		{"400", reply{status: 400, body: `{"active":true}`}, "400", "1", false},
		{"201", reply{status: 201, body: `{"active":true}`}, "201", "1", false},
		{"a page", reply{status: 200, body: "<html>"}, "RFC 7662", "1", false},
		{"empty", reply{status: 200, body: ""}, "RFC 7662", "1", false},
		{"active missing", reply{status: 200, body: `{"sub":"ada"}`}, "RFC 7662", "1", false},
		{"active null", reply{status: 200, body: `{"active":null}`}, "RFC 7662", "1", false},
		{"active in quotes", reply{status: 200, body: `{"active":"true"}`}, "RFC 7662", "1", false},
		{"a list", reply{status: 200, body: `[{"active":true}]`}, "RFC 7662", "1", false},
		{"two objects", reply{status: 200, body: `{"active":true}{"active":false}`}, "RFC 7662", "1", false},
		{"exp no number", reply{status: 200, body: `{"active":true,"exp":"soon"}`}, "RFC 7662", "1", false},
		{"exp too far", reply{status: 200, body: `{"active":true,"exp":1e300}`}, "RFC 7662", "1", false},
		{"iat negative", reply{status: 200, body: `{"active":true,"iat":-1}`}, "RFC 7662", "1", false},
		{"aud no string", reply{status: 200, body: `{"active":true,"aud":7}`}, "RFC 7662", "1", false},
		{"too large", reply{status: 200, body: `{"active":true}` + strings.Repeat(" ", 70_000)}, "too large", "1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, healthy := 0, true
			config := answering(func(*http.Request) (*http.Response, error) {
				calls++
				switch {
				case healthy:
					return response(200, `{"active":true}`), nil
				case c.answer.status == 0:
					return nil, errors.New("connection refused")
				default:
					return response(c.answer.status, c.answer.body, c.answer.header...), nil
				}
			})
			config.MaxAge, config.OutageMaxAge = time.Nanosecond, time.Hour
			g, err := guard.New(config)
			if err != nil {
				t.Fatal(err)
			}
			healthy = false
			_, err = g.Verify(t.Context(), wellFormed)
			if !errors.Is(err, guard.ErrUnavailable) || !strings.Contains(err.Error(), c.reason) {
				t.Fatalf("got %v, want ErrUnavailable because of %s", err, c.reason)
			}
			if calls != 1 {
				t.Errorf("got %d calls, want 1", calls)
			}
			w := get(g.Middleware(echo), "Bearer "+wellFormed)
			if got := w.Header().Get("Retry-After"); w.Code != 503 || got != c.retryAfter {
				t.Errorf("got %d with Retry-After %q, want 503 with %s", w.Code, got, c.retryAfter)
			}
			if got := w.Header().Get("WWW-Authenticate"); got != "" {
				t.Errorf("got challenge %s, want none: the token may be valid", got)
			}

			// With an answer that is kept, only an outage lets it be used.
			healthy = true
			other := "dfoa_" + strings.Repeat("B", 43)
			if _, err := g.Verify(t.Context(), other); err != nil {
				t.Fatal(err)
			}
			healthy = false
			if _, err := g.Verify(t.Context(), other); (err == nil) != c.outage {
				t.Errorf("got %v with a kept answer, want it used: %v", err, c.outage)
			}
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	s := guardtest.NewServer()
	elsewhere := 0
	target := newTCPServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere++
		s.ServeHTTP(w, r)
	}))
	first := newTCPServer(t, http.RedirectHandler(target, http.StatusTemporaryRedirect))
	g := build(t, s, func(c *guard.Config) { c.Endpoint, c.HTTPClient = first, nil })
	if err := verify(t, g, s.Issue(guard.Token{})); !errors.Is(err, guard.ErrUnavailable) || elsewhere != 0 {
		t.Errorf("got %v and %d requests elsewhere, want ErrUnavailable and none", err, elsewhere)
	}
}

func TestAudienceHasToFit(t *testing.T) {
	s := guardtest.NewServer()
	g := build(t, s, func(c *guard.Config) { c.Audience = "reports" })
	for _, c := range []struct {
		audience []string
		want     error
	}{
		{nil, guard.ErrInvalidToken},
		{[]string{"billing"}, guard.ErrInvalidToken},
		{[]string{"reports"}, nil},
		{[]string{"billing", "reports"}, nil},
	} {
		if err := verify(t, g, s.Issue(guard.Token{Audience: c.audience})); !errors.Is(err, c.want) {
			t.Errorf("audience %q: got %v, want %v", c.audience, err, c.want)
		}
	}
}

func TestRequireChecksumRefusesLookAlikesUnasked(t *testing.T) {
	s := guardtest.NewServer()
	g := build(t, s, func(c *guard.Config) { c.RequireChecksum = true })
	if err := verify(t, g, s.Issue(guard.Token{})); err != nil {
		t.Errorf("got %v, want a valid token", err)
	}
	before := s.Calls()
	if err := verify(t, g, wellFormed); !errors.Is(err, guard.ErrInvalidToken) || s.Calls() != before {
		t.Errorf("got %v and %d calls more, want ErrInvalidToken and none", err, s.Calls()-before)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	const secret = "s3cret+and/more"
	var logs bytes.Buffer
	config := answering(func(r *http.Request) (*http.Response, error) {
		_, encoded, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		return nil, fmt.Errorf("cannot send %s with %s or %s", body, encoded, secret)
	})
	config.ClientSecret = secret
	config.Logger = slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g, err := guard.New(config)
	if err != nil {
		t.Fatal(err)
	}
	_, failure := g.Verify(t.Context(), wellFormed)
	w := get(g.Middleware(echo), "Bearer "+wellFormed)
	slog.New(slog.NewJSONHandler(&logs, nil)).Info("settings", "config", config)
	asJSON, _ := json.Marshal(struct{ ClientID, ClientSecret any }{config.ClientID, nil})
	bad := config
	bad.Endpoint = "https://user:" + secret + "@sso.example.com/\x7f"
	_, refused := guard.New(bad)
	printed := strings.Join([]string{
		logs.String(), failure.Error(), w.Body.String(), string(asJSON), refused.Error(),
		fmt.Sprintf("%v %+v %#v %s", config, config, config, config), fmt.Sprintf("%v %+v %#v", g, g, g),
	}, "\n")
	for _, kept := range []string{wellFormed, secret, "s3cret%2Band%2Fmore"} {
		if strings.Contains(printed, kept) {
			t.Errorf("got %q printed, want it left out:\n%s", kept, printed)
		}
	}
	if got := strings.Count(logs.String(), "token introspection fails"); got != 1 {
		t.Errorf("got %d log lines for one outage, want 1:\n%s", got, logs.String())
	}
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	ok := guard.Config{Endpoint: "https://sso.example.com/oauth2/introspect", ClientID: "api", ClientSecret: "secret"}
	for _, c := range []struct {
		name   string
		change func(*guard.Config)
		want   []string
	}{
		{"complete", func(*guard.Config) {}, nil},
		{"this host without TLS", func(c *guard.Config) { c.Endpoint = "http://127.0.0.1:8080/oauth2/introspect" }, nil},
		{"IPv6", func(c *guard.Config) { c.Endpoint = "http://[::1]:8080/oauth2/introspect" }, nil},
		{"without TLS, permitted", func(c *guard.Config) { c.Endpoint, c.AllowHTTP = "http://devicegate:8080/", true }, nil},
		{"without TLS", func(c *guard.Config) { c.Endpoint = "http://devicegate:8080/" }, []string{"AllowHTTP"}},
		{"nothing", func(c *guard.Config) { *c = guard.Config{} }, []string{"Endpoint", "ClientID", "ClientSecret"}},
		{"relative", func(c *guard.Config) { c.Endpoint = "/oauth2/introspect" }, []string{"absolute"}},
		{"a password", func(c *guard.Config) { c.Endpoint = "https://a:b@sso.example.com/" }, []string{"password"}},
		{"negative", func(c *guard.Config) { c.MaxEntries, c.Timeout, c.OutageMaxAge = -1, -1, -1 }, []string{"MaxEntries", "Timeout", "OutageMaxAge"}},
		{"outage without answers", func(c *guard.Config) { c.MaxAge, c.OutageMaxAge = -1, 1 }, []string{"OutageMaxAge"}},
		{"realm", func(c *guard.Config) { c.Realm = "a\"b" }, []string{"Realm"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := ok
			c.change(&config)
			_, err := guard.New(config)
			if (err == nil) != (c.want == nil) {
				t.Fatalf("got %v, want problems %q", err, c.want)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want it to name %s", err, want)
				}
			}
		})
	}
}
