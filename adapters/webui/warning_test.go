package webui_test

import (
	"strings"
	"testing"
)

// The warning stands before the button that leads on, on the first page and at the
// decision, near and far.
func TestTheWarningStandsBeforeTheButtonsInEveryLanguage(t *testing.T) {
	s := served(t)
	first := s.visitor(home)
	enter := first.get("/device?user_code=" + s.device(label, elsewhere).UserCode)
	near, far := s.visitor(home), s.visitor(home)
	pages := []struct {
		name, button string
		of           *visitor
		page         shown
	}{
		{"the first page", "continue", first, enter},
		{"near", "approve", near, near.signIn(s.device(label, home).UserCode, "alice")},
		{"far", "approve", far, far.signIn(s.device(label, elsewhere).UserCode, "alice")},
	}
	said := map[string]bool{}
	for _, l := range languages {
		for _, p := range pages {
			got := p.of.get(p.page.inLanguage(l))
			if got.element("caution") == nil || got.element(p.button) == nil {
				t.Errorf("%s in %s: got %s, want the warning and the button", p.name, l, words(got.main()))
				continue
			}
			if strings.Index(got.text, `id="caution"`) > strings.Index(got.text, `id="`+p.button+`"`) {
				t.Errorf("%s in %s: got the warning after the button, want it before", p.name, l)
			}
			if described := strings.Fields(attribute(got.element(p.button), "aria-describedby")); p.button == "approve" && !strings.Contains(strings.Join(described, " "), "caution") {
				t.Errorf("%s in %s: got the button described by %q, want by the warning", p.name, l, described)
			}
			said[words(got.element("caution"))] = true
		}
	}
	if want := 2 * len(languages); len(said) != want { // the decision has one sentence, near and far
		t.Errorf("got %d different warnings, want %d: each language has its own", len(said), want)
	}
}
