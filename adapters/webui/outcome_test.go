package webui_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTheLastPageSaysWhatCameOfTheDecision(t *testing.T) {
	s := withClients(t, "  - {id: difyctl, name: Dify CLI, publisher: Dify}\n", acme)
	codes := s.device(label, home)
	v := s.visitor(home)
	done := v.press(v.signIn(codes.UserCode, "alice"), "approve")
	v.sees(done, "approved", "")
	facts := words(done.element("decided"))
	for _, want := range []string{label, "Dify CLI", "by Dify", "alice@acme.example", s.now().Add(14 * 24 * time.Hour).UTC().Format(time.DateOnly)} {
		if !strings.Contains(facts, want) {
			t.Errorf("got %s, want %s", facts, want)
		}
	}
	if text := words(done.main()); !strings.Contains(text, "You approved the device") || done.element("check") == nil || strings.Contains(done.text, " data-fetched") {
		t.Errorf("got %s, want that the device has yet to fetch its access, and a way to look again", text)
	}
	if got := done.header.Get("Content-Security-Policy"); !strings.Contains(got, "connect-src 'self'") {
		t.Errorf("got the policy %s, want one that lets the page ask again", got)
	}
	if got := s.poll(codes); got != "" {
		t.Fatalf("the device polls: got %q, want a token", got)
	}
	again := v.get(attribute(done.element("check"), "href"))
	v.sees(again, "approved", "")
	if text := words(again.main()); !strings.Contains(text, "Your device is connected") || !strings.Contains(text, "It has fetched its access") || again.element("check") != nil || !strings.Contains(again.text, " data-fetched") {
		t.Errorf("got %s, want that the device has its access", text)
	}
	if got := again.header.Get("Content-Security-Policy"); strings.Contains(got, "connect-src") {
		t.Errorf("got the policy %s, want none that lets the page ask", got)
	}
	if again.title() != "Your device is connected · devicegate" {
		t.Errorf("got the title %q, want that the device is connected", again.title())
	}
	s.advance(6 * time.Minute)
	late := v.get("/device/approved")
	v.sees(late, "approved", "")
	if late.element("decided") != nil || late.element("check") != nil {
		t.Error("got facts after the five minutes, want none")
	}
}

func TestADenialSaysWhichDevice(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	denied := v.press(v.signIn(s.device(label, elsewhere).UserCode, "alice"), "deny")
	v.sees(denied, "denied", "")
	facts := words(denied.element("decided"))
	if !strings.Contains(facts, label) || !strings.Contains(facts, "alice@acme.example") || denied.element("until") != nil || denied.element("undo") != nil {
		t.Errorf("got %s, want the device and the account, and no access", facts)
	}
}

func TestSigningOutForgetsThePerson(t *testing.T) {
	s := served(t)
	s.signedInOn(label, "alice", home)
	v := s.visitor(home)
	page := v.signIn(s.device("another laptop", home).UserCode, "alice")
	v.sees(page, "decide", "")
	devices := v.get("/device/sessions")
	v.sees(devices, "sessions", "")
	if got := v.post("/device/sign-out", map[string][]string{"csrf": {"x"}}); got.problem() != "csrf_mismatch" {
		t.Errorf("got %q for a form that is not ours, want csrf_mismatch", got.problem())
	}
	if v.get("/device/sessions").element("leave") == nil {
		t.Fatal("got signed out by a form that is not ours, want not")
	}
	sent := v.once(http.MethodPost, "/device/sign-out", devices.form("leave").values)
	cleared := strings.Join(sent.header.Values("Set-Cookie"), "\n")
	for _, name := range []string{"device_approval_grant=;", "device_undo=;", "device_page=;", "device_connection=;"} {
		if !strings.Contains(cleared, name) {
			t.Errorf("got %s, want %s", cleared, name)
		}
	}
	v.sees(v.get(sent.header.Get("Location")), "left", "")
	if got := v.get("/device/sessions"); got.element("sign-in") == nil || strings.Contains(got.text, label) {
		t.Error("got the devices after signing out, want a sign-in")
	}
	v.sees(v.press(page, "approve"), "error", "invalid_session") // an open tab
	v.sees(v.post("/device/sign-out", map[string][]string{}), "left", "")
	if got := v.get(devices.inLanguage("de")); got.header.Get("Content-Language") != "de" {
		t.Errorf("got %s, want the language kept for others to choose", got.header.Get("Content-Language"))
	}
}

func TestAGrantCookieThatWasKeptOpensNothingAfterSigningOut(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	page := v.signIn(s.device(label, home).UserCode, "alice")
	v.sees(page, "decide", "")
	kept := v.cookies()
	v.sees(v.press(v.get("/device/sessions"), "leave"), "left", "")
	thief := s.visitor(home)
	thief.takes(kept)
	if got := thief.get("/device/decide"); got.state() == "decide" {
		t.Error("got the decision with a kept cookie, want none")
	}
	if got := thief.get("/device/sessions"); got.element("sign-in") == nil {
		t.Error("got the devices with a kept cookie, want none")
	}
}

func TestDevicesAreSortedByTheirUse(t *testing.T) {
	s := served(t)
	old := s.signedInOn("old and used", "alice", home)
	s.advance(time.Minute)
	s.signedInOn("older, never used", "alice", home)
	s.advance(time.Hour)
	s.signedInOn("new", "alice", home)
	s.advance(time.Minute)
	s.use(old)
	text := words(s.visitor(home).visits("alice").main())
	first, second, third := strings.Index(text, "old and used"), strings.Index(text, "new"), strings.Index(text, "older, never")
	if first < 0 || first > second || second > third {
		t.Errorf("got %s, want the device used last first", text)
	}
	if got := strings.Count(text, "Access ends"); got != 3 {
		t.Errorf("got %d ends, want 3", got)
	}
}

func TestTheDevicesPageSaysWhenADeviceWasUsedAndUntilWhen(t *testing.T) {
	s := served(t)
	const minutes = "2006-01-02 15:04 UTC"
	connected := s.now()
	token := s.signedInOn(label, "alice", home)
	facts := func() string { return words(s.visitor(home).visits("alice").main()) }
	if got, want := facts(), "Last usednever"; !strings.Contains(got, want) {
		t.Errorf("before its first use: got %s, want %q", got, want)
	}
	s.advance(26 * time.Hour)
	used := s.now()
	s.use(token)
	s.advance(26 * time.Hour)
	got := facts()
	for what, at := range map[string]time.Time{"Since": connected, "Last used": used, "Access ends": connected.Add(14 * 24 * time.Hour)} {
		until := at.Add(time.Minute) // a minute may have passed
		if !strings.Contains(got, what+at.UTC().Format(minutes)) && !strings.Contains(got, what+until.UTC().Format(minutes)) {
			t.Errorf("got %s, want %s%s", got, what, at.UTC().Format(minutes))
		}
	}
}

func TestTheIdentityProviderUsedLastIsOfferedFirst(t *testing.T) {
	hidden := via{slug: "hidden", name: "Hidden", domain: "acme.example"}
	s := served(t, hidden, globex)
	v := s.visitor(home)
	choose := v.post("/device", map[string][]string{"user_code": {s.device(label, home).UserCode}})
	if choose.element("connection-hidden") != nil {
		t.Fatal("got a connection that is not public, want none")
	}
	code := s.device(label, home).UserCode
	v.signInAt("/openapi/v1/oauth/device/sso-initiate?connection=hidden&user_code="+code, "alice")
	choose = v.post("/device", map[string][]string{"user_code": {s.device(label, home).UserCode}})
	v.sees(choose, "choose", "") // and goes nowhere by itself
	if got := choose.element("connection-hidden"); got == nil || attribute(got, "class") != "primary" || !strings.Contains(words(choose.main()), "Here you signed in last with") {
		t.Errorf("got %s, want Hidden first", words(choose.main()))
	}
	if got := s.visitor(home).post("/device", map[string][]string{"user_code": {s.device(label, home).UserCode}}); got.element("connection-hidden") != nil {
		t.Error("got it in another browser, want none")
	}
	forged := s.visitor(home)
	forged.takes([]*http.Cookie{{Name: "device_connection", Value: "<b>none"}})
	if got := forged.post("/device", map[string][]string{"user_code": {s.device(label, home).UserCode}}); strings.Contains(got.text, "<b>") || strings.Contains(words(got.main()), "Here you signed in last with") {
		t.Errorf("got %s for a forged cookie, want it ignored", words(got.main()))
	}
}

func TestALinkToTheChoiceOffersWhatTheClientAllows(t *testing.T) {
	beta, gamma := via{slug: "beta", name: "Beta", domain: "beta.example", public: true}, via{slug: "gamma", name: "Gamma", domain: "gamma.example", public: true}
	s := withClients(t, "  - {id: difyctl, connections: [acme, beta]}\n", acme, beta, gamma)
	v := s.visitor(home)
	page := v.get("/openapi/v1/oauth/device/sso-initiate?user_code=" + s.device(label, home).UserCode)
	v.sees(page, "choose", "")
	if page.element("connection-acme") == nil || page.element("connection-beta") == nil || page.element("connection-gamma") != nil {
		t.Errorf("got %s, want acme and beta offered", words(page.main()))
	}
}

func TestTheCodeOfASuspendedClientIsNotUsable(t *testing.T) {
	s := withClients(t, "  - {id: difyctl}\n", acme)
	code := s.device(label, home).UserCode
	s.write("clients.yaml", []byte("clients:\n  - {id: difyctl, suspended: true}\n"))
	s.clients.Reload(t.Context())
	v := s.visitor(home)
	page := v.post("/device", map[string][]string{"user_code": {code}})
	v.sees(page, "error", "unsupported_client")
	if got := words(page.main()); !strings.Contains(got, "This app is not allowed here") {
		t.Errorf("got %s, want that the app is not allowed", got)
	}
	if got := v.get("/openapi/v1/oauth/device/lookup?user_code=" + code); !strings.Contains(got.text, `"valid":false`) {
		t.Errorf("got %s, want that it is not valid", got.text)
	}
}
