package webui_test

import (
	"strings"
	"testing"
	"time"
)

// F01: within five minutes an approval can be undone, although the same browser
// has signed in again and decided about another device. F09: doing so again
// changes nothing.
func TestUndoWorksAfterAnotherSignInOfTheSameBrowser(t *testing.T) {
	s := served(t)
	first, second := s.device("first", elsewhere), s.device("second", home)
	v := s.visitor(home)
	done := v.press(v.signIn(first.UserCode, "alice"), "approve")
	v.sees(done, "approved", "")
	s.advance(2 * time.Minute)
	v.sees(v.press(v.signIn(second.UserCode, "bob"), "approve"), "approved", "")
	s.advance(2 * time.Minute)

	v.sees(v.press(done, "undo"), "undone", "")
	v.sees(v.press(done, "undo"), "undone", "")
	if got := s.poll(first); got != "access_denied" {
		t.Errorf("the device that was undone: got %q, want access_denied", got)
	}
	if got := s.poll(second); got != "" {
		t.Errorf("the other device: got %q, want a token", got)
	}
}

// F01: a device that is approved and has not fetched its token is listed as
// such, in the browser that approved it and after another sign-in.
func TestApprovedDevicesWithoutATokenAreListed(t *testing.T) {
	s := served(t)
	codes := s.device(label, elsewhere)
	v := s.visitor(home)
	v.sees(v.press(v.signIn(codes.UserCode, "alice"), "approve"), "approved", "")
	v.signIn(s.device("second", home).UserCode, "alice")
	page := v.get("/device/sessions")
	v.sees(page, "sessions", "")
	if text := words(page.main()); !strings.Contains(text, label) || !strings.Contains(text, "Approved, not connected yet") || !strings.Contains(text, elsewhere) {
		t.Errorf("got %q, want the device, its state and its address", text)
	}
	for _, l := range languages {
		got := v.get(page.inLanguage(l))
		if text := words(got.main()); !strings.Contains(text, label) || strings.Contains(text, "sessions.") || l != "en" && strings.Contains(text, "not connected yet") {
			t.Errorf("%s: got %q, want the device", l, text)
		}
	}
}

func TestTheDevicesPageOffersEveryConnection(t *testing.T) {
	s := served(t, acme, globex)
	s.signedInVia("/openapi/v1/oauth/device/sso-initiate?connection=acme&user_code=", "alice")
	v := s.visitor(home)
	choose := v.press(v.get("/device/sessions"), "sign-in")
	v.sees(choose, "choose", "")
	f := choose.form("continue")
	f.values.Set("login_hint", "no address")
	v.sees(v.post(f.action, f.values), "choose", "bad_email")
	f.values.Set("login_hint", "ada@nowhere.example")
	leave := v.post(f.action, f.values)
	v.sees(v.get(attribute(leave.element("sign-in"), "href")), "choose", "no_match")
	f.values.Set("login_hint", "alice@acme.example")
	leave = v.post(f.action, f.values)
	page := v.signInAt(attribute(leave.element("sign-in"), "href"), "alice")
	v.sees(page, "sessions", "")
	if text := words(page.main()); !strings.Contains(text, label) {
		t.Errorf("got %q, want the device", text)
	}
}

// signedInVia has a device approved after a sign-in that begins at the given
// address, to which its code is added.
func (s *fixture) signedInVia(address, user string) {
	s.t.Helper()
	codes := s.device(label, home)
	v := s.visitor(home)
	v.sees(v.press(v.signInAt(address+codes.UserCode, user), "approve"), "approved", "")
}
