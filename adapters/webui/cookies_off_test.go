package webui_test

import (
	"net/http"
	"net/url"
	"strings"
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
		"a link with a code":     {http.MethodGet, "/device?user_code=" + codes.UserCode, nil, ""},
		"a choice of sign-ins":   {http.MethodGet, "/device?choose=1&user_code=" + codes.UserCode, nil, ""},
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

// It says so at once, in each language, what to do, and that nothing is approved. No
// address has the code.
func TestALinkWithoutCookiesSaysWhatToDo(t *testing.T) {
	s := served(t)
	code := s.device(label, home).UserCode
	said := map[string]bool{}
	for _, l := range languages {
		v := s.visitor(home)
		v.client.Jar = nil
		page := v.get("/device?user_code="+code, "Accept-Language", l)
		v.sees(page, "error", "no_cookies")
		if strings.Contains(page.url.String(), code) || strings.Contains(page.text, code) {
			t.Errorf("%s: got the code at %s, want it nowhere", l, page.url)
		}
		text := words(page.main())
		if said[text] || strings.Contains(text, "problem.") {
			t.Errorf("%s: got %q, want sentences of that language", l, text)
		}
		said[text] = true
		if l == "en" && !(strings.Contains(text, "Allow cookies for this site") && strings.Contains(text, "Nothing has been approved") && strings.Contains(text, "close this page")) {
			t.Errorf("got %q, want what to do, and that nothing was approved", text)
		}
	}
}

// Once the browser accepts cookies, the way out of the page works the first time.
func TestTheWayOutWorksOnceCookiesAreAllowed(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	jar := v.client.Jar
	v.client.Jar = nil
	blocked := v.get("/device?user_code=" + s.device(label, home).UserCode)
	v.sees(blocked, "error", "no_cookies")
	v.client.Jar = jar
	v.sees(v.get(attribute(blocked.element("next"), "href"), "Referer", blocked.url.String()), "enter", "")
}

// A first visit by a link ends at the address of the page, with the code filled in.
func TestAFirstLinkRedirectsToThePageWithoutParameters(t *testing.T) {
	s := newFixture(t, acme, globex)
	s.serve()
	code := s.device(label, home).UserCode
	for path, want := range map[string]string{
		"/device?user_code=" + code:                                        "/device",
		"/device?user_code=nonsense":                                       "/device",
		"/device?choose=1&user_code=" + code:                               "/device/sign-in",
		"/device?cookies=https%3A%2F%2Fevil.example&user_code=" + code:     "/device?cookies=https%3A%2F%2Fevil.example&user_code=" + code,
		"/device?cookies=sessions":                                         "/device?cookies=sessions",
		"/device?sso_error=access_denied&sso_reason=access_denied&at=code": "/device/problem",
	} {
		if got := s.visitor(home).get(path); got.url.RequestURI() != want {
			t.Errorf("%s: got to %s, want %s", path, got.url.RequestURI(), want)
		}
	}
	v := s.visitor(home)
	v.get("/device")
	if got := v.get("/device?cookies=https%3A%2F%2Fevil.example"); got.url.RequestURI() != "/device" {
		t.Errorf("got to %s, want /device", got.url)
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
