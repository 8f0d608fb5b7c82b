package acsui_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/acsui"
	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// fixture is the page of test links, below https://sso.example.com/gate.
type fixture struct {
	*applicationtest.Fixture
	t    *testing.T
	page http.Handler
	log  strings.Builder
}

type edition bool

func (e edition) SSO(context.Context) error {
	if e {
		return nil
	}
	return errors.New("not licensed")
}

func newFixture(t *testing.T, licensed edition) *fixture {
	t.Helper()
	s := &fixture{Fixture: applicationtest.New(t, applicationtest.Options{Connections: []connection.Settings{
		{Slug: "beta", Name: "Beta <b>", Domains: []string{"beta.example"}, ACSMount: connection.Legacy},
		{Slug: "post", Domains: []string{"post.example"}, ACSMount: connection.Legacy},
	}}), t: t}
	public, err := url.Parse("https://sso.example.com/gate")
	if err != nil {
		t.Fatal(err)
	}
	cfg := httpserver.Config{PublicURL: public, WebURL: public}
	addresses := httpserver.NewAddresses(cfg)
	cross, err := httpserver.NewCrossOrigin(addresses)
	if err != nil {
		t.Fatal(err)
	}
	post := func(w http.ResponseWriter, _ *http.Request, to ports.Redirect) {
		_, _ = io.WriteString(w, "a form to "+to.URL)
	}
	s.page = acsui.NewTestPage(addresses, httpserver.NewCookies(cfg), httpserver.NewClientAddress(cfg), cross, httpserver.NewSecurityHeaders(cfg),
		licensed, post, s.OpenTest, s.DescribeTest, slog.New(slog.NewTextHandler(&s.log, nil)))
	return s
}

func (s *fixture) link(slug string) string {
	s.t.Helper()
	made, err := s.TestACS.Execute(s.t.Context(), slug, audit.AdminOf("ops"), request.Origin{})
	if err != nil {
		s.t.Fatal(err)
	}
	return made.Link.Reveal()
}

func (s *fixture) send(r *http.Request, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	s.t.Helper()
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.page.ServeHTTP(w, r)
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		s.t.Errorf("got the policy %q, want default-src 'none' and frame-ancestors 'none'", csp)
	}
	return w
}

func (s *fixture) get(link string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.send(httptest.NewRequest(http.MethodGet, acsui.Path+"?link="+link, nil))
}

func (s *fixture) press(link, origin string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, acsui.Path, strings.NewReader(url.Values{"link": {link}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", origin)
	return s.send(r)
}

const own = "https://sso.example.com"

func TestOnlyTheButtonSpendsALink(t *testing.T) {
	s := newFixture(t, true)
	link := s.link("beta")
	for range 3 { // mail programs look, too
		w := s.get(link)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Beta &lt;b&gt;") || !strings.Contains(w.Body.String(), `action="/gate/saml/test"`) {
			t.Fatalf("got %d %s, want 200 with the escaped name and a form to /gate/saml/test", w.Code, w.Body)
		}
	}
	if w := s.press(link, "https://evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("from another site: got %d, want 403", w.Code)
	}
	w := s.press(link, own)
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "https://idp.example/sso?") || len(w.Result().Cookies()) != 1 {
		t.Fatalf("got %d to %s and the cookies %v, want 303 to idp.example and one cookie", w.Code, w.Header().Get("Location"), w.Result().Cookies())
	}
	if w := s.press(link, own); w.Code != http.StatusConflict {
		t.Errorf("again: got %d, want 409", w.Code)
	}
	if w := s.get(link); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "opened before") {
		t.Errorf("looking again: got %d %s, want 409", w.Code, w.Body)
	}
	if strings.Contains(s.log.String(), link) {
		t.Errorf("got the link in the log, want it left out: %s", s.log.String())
	}
	if w := s.press(s.link("post"), own); w.Code != http.StatusOK || w.Body.String() != "a form to https://idp.example/sso" {
		t.Errorf("an identity provider that takes forms: got %d %s, want 200 with the form", w.Code, w.Body)
	}
}

func TestInvalidLinksAreRefused(t *testing.T) {
	s := newFixture(t, true)
	for _, link := range []string{"", "x", strings.Repeat("x", 43), "%3Cscript%3E"} {
		if w := s.get(link); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "script") {
			t.Errorf("%q: got %d, want 404", link, w.Code)
		}
	}
	if w := s.press("x", own); w.Code != http.StatusNotFound {
		t.Errorf("pressed: got %d, want 404", w.Code)
	}
	if w := s.send(httptest.NewRequest(http.MethodGet, acsui.Path, nil)); w.Code != http.StatusNotFound {
		t.Errorf("a browser without a test: got %d, want 404", w.Code)
	}
	if w := s.send(httptest.NewRequest(http.MethodDelete, acsui.Path, nil)); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("DELETE: got %d, want 405", w.Code)
	}
	s = newFixture(t, false)
	if w := s.get(s.link("beta")); w.Code != http.StatusNotFound { // F16
		t.Errorf("without a licence: got %d, want 404", w.Code)
	}
}

func TestThePageTellsWhatCameOfATest(t *testing.T) {
	for name, c := range map[string]struct {
		says string
		on   connection.Mount
		wait time.Duration
		want []string
	}{
		"passed":               {"ok _1 bob@beta.example", connection.Canonical, 0, []string{"The test has passed", "bob@beta.example", "https://idp.example/beta", "use it from now on"}},
		"refused":              {"rubbish", connection.Canonical, 0, []string{"The test has failed", "bad_signature", "Nothing was changed"}},
		"posted to the legacy": {"ok _1 bob@beta.example", connection.Legacy, 0, []string{"The test has failed", "it has only that registered"}},
		"not answered yet":     {"", connection.Canonical, 0, []string{"No answer yet"}},
		"not answered":         {"", connection.Canonical, 5 * time.Minute, []string{"No answer", "error page of its own"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, true)
			cookie := s.press(s.link("beta"), own).Result().Cookies()[0]
			if c.says != "" {
				ticket, err := s.Accept.Execute(t.Context(), application.ReceivedResponse{Response: c.says, RelayState: s.Broker.Last().RelayState, Mount: c.on})
				if err == nil {
					_, err = s.Complete.Execute(t.Context(), ticket, application.Completion{Mount: c.on, Browser: approval.ParseBrowserBinding(cookie.Value)})
				}
				if err != nil && c.says != "rubbish" {
					t.Fatal(err)
				}
			}
			s.Clock.Advance(c.wait)
			w := s.send(httptest.NewRequest(http.MethodGet, acsui.Path, nil), cookie)
			for _, want := range c.want {
				if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
					t.Errorf("got %d, %q is missing in\n%s", w.Code, want, w.Body)
				}
			}
		})
	}
}

func TestTheStatusPageShowsEachConnection(t *testing.T) {
	s := newFixture(t, true)
	w := httptest.NewRecorder()
	acsui.NewStatusPage(s.ACSStatus, s.Clock.Now, slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/migration", nil))
	for _, want := range []string{"<th scope=\"row\">beta</th><td>legacy</td><td>silent, no sign-in yet</td>", "<th scope=\"row\">post</th>", "its requests name the legacy callback", "2026-11-25 12:00 UTC"} {
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("got %d, %q is missing in\n%s", w.Code, want, w.Body)
		}
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "form-action 'none'") {
		t.Errorf("got the policy %q, want default-src 'none' and form-action 'none'", csp)
	}
}
