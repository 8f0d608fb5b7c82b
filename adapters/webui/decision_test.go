package webui_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// F75: what a screen reader, a telephone or a password manager makes of a page.
func TestApproveIsDescribedAndTheCodeIsSpelled(t *testing.T) {
	s := served(t)
	codes := s.device(label, elsewhere)
	v := s.visitor(home)
	page := v.signIn(codes.UserCode, "alice")
	v.sees(page, "decide", "")
	for _, id := range strings.Fields(attribute(page.element("approve"), "aria-describedby")) {
		if words(page.element(id)) == "" {
			t.Errorf("got no text in #%s, want what describes Approve", id)
		}
	}
	if got := attribute(page.element("approve"), "aria-describedby"); got != "verdict caution stop" {
		t.Errorf("Approve is described by %q, want verdict, caution and stop", got)
	}
	if strings.ContainsAny(page.text, "\u2066\u2067\u2068\u2069") {
		t.Error("got isolates in the text, want none")
	}
	var spelled, hidden bool
	for n := range page.main().Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		spelled = spelled || words(n) == strings.Join(strings.Split(codes.UserCode[:4], ""), " ")+", "+strings.Join(strings.Split(codes.UserCode[5:], ""), " ")
		hidden = hidden || words(n) == codes.UserCode && attribute(n, "aria-hidden") == "true"
	}
	if !spelled || !hidden {
		t.Errorf("got the code spelled %t, hidden from screen readers %t, want both", spelled, hidden)
	}
}

func TestCodeFieldsDisableAutocorrectionAndPasswordManagers(t *testing.T) { // F73, F75
	s := served(t, acme, globex)
	v := s.visitor(home)
	page := v.get("/device")
	field := page.element("code")
	for name, want := range map[string]string{"autocorrect": "off", "autocomplete": "off", "data-lpignore": "true", "data-form-type": "other"} {
		if got := attribute(field, name); got != want {
			t.Errorf("the code field has %s=%q, want %q", name, got, want)
		}
	}
	if got := attribute(field, "placeholder"); strings.ContainsAny(got, "ABCDEFGHJKLMNPQRSTUVWXY3456789") {
		t.Errorf("got the mask %q, want none that looks like a code", got)
	}
	var detection string
	for n := range page.doc.Descendants() {
		if attribute(n, "name") == "format-detection" {
			detection = attribute(n, "content")
		}
	}
	if !strings.Contains(detection, "telephone=no") {
		t.Errorf("got the format-detection %q, want no telephone numbers", detection)
	}
}
