package httpserver_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/approval"
)

func cookies(t *testing.T, public, web, domain string) *httpserver.Cookies {
	t.Helper()
	cfg := config(t, public, web)
	cfg.CookieDomain = domain
	return httpserver.NewCookies(cfg)
}

func TestTheGrantCookie(t *testing.T) {
	session := approval.NewGrantSession()
	for _, test := range []struct{ public, web, domain, name, want string }{
		{"https://sso.example.com", "https://sso.example.com", "", "__Host-device_approval_grant", "; Path=/; Max-Age=300; HttpOnly; Secure; SameSite=Lax"},
		{"https://sso.example.com", "https://sso.example.com", "example.com", "device_approval_grant", "; Path=/; Domain=example.com; Max-Age=300; HttpOnly; Secure; SameSite=Lax"},
		{"http://localhost:8080", "http://localhost:8080", "", "device_approval_grant", "; Path=/; Max-Age=300; HttpOnly; SameSite=Lax"},
		// F12: it is PUBLIC_URL that sets the cookie, so its scheme decides.
		{"http://localhost:8080", "https://console.example.com", "", "device_approval_grant", "; Path=/; Max-Age=300; HttpOnly; SameSite=Lax"},
		{"https://sso.example.com", "http://localhost:3000", "", "__Host-device_approval_grant", "; Path=/; Max-Age=300; HttpOnly; Secure; SameSite=Lax"},
	} {
		c := cookies(t, test.public, test.web, test.domain)
		w := httptest.NewRecorder()
		c.SetGrantSession(w, session)
		set := w.Header().Get("Set-Cookie")
		if want := test.name + "=" + session.Reveal() + test.want; set != want {
			t.Errorf("%s: got %s, want %s", test.public, set, want)
		}
		pair, _, _ := strings.Cut(set, ";")
		if got := c.GrantSession(request("192.0.2.7:1", "Cookie", pair)); !got.Equal(session.Text) {
			t.Errorf("%s: got the session %v, want the one that was set", test.public, got)
		}
		w = httptest.NewRecorder()
		c.ClearGrantSession(w)
		if got, want := w.Header().Get("Set-Cookie"), test.name+"="+strings.Replace(test.want, "Max-Age=300", "Max-Age=0", 1); got != want {
			t.Errorf("%s: got %s, want %s", test.public, got, want)
		}
	}
}

// Other hosts of COOKIE_DOMAIN may set a cookie of the same name, and browsers send
// both, in either order. It must not hide ours.
func TestACookieOfASiblingHostHidesNone(t *testing.T) {
	c := cookies(t, "https://sso.example.com", "https://sso.example.com", "example.com")
	session, browser := approval.NewGrantSession(), approval.BrowserBinding{}.OrNew()
	for _, theirs := range []string{"", "eyJhbGciOiJIUzI1NiJ9.e30.x", session.Reveal() + "x"} {
		for _, format := range []string{"%[1]s=%[2]s; %[1]s=%[3]s", "%[1]s=%[3]s; %[1]s=%[2]s"} {
			sent := fmt.Sprintf(format, "device_approval_grant", theirs, session.Reveal())
			if got := c.GrantSession(request("192.0.2.7:1", "Cookie", sent)); !got.Equal(session.Text) {
				t.Errorf("got the session %v of %q, want the one that was set", got, sent)
			}
			sent = fmt.Sprintf(format, "device_sso_browser", theirs, browser.Reveal())
			if got := c.BrowserBinding(request("192.0.2.7:1", "Cookie", sent)); !got.Equal(browser.Text) {
				t.Errorf("got the binding %v of %q, want the one that was set", got, sent)
			}
		}
	}
}

func TestACookieWithAPathOfItsOwnStaysOnThisHost(t *testing.T) { // F12, F35
	page := httpserver.Cookie{Name: "device_page", Path: "/gate/device", Life: time.Minute}
	for _, test := range []struct{ public, web, want string }{
		{"https://sso.example.com/gate", "http://console.example.com/app", "device_page=x; Path=/gate/device; Max-Age=60; HttpOnly; Secure; SameSite=Lax"},
		{"http://sso.example.com/gate", "https://console.example.com/app", "device_page=x; Path=/gate/device; Max-Age=60; HttpOnly; SameSite=Lax"},
	} {
		w := httptest.NewRecorder()
		cookies(t, test.public, test.web, "example.com").Set(w, page, "x")
		if got := w.Header().Get("Set-Cookie"); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestACookieThatIsNotOursIsNotRead(t *testing.T) {
	c := cookies(t, "https://sso.example.com", "https://sso.example.com", "")
	for _, cookie := range []string{"", "device_approval_grant=x", "__Host-device_approval_grant=", "other=x"} {
		if !c.GrantSession(request("192.0.2.7:1", "Cookie", cookie)).IsZero() {
			t.Errorf("GrantSession(%q): got one, want none", cookie)
		}
	}
	for _, value := range []string{"", "short", strings.Repeat("A", 44), strings.Repeat("=", 43)} {
		if !c.BrowserBinding(request("192.0.2.7:1", "Cookie", "__Host-device_sso_browser="+value)).IsZero() {
			t.Errorf("BrowserBinding(%q): got one, want none", value)
		}
	}
	w := httptest.NewRecorder()
	made := approval.BrowserBinding{}.OrNew()
	c.SetBrowserBinding(w, made)
	pair, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	if !c.BrowserBinding(request("192.0.2.7:1", "Cookie", pair)).Equal(made.Text) {
		t.Error("got another browser binding than the one that was set, want that one")
	}
}
