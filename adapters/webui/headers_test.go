package webui_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// everyPage are requests that lead to every kind of answer.
var everyPage = []struct{ method, path string }{
	{"GET", "/device"},
	{"HEAD", "/device"},
	{"POST", "/device"},
	{"PUT", "/device"},
	{"OPTIONS", "/device"},
	{"GET", "/device/"},
	{"GET", "/device?user_code=WDJB-M3HT"},
	{"GET", "/device?sso_error=access_denied"},
	{"GET", "/device?sso_verified=1"},
	{"GET", "/device?lang=de"},
	{"GET", "/device/leave"},
	{"GET", "/device/sign-in"},
	{"POST", "/device/sign-in"},
	{"GET", "/device/code"},
	{"POST", "/device/code"},
	{"GET", "/device/decide"},
	{"GET", "/device/approve"},
	{"POST", "/device/approve"},
	{"POST", "/device/deny"},
	{"POST", "/device/undo"},
	{"GET", "/device/approved"},
	{"GET", "/device/denied"},
	{"GET", "/device/undone"},
	{"GET", "/device/problem"},
	{"GET", "/device/sessions"},
	{"POST", "/device/sessions"},
	{"POST", "/device/sessions/sign-in"},
	{"GET", "/device/nowhere"},
	{"GET", "/device/assets/nothing.css"},
	{"GET", "/device/assets/../../etc/passwd"},
	{"DELETE", "/device/assets/x"},
}

func TestEveryResponseHasTheSecurityHeaders(t *testing.T) { // D23
	s := served(t)
	v := s.visitor(home)
	style := attribute(styleSheet(v.get("/device")), "href")
	for _, c := range append(everyPage, struct{ method, path string }{"GET", style}) {
		got := v.once(c.method, c.path, nil)
		h, name := got.header, c.method+" "+c.path
		if h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: got %q, %q, want framing denied", name, h.Get("X-Frame-Options"), h.Get("Content-Security-Policy"))
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" || h.Get("Permissions-Policy") == "" || h.Get("X-Request-Id") == "" {
			t.Errorf("%s: got %v, want nosniff and same-origin", name, h)
		}
		want := "no-store"
		if c.path == style {
			want = "public, max-age=31536000, immutable"
		}
		if h.Get("Cache-Control") != want {
			t.Errorf("%s: got Cache-Control %q, want %q", name, h.Get("Cache-Control"), want)
		}
		if got.status == http.StatusMovedPermanently || got.status == http.StatusFound || got.status >= 500 {
			t.Errorf("%s: got %d, want no permanent redirect", name, got.status)
		}
		if to := h.Get("Location"); to != "" && !strings.HasPrefix(to, "/device") {
			t.Errorf("%s: got a redirect to %s, want one of our pages", name, to)
		}
	}
}

func TestTheContentPolicyAllowsOnlyItsNonce(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	nonces := map[string]bool{}
	for range 3 {
		page := v.get("/device")
		policy := page.header.Get("Content-Security-Policy")
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http") {
			t.Errorf("got the policy %s, want none with unsafe or *", policy)
		}
		nonce := regexp.MustCompile(`script-src 'nonce-([A-Za-z0-9_-]{24})'`).FindStringSubmatch(policy)
		if nonce == nil || nonces[nonce[1]] {
			t.Fatalf("got the policy %s, want a nonce that was not used before", policy)
		}
		nonces[nonce[1]] = true
		for n := range page.doc.Descendants() {
			if n.Data == "script" && (attribute(n, "nonce") != nonce[1] || n.FirstChild != nil) || n.Data == "style" && attribute(n, "nonce") != nonce[1] {
				t.Errorf("got a %s without the nonce, or written inline, want none", n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("got %s=%q, want no handler and no style", a.Key, a.Val)
				}
			}
		}
	}
}

func TestCookiesAreHttpOnlyAndHoldNoSecret(t *testing.T) { // D25
	s := served(t)
	codes := s.device(label, home)
	v := s.visitor(home)
	for _, c := range v.once(http.MethodGet, "/device?user_code="+codes.UserCode, nil).header.Values("Set-Cookie") {
		for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/device", "Max-Age="} {
			if !strings.Contains(c, want) {
				t.Errorf("got %s, want %s in it", c, want)
			}
		}
	}
	page := v.signIn(codes.UserCode, "alice")
	v.sees(page, "decide", "")
	csrf := page.form("approve").values.Get("csrf")
	site, err := url.Parse(s.url + "/device")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(site) {
		if strings.Contains(c.Value, csrf) || strings.Contains(c.Value, codes.DeviceCode) {
			t.Errorf("got a secret in the cookie %s, want none", c.Name)
		}
	}
	for _, secret := range []string{csrf, codes.DeviceCode} {
		if strings.Contains(s.logs.String(), secret) {
			t.Error("got a secret in the log, want none")
		}
	}
	if strings.Contains(page.text, codes.DeviceCode) { // D35
		t.Error("got the device code on the page, want it left out")
	}
}

func TestAssetsAreNamedByTheirContent(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	page := v.get("/device")
	var found int
	for n := range page.doc.Descendants() {
		for _, name := range []string{"href", "src"} {
			path := attribute(n, name)
			if !strings.Contains(path, "/assets/") {
				continue
			}
			found++
			if !regexp.MustCompile(`^/device/assets/[a-z]+-[0-9a-f]{12}\.[a-z]+$`).MatchString(path) {
				t.Errorf("got %s, want a name with a digest", path)
			}
			if got := v.get(path); got.status != http.StatusOK || got.text == "" || got.header.Get("Content-Type") == "text/html; charset=utf-8" {
				t.Errorf("%s: got %d %s, want it served", path, got.status, got.header.Get("Content-Type"))
			}
		}
	}
	if found < 3 {
		t.Errorf("got %d assets, want at least 3", found)
	}
}

func TestLinksKeepThePathOfThePublicURL(t *testing.T) {
	s := newFixture(t, acme)
	s.env["PUBLIC_URL"] += "/gate"
	s.url += "/gate"
	s.serve()
	code := s.device(label, home).UserCode
	v := s.visitor(home)
	page := v.get("/device?user_code=" + code)
	v.sees(page, "enter", "")
	for n := range page.doc.Descendants() {
		for _, name := range []string{"href", "src", "action"} {
			if to := attribute(n, name); strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "/gate/device") {
				t.Errorf("got %s=%s, want it below the prefix", name, to)
			}
		}
	}
	f := page.form("continue")
	choose := v.ask(http.MethodPost, strings.TrimSuffix(s.url, "/gate")+f.action, f.values, "Origin", strings.TrimSuffix(s.url, "/gate"))
	v.sees(choose, "choose", "")
	if href := attribute(choose.element("sign-in"), "href"); !strings.HasPrefix(href, s.url+"/openapi/v1/") {
		t.Errorf("got the way on %s, want one below the prefix", href)
	}
}

func TestAFormThatIsTooLargeIsRefused(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	got := v.post("/device", url.Values{"user_code": {strings.Repeat("A", 70_000)}})
	v.sees(got, "error", "too_large")
	if got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d, want 413", got.status)
	}
}

func TestTheChosenLanguageIsKept(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	if got := v.get("/device", "Accept-Language", "de-CH"); got.header.Get("Content-Language") != "de" || !strings.Contains(got.text, `<html lang="de"`) {
		t.Errorf("the browser asks for German: got %s, want de", got.header.Get("Content-Language"))
	}
	v.get("/device?sso_error=access_denied")
	got := v.get("/device?lang=ja&at=problem", "Accept-Language", "de-CH")
	v.sees(got, "error", "access_denied")
	if got.header.Get("Content-Language") != "ja" || got.url.RawQuery != "" {
		t.Errorf("the person chose Japanese: got %s at %s, want ja", got.header.Get("Content-Language"), got.url)
	}
	if got := v.get("/device?lang=fr&user_code=WDJB-M3HT"); got.header.Get("Content-Language") != "fr" || attribute(got.element("code"), "value") != "WDJB-M3HT" {
		t.Errorf("a link in French: got %s with %q, want fr and the code", got.header.Get("Content-Language"), attribute(got.element("code"), "value"))
	}
	if got := v.get("/device?lang=xx&at=//evil.example", "Accept-Language", "de-CH"); got.url.Host != strings.TrimPrefix(s.url, "http://") {
		t.Errorf("got %s, want the first page", got.url)
	}
}
