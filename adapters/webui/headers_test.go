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
			t.Errorf("%s: %q, %q", name, h.Get("X-Frame-Options"), h.Get("Content-Security-Policy"))
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" || h.Get("Permissions-Policy") == "" || h.Get("X-Request-Id") == "" {
			t.Errorf("%s: %v", name, h)
		}
		want := "no-store"
		if c.path == style {
			want = "public, max-age=31536000, immutable"
		}
		if h.Get("Cache-Control") != want {
			t.Errorf("%s: Cache-Control %q", name, h.Get("Cache-Control"))
		}
		if got.status == http.StatusMovedPermanently || got.status == http.StatusFound || got.status >= 500 {
			t.Errorf("%s: %d", name, got.status)
		}
		if to := h.Get("Location"); to != "" && !strings.HasPrefix(to, "/device") {
			t.Errorf("%s leads to %s", name, to)
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
			t.Errorf("the policy is %s", policy)
		}
		nonce := regexp.MustCompile(`script-src 'nonce-([A-Za-z0-9_-]{24})'`).FindStringSubmatch(policy)
		if nonce == nil || nonces[nonce[1]] {
			t.Fatalf("the nonce of %s is missing, or used before", policy)
		}
		nonces[nonce[1]] = true
		for n := range page.doc.Descendants() {
			if n.Data == "script" && (attribute(n, "nonce") != nonce[1] || n.FirstChild != nil) || n.Data == "style" && attribute(n, "nonce") != nonce[1] {
				t.Errorf("a %s without the nonce, or written inline", n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("%s=%q", a.Key, a.Val)
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
				t.Errorf("%s without %s", c, want)
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
			t.Errorf("%s holds a secret", c.Name)
		}
	}
	for _, secret := range []string{csrf, codes.DeviceCode} {
		if strings.Contains(s.logs.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
	if strings.Contains(page.text, codes.DeviceCode) { // D35
		t.Error("the device code is on the page")
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
				t.Errorf("%s", path)
			}
			if got := v.get(path); got.status != http.StatusOK || got.text == "" || got.header.Get("Content-Type") == "text/html; charset=utf-8" {
				t.Errorf("%s: %d %s", path, got.status, got.header.Get("Content-Type"))
			}
		}
	}
	if found < 3 {
		t.Errorf("%d assets", found)
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
				t.Errorf("%s=%s", name, to)
			}
		}
	}
	f := page.form("continue")
	choose := v.ask(http.MethodPost, strings.TrimSuffix(s.url, "/gate")+f.action, f.values, "Origin", strings.TrimSuffix(s.url, "/gate"))
	v.sees(choose, "choose", "")
	if href := attribute(choose.element("sign-in"), "href"); !strings.HasPrefix(href, s.url+"/openapi/v1/") {
		t.Errorf("the way on is %s", href)
	}
}

func TestAFormThatIsTooLargeIsRefused(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	got := v.post("/device", url.Values{"user_code": {strings.Repeat("A", 70_000)}})
	v.sees(got, "error", "too_large")
	if got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d", got.status)
	}
}

func TestTheChosenLanguageIsKept(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	if got := v.get("/device", "Accept-Language", "de-CH"); got.header.Get("Content-Language") != "de" || !strings.Contains(got.text, `<html lang="de"`) {
		t.Errorf("the browser asked for German and gets %s", got.header.Get("Content-Language"))
	}
	v.get("/device?sso_error=access_denied")
	got := v.get("/device?lang=ja&at=problem", "Accept-Language", "de-CH")
	v.sees(got, "error", "access_denied")
	if got.header.Get("Content-Language") != "ja" || got.url.RawQuery != "" {
		t.Errorf("the person chose Japanese and gets %s at %s", got.header.Get("Content-Language"), got.url)
	}
	if got := v.get("/device?lang=fr&user_code=WDJB-M3HT"); got.header.Get("Content-Language") != "fr" || attribute(got.element("code"), "value") != "WDJB-M3HT" {
		t.Errorf("a link in French leads to %s with %q", got.header.Get("Content-Language"), attribute(got.element("code"), "value"))
	}
	if got := v.get("/device?lang=xx&at=//evil.example", "Accept-Language", "de-CH"); got.url.Host != strings.TrimPrefix(s.url, "http://") {
		t.Errorf("led to %s", got.url)
	}
}
