package webui_test

import (
	"strings"
	"testing"
	"time"
)

func TestTheDecisionPageSaysWhatIsNewAboutADevice(t *testing.T) {
	s := withClients(t, "  - {id: difyctl}\n  - {id: tv, name: Television}\n", acme)
	before := func(client, label string) string {
		t.Helper()
		v := s.visitor(home)
		page := v.signIn(s.deviceOf(client, label, home).UserCode, "alice")
		v.sees(page, "decide", "")
		if page.element("before") == nil {
			return ""
		}
		return words(page.element("before"))
	}
	if got, want := before("difyctl", label), "No device of yours is known here."; got != want {
		t.Errorf("the first device: got %q, want %q", got, want)
	}
	s.signedInOn("another laptop", "bob", home)
	if got := before("difyctl", label); !strings.Contains(got, "No device of yours") {
		t.Errorf("after another person's device: got %q, want the same", got)
	}
	s.signedInOn(label, "alice", home)
	if got, want := before("tv", "living room"), "No device of yours with Television is known here."; got != want {
		t.Errorf("the first of its client: got %q, want %q", got, want)
	}
	if got := before("difyctl", "another laptop"); got != "" {
		t.Errorf("another device of a known client: got %q, want nothing", got)
	}
}

func TestTheDecisionPageSaysUntilWhen(t *testing.T) {
	s := withClients(t, "  - {id: difyctl}\n  - {id: tv, token_ttl: 48h}\n", acme)
	for client, life := range map[string]time.Duration{"difyctl": 14 * 24 * time.Hour, "tv": 48 * time.Hour} {
		v := s.visitor(home)
		page := v.signIn(s.deviceOf(client, label, home).UserCode, "alice")
		if got, want := words(page.element("until")), s.now().Add(life).UTC().Format(time.DateOnly); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %s", client, got, want)
		}
	}
}

// In another network the page does not look the same: the safe choice stands
// first and is the prominent one.
func TestTheDecisionPageLooksDifferentForAnotherNetwork(t *testing.T) {
	s := served(t)
	for from, want := range map[string]string{
		home: "near: Approve only if it was you.", elsewhere: "far: If you did not start it yourself, deny.",
		"2001:db8::7": "far: If you did not start it yourself, deny.",
	} {
		v := s.visitor(home)
		page := v.signIn(s.device(label, from).UserCode, "alice")
		class := strings.TrimPrefix(attribute(page.element("stop").Parent, "class"), "decision ")
		if got := class + ": " + words(page.element("stop")); got != want {
			t.Errorf("%s: got %q, want %q", from, got, want)
		}
		if got, want := attribute(page.element("verdict").Parent.Parent, "class"), "verdict "+class; got != want {
			t.Errorf("%s: got the class %q of what is known, want %q", from, got, want)
		}
		if alarmed := strings.Contains(page.text, `<path d="M12 3.2 `); alarmed != (class == "far") {
			t.Errorf("%s: got the sign of a warning %t, want it in the far case only", from, alarmed)
		}
		if denyFirst := strings.Index(page.text, `id="deny"`) < strings.Index(page.text, `id="approve"`); denyFirst != (class == "far") {
			t.Errorf("%s: got deny first %t, want it in the far case only", from, denyFirst)
		}
	}
	typed := newFixture(t, acme)
	typed.env["REQUIRE_TYPED_CODE"] = "true"
	typed.serve()
	v := typed.visitor(home)
	page := v.signIn(typed.device(label, elsewhere).UserCode, "alice")
	if strings.Index(page.text, `id="deny"`) < strings.Index(page.text, `id="approve"`) {
		t.Error("got deny first where a code is typed, want Enter to send what was typed")
	}
}
