package webui_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

// use has a device use its token.
func (s *fixture) use(token demo.Token) {
	s.t.Helper()
	d := demo.Device{API: s.url + "/openapi/v1", HTTP: &http.Client{Transport: proxied{s, home}}}
	if status, text, err := d.Account(s.t.Context(), token.AccessToken); err != nil || status != http.StatusOK {
		s.t.Fatalf("got %d %s (%v), want 200", status, text, err)
	}
}

// F15: the decision page says which sign-in an approval ends, and when that was
// last used.
func TestTheDecisionPageSaysWhichSignInIsReplaced(t *testing.T) {
	s := served(t)
	token := s.signedInOn(label, "alice", home)
	v := s.visitor(home)
	page := v.signIn(s.device(label, home).UserCode, "alice")
	v.sees(page, "decide", "")
	if got, want := words(page.element("replaces")), "an earlier sign-in of “"+label+"”, never used connected from "+home; got != want {
		t.Errorf("got %q, want %q", got, want)
	}

	s.advance(90*time.Second - s.now().Sub(s.now().Truncate(time.Minute))) // the page shows minutes
	used := s.now()
	s.use(token)
	s.advance(3 * time.Minute)
	page = v.get("/device/decide")
	if got, want := words(page.element("replaces")), "an earlier sign-in of “"+label+"”, last used 3 minutes ago connected from "+home; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.advance(time.Hour)
	v = s.visitor(home)
	page = v.signIn(s.device(label, home).UserCode, "alice")
	if got, want := words(page.element("replaces")), "an earlier sign-in of “"+label+"”, last used "+used.UTC().Format("2006-01-02 15:04 UTC")+" connected from "+home; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, l := range languages {
		got := v.get(page.inLanguage(l))
		v.sees(got, "decide", "")
		if text := words(got.element("replaces")); !strings.Contains(text, label) || !strings.Contains(text, used.UTC().Format("15:04")) || strings.Contains(text, "decide.") {
			t.Errorf("%s: got %q, want the label and the time", l, text)
		}
	}
	v.sees(v.press(v.get("/device/decide"), "approve"), "approved", "")
}

func TestTheDecisionPageNamesNoSignInThatStays(t *testing.T) {
	s := served(t)
	s.signedInOn(label, "alice", home)
	for name, c := range map[string]struct{ label, user string }{
		"another device": {"another laptop", "alice"},
		"another person": {label, "bob"},
	} {
		v := s.visitor(home)
		page := v.signIn(s.device(c.label, home).UserCode, c.user)
		v.sees(page, "decide", "")
		if got := page.element("replaces"); got != nil {
			t.Errorf("%s: got %q, want nothing", name, words(got))
		}
	}
}

func TestMarkupInTheReplacedLabelStaysText(t *testing.T) {
	s := served(t)
	s.signedInOn("<b>laptop</b>", "alice", home)
	v := s.visitor(home)
	page := v.signIn(s.device("<b>laptop</b>", home).UserCode, "alice")
	v.sees(page, "decide", "")
	if got := words(page.element("replaces")); !strings.Contains(got, "<b>laptop</b>") {
		t.Errorf("got %q, want the label as text", got)
	}
}
