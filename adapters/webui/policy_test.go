package webui_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestAnApprovalThatPolicyRefusesOffersTheWayOn(t *testing.T) {
	s := newFixture(t, acme)
	s.env["POLICY"] = "strict"
	s.serve()
	codes := s.device(label, elsewhere)
	v := s.visitor(home)
	v.sees(v.post("/device", url.Values{"user_code": {codes.UserCode}}), "choose", "")
	page := v.signIn(codes.UserCode, "alice")
	v.sees(page, "decide", "")
	if page.element("approve") != nil || !strings.Contains(words(page.element("blocked")), "another network") {
		t.Errorf("got the page %s, want no button to approve and the reason", words(page.main()))
	}
	f := page.form("deny")
	f.values.Set("typed_code", codes.UserCode)
	v.sees(v.post("/device/approve", f.values), "error", "network_not_allowed")
	if got := s.poll(codes); got != "authorization_pending" {
		t.Errorf("got %q, want authorization_pending", got)
	}
	v.sees(v.press(v.get("/device/decide"), "deny"), "denied", "")
}

func TestPolicyAsksForANewSignIn(t *testing.T) {
	s := newFixture(t, acme)
	s.env["POLICY_FILE"] = s.write("policy.yaml", []byte("policy:\n  preset: parity\n  rules: [{then: reauthenticate}]\n"))
	s.serve()
	v := s.visitor(home)
	v.sees(v.signIn(s.device("first", home).UserCode, "alice"), "decide", "")
	s.advance(10 * time.Minute)

	codes := s.device(label, home)
	again := v.get("/openapi/v1/oauth/device/sso-initiate?user_code=" + codes.UserCode)
	f := again.form("")
	f.values.Set("action", "continue") // with the session that is there
	to, err := again.url.Parse(f.action)
	if err != nil {
		t.Fatal(err)
	}
	answer := v.post(to.String(), f.values).form("")
	page := v.post(answer.action, answer.values)
	v.sees(page, "decide", "")
	if page.element("approve") != nil || page.element("sign-in-again") == nil {
		t.Fatalf("got the page %s, want the offer to sign in again", words(page.main()))
	}
	deny := page.form("deny")
	v.sees(v.post("/device/approve", deny.values), "decide", "")
	if got := s.poll(codes); got != "authorization_pending" {
		t.Errorf("got %q, want authorization_pending", got)
	}

	leaving := v.post("/device/sign-in", url.Values{"user_code": {codes.UserCode}, "again": {"same_account"}})
	if address := leaving.url.Path; address != "/device/leave" || !strings.Contains(leaving.text, "prompt=login") {
		t.Fatalf("got %s, want the way to the identity provider with prompt=login", leaving.url)
	}
	page = v.signInAt("/openapi/v1/oauth/device/sso-initiate?prompt=login&user_code="+codes.UserCode, "alice")
	v.sees(v.press(page, "approve"), "approved", "")
}

func TestARequestForAnotherPersonOffersAnotherAccount(t *testing.T) {
	s := served(t)
	codes := s.deviceFor("alice@acme.example", home)
	v := s.visitor(home)
	page := v.signIn(codes.UserCode, "bob")
	v.sees(page, "decide", "")
	if page.element("approve") != nil || page.element("sign-in-other") == nil || words(page.element("bound")) != "alice@acme.example" || words(page.element("meant")) != "alice@acme.example" {
		t.Fatalf("got the page %s, want the named account and the offer to use it", words(page.main()))
	}
	v.sees(v.post("/device/approve", page.form("deny").values), "error", "subject_mismatch")
	page = s.visitor(home).signIn(codes.UserCode, "alice")
	if page.element("approve") == nil {
		t.Errorf("got the page %s, want the button to approve", words(page.main()))
	}
}

func TestACodeThatALinkFilledInIsNotTyped(t *testing.T) {
	s := newFixture(t, acme)
	s.env["POLICY_FILE"] = s.write("policy.yaml", []byte("policy:\n  rules: [{when: {client: difyctl}, then: type}]\n"))
	s.serve()
	for name, test := range map[string]struct {
		linked bool
		asked  bool
	}{"by link": {true, true}, "by hand": {false, false}} {
		codes := s.device(label, home)
		v := s.visitor(home)
		if test.linked {
			v.get("/device?user_code=" + codes.UserCode)
		}
		v.post("/device", url.Values{"user_code": {codes.UserCode}})
		page := v.signIn(codes.UserCode, "alice")
		v.sees(page, "decide", "")
		if asked := page.element("code") != nil; asked != test.asked {
			t.Errorf("%s: got the code asked for %t, want %t", name, asked, test.asked)
		}
		outcome, problem := "approved", ""
		if test.asked {
			outcome, problem = "decide", "typed_missing"
		}
		v.sees(v.press(page, "approve"), outcome, problem)
	}
}
