package phishing

import (
	"strings"
	"testing"
)

// suspicion is why requests of victims are suspected.
type suspicion struct {
	device func(i int) string
	victim func(i int) string
}

// A request that is suspected needs its further step on every way: the JSON routes
// of both mounts, the page's form, another tab, and a request that is sent again.
func TestNoEntryPointAvoidsASuspicion(t *testing.T) {
	for name, why := range map[string]suspicion{
		"unusually many first connections": {hundred, func(i int) string { return network(homeOf, i) }},
		"people beside one device":         {always(ownAddress), atDesk},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			why.holdsEveryDoor(t)
		})
	}
}

func (why suspicion) holdsEveryDoor(t *testing.T) {
	s := serve(t, "default")
	for i := range 3 {
		l := s.start(why.device(i), "")
		if _, err := s.person(user(i), why.victim(i), desktop).Decide(t.Context(), l.link(), l.codes.UserCode); err != nil {
			t.Fatal(err)
		}
	}
	victim, l := why.victim(9), s.start(why.device(9), "laptop")
	browser := s.browser(victim)
	csrf := s.signIn(browser, l, s.person(user(9), victim, desktop))
	if csrf == "" {
		t.Fatal("got no sign-in of the victim, want one")
	}
	a := tried{s, browser, l, csrf}
	for _, mount := range []string{"/openapi/v1", "/v1"} {
		for _, typed := range []string{"", "WRNG-C3DE", strings.Repeat("A", 9)} {
			if got := a.json(browser, mount, csrf, typed); got != "typed_code_required" {
				t.Errorf("%s with %q: got %q, want typed_code_required", mount, typed, got)
			}
		}
	}
	at, l2 := why.victim(10), s.start(why.device(10), "another laptop") // of a person who has not tried so often
	b := tried{s, s.browser(at), l2, ""}
	if b.csrf = s.signIn(b.browser, l2, s.person(user(10), at, desktop)); b.csrf == "" {
		t.Fatal("got no sign-in of the next victim, want one")
	}
	for _, d := range append(b.entryPoints(""), b.sessionsPage(at, s.person(user(10), at, desktop))) {
		if got := d.try(); got == "approved" || strings.HasSuffix(got, "/approved") {
			t.Errorf("%s: got %q, want it refused", d.name, got)
		}
	}
	if s.pollAll([]*login{l, l2}); l.token != "" || l.ended || l2.token != "" || l2.ended {
		t.Fatal("got an answer for a device, want both to wait")
	}
	if got := a.json(browser, "/openapi/v1", csrf, l.codes.UserCode); got != "approved" {
		t.Fatalf("with the code typed: got %q, want it approved", got)
	}
	for _, mount := range []string{"/openapi/v1", "/v1"} {
		if got := a.json(browser, mount, csrf, l.codes.UserCode); got == "approved" {
			t.Errorf("%s, sent again: got it approved, want a refusal", mount)
		}
	}
}
