package webui_test

import (
	"context"
	"flag"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// The addresses that requests seem to come from in pictures.
const (
	home      = "198.51.100.23"
	neighbour = "198.51.100.77"
	elsewhere = "203.0.113.7"
	label     = "difyctl on ada-laptop"
)

var globex = via{slug: "globex", name: "Globex", domain: "globex.example"}

// state is one page that a person can come to, and the way there.
type state struct {
	name  string
	via   []via             // none: acme alone
	env   map[string]string // settings that differ
	with  func(s *fixture)  // what else there is before it is served
	reach func(b *tab)
}

// states are all of them. Each is reached as a person would reach it.
var states = []state{
	{name: "enter", reach: func(b *tab) {
		b.open("/device")
		b.sees("enter", "")
	}},
	{name: "enter-prefilled", reach: func(b *tab) {
		b.openLink(b.site.device(label, home).Complete)
		b.sees("enter", "")
	}},
	{name: "enter-wrong", reach: func(b *tab) {
		b.enters("WRNG-C3DE")
		b.sees("error", "invalid_user_code")
	}},
	{name: "enter-link-without-code", reach: func(b *tab) {
		b.open("/device?user_code=ACCOUNT+LOCKED+CALL+555")
		b.sees("enter", "")
	}},
	{name: "redirect", reach: func(b *tab) {
		b.staysHere("*/sso-initiate*")
		b.enters(b.site.device(label, home).UserCode)
		b.sees("choose", "")
	}},
	{name: "redirect-by-post", via: []via{{slug: "acme", name: "ACME Corp", domain: "acme.example", posts: true}}, reach: func(b *tab) {
		b.staysHere("*/sso*SAMLRequest*")
		b.staysHere("*/sso")
		b.enters(b.site.device(label, home).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("form[data-submit]")))
	}},
	{name: "choose-one", reach: func(b *tab) {
		b.atDecision(b.site.device(label, home).UserCode)
		b.click("next")
		b.sees("choose", "")
	}},
	{name: "choose-several", via: []via{acme, globex}, reach: func(b *tab) {
		b.enters(b.site.device(label, home).UserCode)
		b.sees("choose", "")
	}},
	{name: "choose-no-match", via: []via{acme, globex}, reach: func(b *tab) {
		b.enters(b.site.device(label, home).UserCode)
		b.sees("choose", "")
		b.fill("login-hint", "ada@nowhere.example")
		b.click("continue")
		b.sees("choose", "no_match")
	}},
	{name: "decide-near", reach: func(b *tab) {
		b.signsInToDecide(b.site.device(label, neighbour).UserCode)
	}},
	{name: "decide-far", reach: func(b *tab) {
		codes := b.site.device(label, elsewhere)
		b.site.advance(9 * time.Minute)
		b.atDecision(codes.UserCode)
	}},
	{name: "decide-far-places", with: knowsPlaces, reach: func(b *tab) {
		codes := b.site.device(label, elsewhere)
		b.site.advance(9 * time.Minute)
		b.atDecision(codes.UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#places")))
	}},
	{name: "decide-near-registered", with: func(s *fixture) { knowsPlaces(s); registersClient(s) }, reach: func(b *tab) {
		b.atDecision(b.site.device(label, neighbour).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#app")))
	}},
	{name: "decide-far-registered", with: func(s *fixture) { knowsPlaces(s); registersClient(s) }, reach: func(b *tab) {
		b.atDecision(b.site.device(label, elsewhere).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#app")))
	}},
	{name: "decide-unknown", reach: func(b *tab) {
		b.atDecision(b.site.device(label, "2001:db8:7::7").UserCode)
	}},
	{name: "decide-refused", with: refusesAll, reach: func(b *tab) {
		b.atDecision(b.site.device(label, elsewhere).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#blocked")))
	}},
	{name: "decide-reauthenticate", with: asksForNewSignIns, reach: func(b *tab) {
		b.atDecision(b.site.device(label, home).UserCode)
		b.site.advance(10 * time.Minute)
		b.enters(b.site.device(label, elsewhere).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#switch"))) // the identity provider knows this person
		b.click("continue")
		b.sendsOn()
		b.sees("decide", "")
		b.do(chromedp.WaitVisible(chromedp.CSS("#sign-in-again")))
	}},
	{name: "decide-subject-mismatch", reach: func(b *tab) {
		b.enters(b.site.deviceFor("bob@acme.example", home).UserCode)
		b.signsIn("alice")
		b.sees("decide", "")
		b.do(chromedp.WaitVisible(chromedp.CSS("#sign-in-other")))
	}},
	{name: "decide-network-not-allowed", env: map[string]string{"POLICY": "strict"}, reach: func(b *tab) {
		b.atDecision(b.site.device(label, elsewhere).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#blocked")))
	}},
	{name: "decide-long-label", reach: func(b *tab) {
		b.atDecision(b.site.device(strings.Repeat("a laptop of no particular person ", 7), elsewhere).UserCode)
	}},
	{name: "decide-typed", env: map[string]string{"REQUIRE_TYPED_CODE": "true"}, reach: func(b *tab) {
		// A link that leads past the first page.
		b.open("/openapi/v1/oauth/device/sso-initiate?user_code=" + b.site.device(label, elsewhere).UserCode)
		b.signsIn("alice")
		b.sees("decide", "")
	}},
	{name: "decide-mistyped", env: map[string]string{"REQUIRE_TYPED_CODE": "true"}, reach: func(b *tab) {
		b.open("/openapi/v1/oauth/device/sso-initiate?user_code=" + b.site.device(label, elsewhere).UserCode)
		b.signsIn("alice")
		b.sees("decide", "")
		b.fill("code", "WRNG-C3DE")
		b.do(chromedp.WaitVisible(chromedp.CSS("#approve:not([aria-disabled])"))) // a link led here
		b.click("approve")
		b.sees("decide", "typed_mismatch")
	}},
	{name: "decide-typed-missing", env: map[string]string{"REQUIRE_TYPED_CODE": "true"}, reach: func(b *tab) {
		b.open("/openapi/v1/oauth/device/sso-initiate?user_code=" + b.site.device(label, elsewhere).UserCode)
		b.signsIn("alice")
		b.sees("decide", "")
		b.do(chromedp.WaitVisible(chromedp.CSS("#approve:not([aria-disabled])"))) // a link led here
		if b.scripts {
			b.click("approve")
			b.do(chromedp.WaitVisible(chromedp.CSS("#code-missing")))
			return
		}
		b.fill("code", " ") // a browser's own check lets it pass
		b.click("approve")
		b.sees("decide", "typed_missing")
	}},
	{name: "decide-replaces", reach: func(b *tab) { // F15
		b.site.use(b.site.signedInOn(label, "alice", home))
		b.site.advance(2 * time.Hour)
		b.atDecision(b.site.device(label, home).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#replaces")))
	}},
	{name: "decide-replaces-unused", reach: func(b *tab) { // F15
		b.site.signedInOn(label, "alice", home)
		b.atDecision(b.site.device(label, elsewhere).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#replaces")))
	}},
	{name: "code-after-sign-in", env: wrongCodeLimit, reach: func(b *tab) { // F02
		b.asksForTheCode()
	}},
	{name: "code-after-sign-in-wrong", env: wrongCodeLimit, reach: func(b *tab) { // F02
		b.asksForTheCode()
		b.fill("code", "WRNG-C3DE")
		b.click("continue")
		b.sees("error", "invalid_user_code")
	}},
	{name: "code-after-sign-in-out-of-date", env: wrongCodeLimit, reach: func(b *tab) { // F02
		b.asksForTheCode()
		ask[bool](b, `document.querySelector("[name=csrf]").value = "x"; true`)
		b.fill("code", "WRNG-C3DE")
		b.click("continue")
		b.sees("error", "csrf_mismatch")
	}},
	{name: "approved", reach: func(b *tab) {
		b.atDecision(b.site.device(label, home).UserCode)
		b.click("approve")
		b.sees("approved", "")
	}},
	{name: "approved-fetched", with: knowsPlaces, reach: func(b *tab) {
		codes := b.site.device(label, home)
		b.atDecision(codes.UserCode)
		b.click("approve")
		b.sees("approved", "")
		if refused := b.site.poll(codes); refused != "" {
			b.t.Fatalf("got %s for the device, want a token", refused)
		}
		if !b.scripts {
			b.click("check")
			b.do(chromedp.WaitVisible(chromedp.CSS("[data-fetched]")))
			return
		}
		b.awaits(`document.querySelector("h1").textContent === document.querySelector("h1").dataset.then && document.title.startsWith(document.querySelector("h1").dataset.then)`)
	}},
	{name: "denied", reach: func(b *tab) {
		b.atDecision(b.site.device(label, elsewhere).UserCode)
		b.click("deny")
		b.sees("denied", "")
	}},
	{name: "undone", reach: func(b *tab) {
		b.atDecision(b.site.device(label, elsewhere).UserCode)
		b.click("approve")
		b.sees("approved", "")
		b.click("undo")
		b.sees("undone", "")
	}},
	{name: "sessions-sign-in", reach: func(b *tab) {
		b.open("/device/sessions")
		b.sees("sessions", "")
	}},
	{name: "sessions", reach: func(b *tab) {
		b.site.signedInOn("difyctl on build-server-7", "alice", elsewhere)
		b.site.signedInOn(label, "alice", home)
		b.open("/device/sessions")
		b.click("sign-in")
		b.signsIn("alice")
		b.do(chromedp.WaitVisible(chromedp.CSS("#end-all")))
	}},
	{name: "sessions-places", with: knowsPlaces, reach: func(b *tab) {
		b.site.signedInOn("difyctl on build-server-7", "alice", elsewhere)
		b.site.use(b.site.signedInOn(label, "alice", home))
		b.atDevices()
		b.do(chromedp.WaitVisible(chromedp.CSS("#end-all")))
	}},
	{name: "signed-out", reach: func(b *tab) {
		b.atDevices()
		b.click("leave")
		b.sees("left", "")
	}},
	{name: "choose-last", via: []via{acme, globex}, reach: func(b *tab) {
		b.enters(b.site.device(label, home).UserCode)
		b.click("connection-acme")
		b.signsIn("alice")
		b.sees("decide", "")
		b.enters(b.site.device(label, home).UserCode)
		b.sees("choose", "")
		b.do(chromedp.WaitVisible(chromedp.CSS("a.primary#connection-acme")))
	}},
	{name: "sessions-approved-without-token", reach: func(b *tab) { // F01
		b.site.signedInOn("difyctl on build-server-7", "alice", elsewhere)
		b.atDecision(b.site.device(label, elsewhere).UserCode)
		b.click("approve")
		b.sees("approved", "")
		b.open("/device/sessions")
		b.do(chromedp.WaitVisible(chromedp.CSS("#end-all")))
	}},
	{name: "sessions-choose", via: []via{acme, globex}, reach: func(b *tab) { // F10
		b.open("/device/sessions")
		b.click("sign-in")
		b.sees("choose", "")
	}},
	{name: "sessions-confirm", reach: func(b *tab) {
		b.site.signedInOn("difyctl on build-server-7", "alice", elsewhere)
		b.site.signedInOn(label, "alice", home)
		b.atDevices()
		b.click("end-all")
		b.do(chromedp.WaitVisible(chromedp.CSS("#confirm")))
	}},
	{name: "sessions-ended", reach: func(b *tab) {
		b.site.signedInOn(label, "alice", home)
		b.atDevices()
		b.do(chromedp.Click(chromedp.CSS("[name=session]")), chromedp.WaitVisible(chromedp.CSS(".notice")))
	}},
	{name: "expired", reach: func(b *tab) {
		codes := b.site.device(label, home)
		b.site.advance(12 * time.Minute)
		b.atDecision(codes.UserCode)
		b.site.advance(4 * time.Minute)
		b.click("approve")
		b.sees("error", "user_code_not_pending")
	}},
	{name: "used", reach: func(b *tab) {
		codes := b.site.device(label, home)
		b.atDecision(codes.UserCode)
		b.site.decidedElsewhere(b, codes.UserCode)
		b.click("approve")
		b.sees("error", "user_code_not_pending")
	}},
	{name: "sign-in-ran-out", reach: func(b *tab) {
		b.atDecision(b.site.device(label, home).UserCode)
		b.site.advance(6 * time.Minute)
		b.click("approve")
		b.sees("error", "invalid_session")
	}},
	{name: "denied-at-idp", reach: func(b *tab) {
		b.enters(b.site.device(label, home).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#user")))
		b.cancels()
		b.sees("error", "access_denied")
	}},
	{name: "wrong-domain", reach: func(b *tab) {
		b.enters(b.site.device(label, home).UserCode)
		b.signsIn("mallory")
		b.sees("error", "invalid_sso_assertion")
		b.do(chromedp.WaitVisible(chromedp.CSS("[name=again]+button")))
	}},
	{name: "another-code", reach: func(b *tab) {
		b.signsInToDecide(b.site.device(label, home).UserCode)
		b.enters(b.site.device(label, home).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#switch"))) // the identity provider knows this person
		b.open("/device/decide")
		b.sees("error", "another_code")
	}},
	{name: "too-many-decisions", reach: func(b *tab) {
		for range 10 {
			b.site.signedInOn(label, "alice", home)
		}
		b.atDecision(b.site.device(label, home).UserCode)
		b.click("approve")
		b.sees("error", "rate_limited")
	}},
	{name: "too-late-to-take-back", reach: func(b *tab) {
		b.atDecision(b.site.device(label, home).UserCode)
		b.click("approve")
		b.sees("approved", "")
		b.site.advance(6 * time.Minute)
		b.click("undo")
		b.sees("sessions", "")
		b.do(chromedp.WaitVisible(chromedp.CSS(".notice")))
	}},
	{name: "other-browser", reach: func(b *tab) {
		b.enters(b.site.device(label, home).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#user")))
		call(b, network.DeleteCookies, network.DeleteCookiesParams{Name: "device_sso_browser", URL: b.site.url})
		b.signsIn("alice")
		b.sees("error", "invalid_sso_assertion")
	}},
	{name: "sign-in-too-slow", reach: func(b *tab) {
		b.enters(b.site.device(label, home).UserCode)
		b.do(chromedp.WaitVisible(chromedp.CSS("#user")))
		b.site.advance(16 * time.Minute)
		b.site.idpBehind.Add(int64(16 * time.Minute)) // the identity provider is patient
		b.signsIn("alice")
		b.sees("error", "invalid_sso_assertion")
	}},
	{name: "idp-initiated", reach: func(b *tab) { // F16
		code := b.site.device(label, home).UserCode
		answer := b.site.visitor(home).answerAt("/openapi/v1/oauth/device/sso-initiate?user_code="+code, "alice")
		answer.values.Del("RelayState")
		b.submits(answer)
		b.sees("error", "invalid_request")
	}},
	{name: "idp-unreachable", via: []via{{slug: "acme", name: "ACME Corp", domain: "acme.example", broken: true}}, reach: func(b *tab) {
		b.enters(b.site.device(label, home).UserCode)
		b.sees("error", "sso_initiate_failed")
	}},
	{name: "out-of-date", reach: func(b *tab) {
		b.atDecision(b.site.device(label, home).UserCode)
		ask[bool](b, `document.querySelector("[name=csrf]").value = "x"; true`)
		b.click("approve")
		b.sees("error", "csrf_mismatch")
	}},
	{name: "rate-limited", reach: func(b *tab) {
		for i := range 60 {
			b.site.lookUp(home, fmt.Sprintf("WRNG-%04d", i))
		}
		b.enters("WRNG-C3DE")
		b.sees("error", "rate_limited")
	}},
	{name: "outage", reach: func(b *tab) {
		b.open("/device")
		b.sees("enter", "")
		b.site.storeDown.Store(true)
		b.fill("code", "WDJB-M3HT")
		b.click("continue")
		b.sees("error", "temporarily_unavailable")
	}},
	{name: "account-address", reach: func(b *tab) {
		b.enters(b.site.device(label, home).UserCode)
		b.signsIn("carol")
		b.sees("error", "email_belongs_to_dify_account")
	}},
	{name: "not-found", reach: func(b *tab) {
		b.open("/device/nowhere")
		b.sees("error", "not_found")
	}},
	{name: "shut", env: map[string]string{"LICENSE_STATUS": "expired"}, reach: func(b *tab) {
		b.open("/device")
		b.sees("closed", "sso_unavailable")
	}},
	{name: "not-set-up", env: map[string]string{"CONNECTIONS_FILE": ""}, reach: func(b *tab) {
		b.open("/device")
		b.sees("closed", "no_connection")
	}},
}

// refusesAll has a policy refuse every approval.
func refusesAll(s *fixture) {
	s.t.Helper()
	s.env["POLICY_FILE"] = s.write("policy.yaml", []byte("policy:\n  preset: parity\n  rules: [{then: refuse}]\n"))
}

// asksForNewSignIns has a policy ask for a sign-in after each device's start.
func asksForNewSignIns(s *fixture) {
	s.t.Helper()
	s.env["POLICY_FILE"] = s.write("policy.yaml", []byte("policy:\n  preset: parity\n  rules: [{then: reauthenticate}]\n"))
}

// wrongCodeLimit is one that [site.usesUpWrongCodes] uses up.
var wrongCodeLimit = map[string]string{"USER_CODE_GLOBAL_LIMIT": "3"}

// asksForTheCode signs in while codes cannot be looked up.
func (b *tab) asksForTheCode() {
	b.t.Helper()
	b.site.usesUpWrongCodes()
	b.enters(b.site.device(label, home).UserCode)
	b.signsIn("alice")
	b.do(chromedp.WaitVisible(chromedp.CSS(`form[action="/device/code"]`)))
}

// submits sends a form of another site.
func (b *tab) submits(f form) {
	b.t.Helper()
	b.do(chromedp.Navigate("about:blank"))
	var fields strings.Builder
	for name := range f.values {
		fmt.Fprintf(&fields, `<input name="%s" value="%s">`, html.EscapeString(name), html.EscapeString(f.values.Get(name)))
	}
	page := fmt.Sprintf(`<form method="post" action="%s">%s<button id="send">Continue</button></form>`, html.EscapeString(f.action), fields.String())
	ask[bool](b, fmt.Sprintf(`document.body.innerHTML = %q; true`, page))
	b.click("send")
}

// lookUp tries a code, without a browser.
func (s *fixture) lookUp(from, code string) {
	s.t.Helper()
	lookUp := http.Client{Transport: proxied{s, from}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := lookUp.PostForm(s.url+"/device", url.Values{"user_code": {code}})
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}

// decidedElsewhere has the same person decide in another browser.
func (s *fixture) decidedElsewhere(b *tab, code string) {
	other := newTab(b.t, b.ctx, s, b.scripts)
	other.atDecision(code)
	other.click("approve")
	other.sees("approved", "")
}

// served brings up the site of a state.
func (st state) served(t *testing.T) *fixture {
	t.Helper()
	through := st.via
	if len(through) == 0 {
		through = []via{acme}
	}
	s := newFixture(t, through...)
	for name, value := range st.env {
		s.env[name] = value
	}
	if st.with != nil {
		st.with(s)
	}
	s.serve()
	return s
}

// visit opens a tab on the site, from the address home.
func (st state) visit(t *testing.T, in context.Context, s *fixture, scripts bool) *tab {
	t.Helper()
	b := newTab(t, in, s, scripts)
	call(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"X-Forwarded-For": home}})
	return b
}

const pageWeight = 60 << 10

// TestEveryStateIsReachedAndAccessible reaches each state twice: with scripts
// and read from left to right, then without scripts and from right to left. A
// state in another language differs by its sentences only, which
// TestEveryLanguageFitsAndIsAccessible looks at.
func TestEveryStateIsReachedAndAccessible(t *testing.T) {
	in := browser(t)
	for _, run := range []struct {
		language, direction string
		scripts             bool
	}{{"en", "ltr", true}, {"ar", "rtl", false}} {
		for _, st := range states {
			t.Run(fmt.Sprintf("%s in %s scripts=%t", st.name, run.language, run.scripts), func(t *testing.T) {
				t.Parallel()
				s := st.served(t)
				b := st.visit(t, in, s, run.scripts)
				b.prefers(run.language)
				st.reach(b)

				if got := ask[string](b, `document.documentElement.dir`); got != run.direction {
					t.Errorf("got a page written %s, want %s", got, run.direction)
				}
				if broken := ask[string](b, brokenText); broken != "" {
					t.Errorf("got %s out of order, want codes and addresses written from left to right", broken)
				}
				for i, look := range looks {
					if i%4 != 0 && !run.scripts { // light and narrow, and the narrowest
						continue
					}
					b.looks(look.scheme, look.width, look.height)
					switch {
					case i == 0: // light and narrow
						b.accessible()
					case i == 3 && run.scripts: // dark and wide
						b.contrasts()
					}
					if wide := ask[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
						t.Errorf("at %d px: got %d px too many, want none", look.width, wide)
					}
				}
				weight := ask[int](b, `performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource")).reduce((sum, e) => sum + e.decodedBodySize, 0)`)
				if weight <= 0 || weight > pageWeight {
					t.Errorf("got a page of %d bytes, want some and at most 60 KiB", weight)
				}
				b.mu.Lock()
				defer b.mu.Unlock()
				for _, c := range b.complaint {
					t.Error(c)
				}
			})
		}
	}
}

// brokenText lists the codes and addresses that the direction of the page would
// reorder.
const brokenText = `[...document.querySelectorAll(".code, code, .code-field, input[type=email]")].filter(e => getComputedStyle(e).direction !== "ltr").map(e => e.outerHTML).join(" ")`

var (
	screenshots = flag.String("screenshots", "", "write a picture of every state into this folder, below the repository")
	picture     = flag.String("picture", "", "write the picture for the README into this file, below the repository")
)

// looks are what pages are seen on. The narrowest is 320 CSS pixels, which is
// also what 200 % zoom leaves of 640.
var looks = []struct {
	scheme        string
	width, height int64
}{
	{"light", 360, 740}, {"light", 1280, 800}, {"dark", 360, 740}, {"dark", 1280, 800}, {"light", 320, 640}, {"light", 360, 640},
}

// TestPicture makes the picture of the decision page for the README:
//
//	go test ./adapters/webui -run TestPicture -picture docs/images/decide.png
func TestPicture(t *testing.T) {
	if *picture == "" {
		t.Skip("no file was named with -picture")
	}
	s := served(t)
	b := states[0].visit(t, browser(t), s, true)
	codes := s.device(label, elsewhere)
	s.advance(9 * time.Minute)
	b.atDecision(codes.UserCode)
	ask[bool](b, `document.querySelector("footer").hidden = true`) // the fonts here may lack a script
	b.looks("light", 480, 1060)                                    // all of it in view: nothing scrolls under the buttons
	if err := os.WriteFile(filepath.Join("../..", *picture), b.picture(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestScreenshots makes the pictures that people look at:
//
//	go test ./adapters/webui -run TestScreenshots -screenshots screenshots
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no folder was named with -screenshots")
	}
	dir := filepath.Join("../..", *screenshots)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	in := browser(t)
	for _, st := range states {
		t.Run(st.name, func(t *testing.T) {
			s := st.served(t)
			b := st.visit(t, in, s, true)
			keep := func(name string) {
				if err := os.WriteFile(filepath.Join(dir, name+".png"), b.picture(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			st.reach(b)
			for _, look := range looks[:4] {
				b.looks(look.scheme, look.width, look.height)
				keep(fmt.Sprintf("%s-%s-%d", st.name, look.scheme, look.width))
			}
			b.looks("light", 360, 740)
			b.enlarges("200%")
			keep(st.name + "-text-200")
			b.enlarges("")
			if st.name != "decide-far" {
				return
			}
			b.looks("light", 360, 740)
			for _, l := range languages[1:] {
				b.speaks(l)
				b.sees("decide", "")
				keep("decide-far-in-" + l)
			}
		})
	}
}
