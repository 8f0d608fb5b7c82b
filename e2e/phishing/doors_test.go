package phishing

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A request that is suspected takes its further step on every door: the JSON routes
// of both mounts, the page's form, another tab, and a request that is sent again.
func TestNoDoorLeadsAroundASuspicion(t *testing.T) {
	s := serve(t, "default")
	for i := range 3 { // unusually many
		l := s.start(hundred(i), "")
		if _, err := s.person(user(i), network(homeOf, i), desktop).Decide(t.Context(), l.link(), l.codes.UserCode); err != nil {
			t.Fatal(err)
		}
	}
	victim, l := network(homeOf, 9), s.start(hundred(9), "laptop")
	browser := s.browser(victim)
	csrf := s.signIn(browser, l, s.person(user(9), victim, desktop))
	if csrf == "" {
		t.Fatal("the victim is not signed in")
	}
	headers := http.Header{"X-Csrf-Token": {csrf}, "Origin": {s.public}}
	form := func(typed string) url.Values {
		f := url.Values{"user_code": {l.codes.UserCode}, "csrf": {csrf}}
		if typed != "" {
			f.Set("typed_code", typed)
		}
		return f
	}
	code := func(mount string, f url.Values) string {
		t.Helper()
		resp := s.send(browser, http.MethodPost, s.api(mount, "approve-external"), f, headers)
		var body struct{ Code string }
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == http.StatusOK {
			return "approved"
		}
		return body.Code
	}
	for _, mount := range []string{"/openapi/v1", "/v1"} {
		for _, typed := range []string{"", "WRNG-C3DE", strings.Repeat("A", 9)} {
			if got := code(mount, form(typed)); got != "typed_code_required" {
				t.Errorf("%s with %q: got %q, want typed_code_required", mount, typed, got)
			}
		}
	}
	for _, path := range []string{"/device/approve", "/device/approve?typed_code=" + l.codes.UserCode} {
		if resp := s.send(browser, http.MethodPost, s.public+path, form(""), headers); resp.StatusCode == http.StatusOK && resp.Header.Get("Location") == "/device/approved" {
			t.Errorf("%s: got it approved", path)
		}
	}
	if s.pollAll([]*login{l}); l.token != "" || l.ended {
		t.Fatal("got an answer for the device, want it to wait")
	}
	if got := code("/openapi/v1", form(l.codes.UserCode)); got != "approved" {
		t.Fatalf("with the code typed: got %q, want it approved", got)
	}
	for _, mount := range []string{"/openapi/v1", "/v1"} {
		if got := code(mount, form(l.codes.UserCode)); got == "approved" {
			t.Errorf("%s, sent again: got it approved, want a refusal", mount)
		}
	}
}
