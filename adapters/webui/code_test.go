package webui_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// wrongCodesUsedUp is a fixture whose limit of wrong user codes is used up.
func wrongCodesUsedUp(t *testing.T) *fixture {
	t.Helper()
	s := newFixture(t, acme)
	s.env["USER_CODE_GLOBAL_LIMIT"] = "3"
	s.serve()
	s.usesUpWrongCodes()
	return s
}

func (s *fixture) usesUpWrongCodes() {
	s.t.Helper()
	for i := range 3 {
		s.lookUp(elsewhere, fmt.Sprintf("WRNG-%04d", i))
	}
}

// F02: a used-up limit of wrong codes stops no sign-in.
func TestTheCodeIsAskedForAfterTheSignInWhenTheLimitIsUsedUp(t *testing.T) {
	s := wrongCodesUsedUp(t)
	codes := s.device(label, home)
	v := s.visitor(home)
	choose := v.post("/device", url.Values{"user_code": {codes.UserCode}})
	v.sees(choose, "choose", "")

	page := v.signInAt(attribute(choose.element("sign-in"), "href"), "alice")
	v.sees(page, "enter", "")
	if page.url.Path != "/device/code" || page.url.RawQuery != "" {
		t.Fatalf("got %s, want /device/code", page.url)
	}
	if text := words(page.main()); !strings.Contains(text, "You are signed in as alice@acme.example. Enter the code once more") || strings.Contains(text, codes.UserCode) {
		t.Errorf("got %q, want the address and the reason without the code", text)
	}
	if got := v.get("/device/decide"); got.url.Path != "/device/code" {
		t.Errorf("got %s, want /device/code", got.url)
	}

	wrong := page.form("continue")
	wrong.values.Set("user_code", "wrng c3de")
	again := v.post(wrong.action, wrong.values)
	v.sees(again, "error", "invalid_user_code")
	if got := attribute(again.element("code"), "value"); got != "WRNG-C3DE" || again.url.Path != "/device/code" || !strings.HasPrefix(again.title(), "Error: ") {
		t.Errorf("got the field %q and the title %q at %s, want the typed code and an error at /device/code", got, again.title(), again.url)
	}
	right := again.form("continue")
	right.values.Set("user_code", strings.ToLower(codes.UserCode))
	decide := v.post(right.action, right.values)
	v.sees(decide, "decide", "")
	v.sees(v.press(decide, "approve"), "approved", "")
	if got := s.poll(codes); got != "" {
		t.Errorf("got %q, want a token", got)
	}
}

func TestTheCodePageIsShownInEveryLanguage(t *testing.T) {
	s := wrongCodesUsedUp(t)
	v := s.visitor(home)
	page := v.signIn(s.device(label, home).UserCode, "alice")
	v.sees(page, "enter", "")
	for _, l := range languages {
		got := v.get(page.inLanguage(l))
		v.sees(got, "enter", "")
		if got.url.Path != "/device/code" || got.header.Get("Content-Language") != l || !strings.Contains(words(got.main()), "alice@acme.example") {
			t.Errorf("%s: got %s in %s: %s, want /device/code in that language", l, got.url, got.header.Get("Content-Language"), words(got.main()))
		}
	}
}

func TestRefusalsOfTheCodePageLeadBackToIt(t *testing.T) {
	s := wrongCodesUsedUp(t)
	v := s.visitor(home)
	page := v.signIn(s.device(label, home).UserCode, "alice")
	f := page.form("continue")
	outdated := v.post(f.action, url.Values{"csrf": {"AAAA"}, "user_code": {"WRNG-C3DE"}})
	v.sees(outdated, "error", "csrf_mismatch")
	if got := attribute(outdated.element("next"), "href"); got != "/device/code" {
		t.Errorf("after a wrong CSRF token: got %s, want /device/code", got)
	}
	if got := words(outdated.main()); !strings.Contains(got, "Enter the code again") || strings.Contains(got, "decided") {
		t.Errorf("after a wrong CSRF token: got %q, want the code asked for, and no word of a decision", got)
	}
	for i := range 20 {
		f.values.Set("user_code", fmt.Sprintf("WRNG-%04d", i))
		v.sees(v.post(f.action, f.values), "error", "invalid_user_code")
	}
	f.values.Set("user_code", "WRNG-C3DE")
	limited := v.post(f.action, f.values)
	v.sees(limited, "error", "rate_limited")
	// The sign-in ends long before the limit: the way out begins at the first page.
	if got := attribute(limited.element("next"), "href"); got != "/device" {
		t.Errorf("after too many wrong codes: got %s, want /device", got)
	}
	if got := words(limited.main()); !strings.Contains(got, "sign in again") {
		t.Errorf("after too many wrong codes: got %q, want to be told that the sign-in ends before", got)
	}
	if got := v.get(limited.inLanguage("de")); got.problem() != "rate_limited" || attribute(got.element("next"), "href") != "/device" {
		t.Errorf("in German: got %s with the way out %s, want rate_limited and /device", got.problem(), attribute(got.element("next"), "href"))
	}

	stranger := s.visitor(home)
	stranger.sees(stranger.get("/device"), "enter", "")
	stranger.sees(stranger.get("/device/code"), "error", "no_session")
	stranger.sees(stranger.post("/device/code", f.values), "error", "invalid_session")
}

// inLanguage is where the page's link to a language leads.
func (s shown) inLanguage(tag string) string {
	for n := range s.doc.Descendants() {
		if attribute(n, "hreflang") == tag {
			return attribute(n, "href")
		}
	}
	return ""
}
