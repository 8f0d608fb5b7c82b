package guard_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/guard"
	"github.com/devicegate/devicegate/guard/guardtest"
)

func TestMiddlewareAnswersByRFC6750(t *testing.T) {
	s := guardtest.NewServer()
	good := s.Issue(guard.Token{Subject: "ada"})
	old := s.Issue(guard.Token{Subject: "ada", ExpiresAt: time.Now().Add(-time.Hour)})
	gone := s.Issue(guard.Token{Subject: "ada"})
	s.Revoke(gone)
	const bare, invalid = `Bearer realm="api"`, `Bearer realm="api", error="invalid_token", error_description="The token is not valid, or no longer."`
	for _, c := range []struct {
		name      string
		header    []string
		status    int
		code      string
		challenge string
		asks      int
	}{
		{"valid", []string{"Bearer " + good}, 200, "", "", 1},
		{"scheme in lower case", []string{"bearer " + good}, 200, "", "", 1},
		{"scheme in upper case", []string{"BEARER " + good}, 200, "", "", 1},
		{"several blanks", []string{"Bearer   " + good + " "}, 200, "", "", 1},
		{"no header", nil, 401, "unauthorized", bare, 0},
		{"no token", []string{"Bearer"}, 401, "unauthorized", bare, 0},
		{"another scheme", []string{"Basic " + good}, 401, "unauthorized", bare, 0},
		{"token without scheme", []string{good}, 401, "unauthorized", bare, 0},
		{"two headers", []string{"Bearer " + good, "Bearer " + good}, 400, "invalid_request", `Bearer realm="api", error="invalid_request"`, 0},
		{"unknown", []string{"Bearer " + wellFormed}, 401, "invalid_token", invalid, 1},
		{"expired", []string{"Bearer " + old}, 401, "invalid_token", invalid, 1},
		{"revoked", []string{"Bearer " + gone}, 401, "invalid_token", invalid, 1},
		{"truncated", []string{"Bearer " + good[:47]}, 401, "invalid_token", invalid, 0},
		{"too long", []string{"Bearer " + good + "A"}, 401, "invalid_token", invalid, 0},
		{"wrong prefix", []string{"Bearer xxxx_" + good[5:]}, 401, "invalid_token", invalid, 0},
		{"prefix in upper case", []string{"Bearer DFOE_" + good[5:]}, 401, "invalid_token", invalid, 0},
		{"wrong alphabet", []string{"Bearer " + good[:47] + "+"}, 401, "invalid_token", invalid, 0},
		{"two tokens", []string{"Bearer " + good + " " + good}, 401, "invalid_token", invalid, 0},
		{"a line break", []string{"Bearer " + good[:46] + "\r\n"}, 401, "invalid_token", invalid, 0},
		{"very long", []string{"Bearer dfoe_" + strings.Repeat("A", 1<<20)}, 401, "invalid_token", invalid, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := s.Calls()
			w := get(s.Guard().Middleware(echo), c.header...)
			if w.Code != c.status {
				t.Errorf("got status %d, want %d", w.Code, c.status)
			}
			if got := w.Header().Get("WWW-Authenticate"); got != c.challenge {
				t.Errorf("got challenge %s, want %s", got, c.challenge)
			}
			if got := s.Calls() - before; got != c.asks {
				t.Errorf("got %d calls of the server, want %d", got, c.asks)
			}
			if c.status == 200 {
				if got := w.Body.String(); got != "ada" {
					t.Errorf("got subject %q, want ada", got)
				}
				return
			}
			var body struct{ Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Error != c.code {
				t.Errorf("got body %s (%v), want error %s", w.Body, err, c.code)
			}
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("got Cache-Control %q, want no-store", got)
			}
		})
	}
}

func TestTokensInQueryAndBodyAreNotRead(t *testing.T) {
	s := guardtest.NewServer()
	form := url.Values{"access_token": {s.Issue(guard.Token{})}}.Encode()
	for _, r := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/?"+form, nil),
		httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form)),
	} {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.Guard().Middleware(echo).ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized || s.Calls() != 0 {
			t.Errorf("%s: got status %d and %d calls, want 401 and none", r.Method, w.Code, s.Calls())
		}
	}
}

func TestRequireScopeWantsEveryScope(t *testing.T) {
	s := guardtest.NewServer()
	g := s.Guard()
	header := "Bearer " + s.Issue(guard.Token{Subject: "ada", Scopes: []string{"apps:run", "apps:read"}})
	for _, c := range []struct {
		name    string
		handler http.Handler
		status  int
	}{
		{"one", g.RequireScope("apps:run")(echo), 200},
		{"all", g.RequireScope("apps:read", "apps:run")(echo), 200},
		{"behind Middleware", g.Middleware(g.RequireScope("apps:run")(echo)), 200},
		{"part of a scope", g.RequireScope("apps")(echo), 403},
		{"another case", g.RequireScope("Apps:run")(echo), 403},
		{"one of two", g.RequireScope("apps:run", "apps:write")(echo), 403},
		{"the inner one lacks", g.RequireScope("apps:run")(g.RequireScope("apps:write")(echo)), 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := get(c.handler, header)
			if w.Code != c.status {
				t.Fatalf("got status %d, want %d", w.Code, c.status)
			}
			if none := get(c.handler); none.Code != http.StatusUnauthorized {
				t.Errorf("got status %d without a token, want 401", none.Code)
			}
		})
	}
	want := `Bearer realm="api", error="insufficient_scope", scope="apps:run apps:write"`
	if got := get(g.RequireScope("apps:run", "apps:write")(echo), header).Header().Get("WWW-Authenticate"); got != want {
		t.Errorf("got challenge %s, want %s", got, want)
	}
	if got := s.Calls(); got != 1 {
		t.Errorf("got %d calls for one token, want 1", got)
	}
}

func TestRequireScopeRefusesWhatIsNoScope(t *testing.T) {
	g := guardtest.NewServer().Guard()
	for _, scopes := range [][]string{nil, {""}, {"a b"}, {"a", `b"`}, {"ä"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("RequireScope(%q): got no panic, want one", scopes)
				}
			}()
			g.RequireScope(scopes...)
		}()
	}
}

func TestGuardTrustsNoContextButItsOwn(t *testing.T) {
	s, other := guardtest.NewServer(), guardtest.NewServer()
	token := other.Issue(guard.Token{Scopes: []string{"admin"}})
	inner := s.Guard().RequireScope("admin")(echo)
	if w := get(other.Guard().Middleware(inner), "Bearer "+token); w.Code != http.StatusUnauthorized {
		t.Errorf("got status %d with another server's token, want 401", w.Code)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r = r.WithContext(guard.NewContext(r.Context(), guard.Token{Scopes: []string{"admin"}}))
	w := httptest.NewRecorder()
	inner.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("got status %d with NewContext and no token, want 401", w.Code)
	}
}

func TestFromOutsideOfAGuardFindsNothing(t *testing.T) {
	if token, ok := guard.From(t.Context()); ok {
		t.Errorf("got %+v, want no token", token)
	}
}

func TestAHandlerCannotChangeTheKeptToken(t *testing.T) {
	s := guardtest.NewServer()
	g := s.Guard()
	header := "Bearer " + s.Issue(guard.Token{Scopes: []string{"read"}})
	get(g.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		token, _ := guard.From(r.Context())
		token.Scopes[0] = "write"
	})), header)
	token, err := g.Verify(t.Context(), strings.TrimPrefix(header, "Bearer "))
	if err != nil {
		t.Fatal(err)
	}
	token.Scopes[0] = "write"
	if w := get(g.RequireScope("write")(echo), header); w.Code != http.StatusForbidden {
		t.Errorf("got status %d, want 403", w.Code)
	}
}

func TestWriteErrorWordsTheRefusal(t *testing.T) {
	g := build(t, guardtest.NewServer(), func(c *guard.Config) {
		c.Realm = "reports"
		c.WriteError = func(w http.ResponseWriter, _ *http.Request, why guard.Refusal) {
			http.Error(w, "no: "+why.Code, why.Status)
		}
	})
	w := get(g.Middleware(echo))
	if got, want := w.Body.String(), "no: unauthorized\n"; got != want || w.Code != http.StatusUnauthorized {
		t.Errorf("got %d %q, want 401 %q", w.Code, got, want)
	}
	if got, want := w.Header().Get("WWW-Authenticate"), `Bearer realm="reports"`; got != want {
		t.Errorf("got challenge %s, want %s", got, want)
	}
}
