package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

// signedInOn has a device approved, and is the token that it fetches.
func (s *fixture) signedInOn(device, user, from string) demo.Token {
	s.t.Helper()
	codes := s.device(device, from)
	v := s.visitor(from)
	v.sees(v.press(v.signIn(codes.UserCode, user), "approve"), "approved", "")
	s.advance(time.Duration(codes.Interval) * time.Second)
	d := demo.Device{API: s.url + "/openapi/v1", ClientID: "difyctl", HTTP: &http.Client{Transport: proxied{s, from}}}
	token, refused, err := d.Poll(s.t.Context(), codes.DeviceCode)
	if err != nil || refused != "" {
		s.t.Fatalf("got %q (%v), want a token", refused, err)
	}
	return token
}

// visits signs in to look at one's devices.
func (v *visitor) visits(user string) shown {
	v.t.Helper()
	leave := v.press(v.get("/device/sessions"), "sign-in")
	return v.signInAt(attribute(leave.element("sign-in"), "href"), user)
}

func TestUndoEndsAccessAtOnce(t *testing.T) {
	for name, fetched := range map[string]bool{"before the token is fetched": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			s := served(t)
			codes := s.device(label, elsewhere)
			v := s.visitor(home)
			done := v.press(v.signIn(codes.UserCode, "alice"), "approve")
			v.sees(done, "approved", "")
			if fetched {
				if got := s.poll(codes); got != "" {
					t.Fatalf("the device polls: got %q, want a token", got)
				}
			}
			f := done.form("undo")
			forged := url.Values{"user_code": {codes.UserCode}, "undo": {f.values.Get("undo") + "x"}}
			if got := s.visitor(elsewhere).post("/device/undo", forged); got.state() != "sessions" {
				t.Errorf("with another token: got %s (%s), want sessions", got.state(), got.problem())
			}
			v.sees(v.press(done, "undo"), "undone", "")

			want := "access_denied"
			if fetched {
				s.advance(time.Minute)
				want = "expired_token"
			}
			if got := s.poll(codes); got != want {
				t.Errorf("the device polls: got %q, want %q", got, want)
			}
			page := v.get("/device/sessions")
			if page.element("end-all") != nil || strings.Contains(page.text, label) {
				t.Error("got the device, want it gone")
			}
		})
	}
}

func TestUndoWorksForFiveMinutesFromTheDecision(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	page := v.signIn(s.device("in time", elsewhere).UserCode, "alice")
	s.advance(4 * time.Minute)
	done := v.press(page, "approve")
	s.advance(4 * time.Minute)
	v.sees(v.press(done, "undo"), "undone", "")

	codes := s.device(label, elsewhere)
	v = s.visitor(home)
	done = v.press(v.signIn(codes.UserCode, "alice"), "approve")
	s.advance(6 * time.Minute)
	late := v.press(done, "undo")
	v.sees(late, "sessions", "")
	if text := words(late.main()); !strings.Contains(text, "The device still has access") {
		t.Errorf("got %s, want that the device still has access", text)
	}
	if late.element("sign-in") == nil {
		t.Error("got no way to sign in again, want one")
	}
	if got := s.poll(codes); got != "" {
		t.Errorf("the device polls: got %q, want a token", got)
	}
}

func TestPeopleSeeAndEndTheirOwnDevicesOnly(t *testing.T) {
	s := served(t)
	s.signedInOn("alice one", "alice", home)
	s.signedInOn("alice two", "alice", elsewhere)
	s.signedInOn("bob one", "bob", home)

	v := s.visitor(home)
	if page := v.get("/device/sessions"); page.state() != "sessions" || strings.Contains(page.text, "alice one") {
		t.Fatal("got devices before a sign-in, want none")
	}
	page := v.visits("alice")
	v.sees(page, "sessions", "")
	text := words(page.main())
	for _, want := range []string{"alice@acme.example", "alice one", "alice two", "difyctl", elsewhere, home} {
		if !strings.Contains(text, want) {
			t.Errorf("want %s on the page, got %s", want, text)
		}
	}
	if strings.Contains(text, "bob") {
		t.Error("got the device of another person, want it left out")
	}

	bob := s.visitor(home)
	theirs := bob.visits("bob").form("end-all") // there is one: no button for all
	if theirs.values != nil {
		t.Error("got a button for all, want none for one device")
	}
	f := page.form("end-all")
	var first string
	for n := range page.doc.Descendants() {
		if attribute(n, "name") == "session" && first == "" {
			first = attribute(n, "value")
		}
	}
	stolen := url.Values{"session": {first}}
	stolen.Set("csrf", csrfOf(bob.get("/device/sessions")))
	bob.sees(bob.post("/device/sessions", stolen), "error", "not_found")
	forged := url.Values{"csrf": {"x"}, "session": {"all"}, "confirmed": {"1"}}
	v.sees(v.post("/device/sessions", forged), "error", "csrf_mismatch")

	f.values.Set("session", first)
	one := v.post("/device/sessions", f.values)
	if text := words(one.main()); !strings.Contains(text, "Access ended for 1 device.") || strings.Contains(text, "alice two") || !strings.Contains(text, "alice one") {
		t.Errorf("after one: got %s, want that access ended", text)
	}
	f.values.Set("session", "all")
	f.values.Set("confirmed", "1")
	all := v.post("/device/sessions", f.values)
	if text := words(all.main()); !strings.Contains(text, "No devices are connected.") {
		t.Errorf("after all: got %s, want no devices", text)
	}
	if text := words(bob.get("/device/sessions").main()); !strings.Contains(text, "bob one") {
		t.Errorf("the other person's: got %s, want their device", text)
	}
}

func csrfOf(s shown) string {
	for n := range s.doc.Descendants() {
		if attribute(n, "name") == "csrf" {
			return attribute(n, "value")
		}
	}
	return ""
}

func TestTheDevicesPageOpensAfterAnApproval(t *testing.T) {
	s := served(t)
	codes := s.device(label, home)
	v := s.visitor(home)
	v.sees(v.press(v.signIn(codes.UserCode, "alice"), "approve"), "approved", "")
	if got := s.poll(codes); got != "" {
		t.Fatalf("the device polls: got %q, want a token", got)
	}
	if text := words(v.get("/device/sessions").main()); !strings.Contains(text, label) {
		t.Errorf("got %s, want no devices", text)
	}
}

// F10: a sign-in for the sessions page has no user code and nothing to decide.
func TestASignInForTheSessionsPageDecidesNothing(t *testing.T) {
	s := served(t)
	waiting := s.device(label, home)
	v := s.visitor(home)
	leave := v.press(v.get("/device/sessions"), "sign-in")
	href := attribute(leave.element("sign-in"), "href")
	if strings.Contains(href, "user_code") {
		t.Errorf("got %s, want no user code", href)
	}
	page := v.signInAt(href, "alice")
	v.sees(page, "sessions", "")
	if context := v.get("/openapi/v1/oauth/device/approval-context"); context.status != http.StatusUnauthorized {
		t.Errorf("approval-context: got %d, want 401", context.status)
	}
	v.sees(v.post("/device/approve", url.Values{"user_code": {waiting.UserCode}, "csrf": {"made-up"}}), "error", "csrf_mismatch")
	if got := s.poll(waiting); got != "authorization_pending" {
		t.Errorf("the device polls: got %q, want authorization_pending", got)
	}
}

// F01: an approved device is on the list before it has fetched its token.
func TestAnApprovedDeviceCanBeTurnedAwayOnTheSessionsPage(t *testing.T) {
	s := served(t)
	codes := s.device(label, elsewhere)
	v := s.visitor(home)
	v.sees(v.press(v.signIn(codes.UserCode, "alice"), "approve"), "approved", "")
	again := s.visitor(home)
	page := again.visits("alice")
	again.sees(page, "sessions", "")
	f := page.form("")
	for n := range page.doc.Descendants() {
		if id := attribute(n, "id"); strings.HasPrefix(id, "end-") && id != "end-all" {
			f = page.form(id)
			f.values.Set("session", strings.TrimPrefix(id, "end-"))
		}
	}
	again.sees(again.post(f.action, f.values), "sessions", "")
	if got := s.poll(codes); got != "access_denied" {
		t.Errorf("the device polls: got %q, want access_denied", got)
	}
}

func TestEndingAllAccessAsksFirst(t *testing.T) { // F76
	s := served(t)
	s.signedInOn("one", "alice", home)
	s.signedInOn("two", "alice", elsewhere)
	v := s.visitor(home)
	page := v.visits("alice")
	f := page.form("end-all")
	f.values.Set("session", "all")
	asked := v.post(f.action, f.values)
	v.sees(asked, "sessions", "")
	if text := words(asked.main()); asked.element("confirm") == nil || !strings.Contains(text, "2 devices lose their access") {
		t.Fatalf("got %q, want a question", text)
	}
	kept := v.get(attribute(asked.element("keep"), "href"))
	if kept.element("end-all") == nil || !strings.Contains(kept.text, "two") {
		t.Fatalf("got %q, want the list as it was", words(kept.main()))
	}
	f = v.post(f.action, f.values).form("confirm")
	f.values.Set("session", "all")
	if text := words(v.post(f.action, f.values).main()); !strings.Contains(text, "Access ended for 2 devices.") {
		t.Errorf("got %q, want that access ended", text)
	}
}
