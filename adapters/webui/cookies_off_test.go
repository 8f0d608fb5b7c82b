package webui_test

import (
	"net/http"
	"net/url"
	"testing"
)

// F70: a browser that accepts no cookies sees the cookie problem instead of an
// empty field.
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

// A first visit brings no cookies of ours, which is no problem.
func TestFirstVisitsShowNoCookieProblem(t *testing.T) {
	s := served(t)
	for _, path := range []string{"/device", "/device/sessions", "/device/sign-in", "/device/decide", "/device/problem"} {
		v := s.visitor(home)
		if got := v.once(http.MethodGet, path, nil, "Sec-Fetch-Site", "none"); got.problem() == "no_cookies" {
			t.Errorf("%s: got no_cookies, want no cookie problem", path)
		}
	}
	v := s.visitor(home)
	sessions := v.get("/device/sessions")
	v.sees(v.get(attribute(sessions.element("next"), "href"), "Referer", s.url+"/device/sessions"), "enter", "")
}
