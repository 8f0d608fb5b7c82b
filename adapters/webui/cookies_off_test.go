package webui_test

import (
	"net/http"
	"net/url"
	"testing"
)

// F70: whatever the page remembers in a cookie, a browser that accepts none is
// told so instead of being shown an empty field.
func TestBrowsersWithoutCookiesSeeTheCookieProblem(t *testing.T) {
	s := served(t)
	codes := s.device(label, home)
	for name, request := range map[string]struct {
		method, path string
		form         url.Values
		referer      string
	}{
		"a code":                 {http.MethodPost, "/device", url.Values{"user_code": {codes.UserCode}}, "/device"},
		"a wrong code":           {http.MethodPost, "/device", url.Values{"user_code": {"WRNG-C3DE"}}, "/device"},
		"signing in for devices": {http.MethodPost, "/device/sessions", nil, "/device/sessions"},
		"a language":             {http.MethodGet, "/device?lang=de", nil, "/device"},
		"the way back":           {http.MethodGet, "/device?sso_error=invalid_sso_assertion&sso_reason=browser_mismatch", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := s.visitor(home)
			v.client.Jar = nil
			header := []string{}
			if request.referer != "" {
				header = []string{"Referer", s.url + request.referer}
			}
			got := v.ask(request.method, request.path, request.form, header...)
			v.sees(got, "error", "no_cookies")
			if got.status != http.StatusBadRequest {
				t.Errorf("got status %d, want %d", got.status, http.StatusBadRequest)
			}
		})
	}
}

// A person who types an address has no cookies of ours yet, and is told nothing.
func TestFirstVisitsShowNoCookieProblem(t *testing.T) {
	s := served(t)
	for _, path := range []string{"/device", "/device/sessions", "/device/sign-in", "/device/decide", "/device/problem"} {
		v := s.visitor(home)
		if got := v.once(http.MethodGet, path, nil, "Sec-Fetch-Site", "none"); got.problem() == "no_cookies" {
			t.Errorf("%s: told that cookies are off", path)
		}
	}
	v := s.visitor(home)
	sessions := v.get("/device/sessions")
	v.sees(v.get(attribute(sessions.element("next"), "href"), "Referer", s.url+"/device/sessions"), "enter", "")
}
