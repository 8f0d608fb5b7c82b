package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// F63, without scripts: the title says that something is wrong, and the redirect
// leads to the sentence that says what.
func TestMistakesAreInTheTitleAndVisible(t *testing.T) {
	s := served(t, acme, globex)
	v := s.visitor(home)
	code := s.device(label, home).UserCode
	mistake := func(name string, form url.Values, path, id string) {
		t.Helper()
		sent := v.once(http.MethodPost, path, form)
		_, fragment, _ := strings.Cut(sent.header.Get("Location"), "#")
		page := v.get(sent.header.Get("Location"))
		if fragment != id || page.element(id) == nil || attribute(page.element(id), "role") != "alert" {
			t.Errorf("%s: got %s, want it to lead to #%s", name, sent.header.Get("Location"), id)
		}
		if title := page.title(); !strings.HasPrefix(title, "Error: ") {
			t.Errorf("%s: got the title %q, want Error: first", name, title)
		}
	}
	mistake("a wrong code", url.Values{"user_code": {"WRNG-C3DE"}}, "/device", "code-wrong")
	v.post("/device", url.Values{"user_code": {code}})
	mistake("no address", url.Values{"user_code": {code}, "login_hint": {"ada"}}, "/device/sign-in", "hint-wrong")

	only := newFixture(t, acme)
	only.env["REQUIRE_TYPED_CODE"] = "true"
	only.serve()
	v = only.visitor(home)
	decide := v.signIn(only.device(label, elsewhere).UserCode, "alice")
	v.sees(decide, "decide", "")
	typed := decide.form("approve").values
	typed.Set("typed_code", "WRNG-C3DE")
	mistake("another code", typed, "/device/approve", "code-wrong")
}

func (s shown) title() string {
	for n := range s.doc.Descendants() {
		if n.Data == "title" {
			return words(n)
		}
	}
	return ""
}

// F64: a link puts nothing on the page that is no code.
func TestLinksFillInNothingButCodes(t *testing.T) {
	s := served(t)
	for _, text := range []string{"ACCOUNT LOCKED CALL 0800 123456", "HELP-1234", "xyz-xyz", "CALL 555"} {
		v := s.visitor(home)
		page := v.get("/device?user_code=" + url.QueryEscape(text))
		v.sees(page, "enter", "")
		if value := attribute(page.element("code"), "value"); value != "" || strings.Contains(page.text, text) {
			t.Errorf("%q: got the field %q, want it empty", text, value)
		}
		if said := words(page.main()); !strings.Contains(said, "holds no valid code") || strings.Contains(said, "came with the link") {
			t.Errorf("%q: got %s, want that it holds no valid code", text, said)
		}
	}
}

// F71: what was typed is still there after the wait.
func TestTheTypedCodeIsKeptDuringALimit(t *testing.T) {
	s := served(t)
	code := s.device(label, home).UserCode
	for i := range 60 {
		s.lookUp(elsewhere, strings.Repeat("A", 7)+string(rune('A'+i%26))+strings.Repeat("B", i/26))
	}
	v := s.visitor(elsewhere)
	refused := v.post("/device", url.Values{"user_code": {code}})
	v.sees(refused, "error", "rate_limited")
	again := v.get(attribute(refused.element("next"), "href"))
	v.sees(again, "enter", "")
	if got := attribute(again.element("code"), "value"); got != code {
		t.Errorf("got the field %q, want %q", got, code)
	}
	if text := words(again.main()); strings.Contains(text, "came with the link") {
		t.Errorf("got %s, want no word of a link", text)
	}
	s.advance(6 * time.Minute)
	v.sees(v.press(again, "continue"), "choose", "")
}

// F74: a reference is short, and shown where a person can use it.
func TestReferencesAreShownWhereTheyHelp(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	reference := func(page shown) string {
		for n := range page.doc.Descendants() {
			if attribute(n, "class") == "reference" {
				words := strings.Fields(words(n))
				return words[len(words)-1]
			}
		}
		return ""
	}
	codes := s.device(label, elsewhere)
	denied := v.press(v.signIn(codes.UserCode, "alice"), "deny")
	undone := v.press(v.press(v.signIn(s.device(label, elsewhere).UserCode, "alice"), "approve"), "undo")
	s.storeDown.Store(true)
	outage := v.post("/device", url.Values{"user_code": {codes.UserCode}})
	s.storeDown.Store(false)
	for name, page := range map[string]shown{
		"denied": denied, "undone": undone, "an outage": outage,
		"a refused sign-in": v.get("/device?sso_error=invalid_sso_assertion&ref=0190a6b2-0000-7000-8000-123456789abc"),
	} {
		got, full := reference(page), attribute(page.main(), "data-reference")
		if got == "" || len(got) > 12 || !strings.HasSuffix(full, got) {
			t.Errorf("%s: got the reference %q of %q, want its end", name, got, full)
		}
	}
	for name, page := range map[string]shown{
		"a typing error": v.post("/device", url.Values{"user_code": {"WRNG-C3DE"}}),
		"a late sign-in": v.get("/device?sso_error=no_session"),
		"not found":      v.get("/device/nowhere"),
	} {
		if got := reference(page); got != "" {
			t.Errorf("%s: got the reference %q, want none", name, got)
		}
	}
}

// F76: an error page in another language is the same error page.
func TestErrorPagesKeepTheirProblemInEveryLanguage(t *testing.T) {
	s := served(t)
	code := s.device(label, home).UserCode
	for i := range 60 {
		s.lookUp(elsewhere, strings.Repeat("A", 7)+string(rune('A'+i%26))+strings.Repeat("B", i/26))
	}
	limited := s.visitor(elsewhere)
	for name, c := range map[string]struct {
		v       *visitor
		page    shown
		problem string
	}{
		"not found": {s.visitor(home), s.visitor(home).get("/device/nowhere"), "not_found"},
		"a limit":   {limited, limited.post("/device", url.Values{"user_code": {code}}), "rate_limited"},
		"too large": {s.visitor(home), s.visitor(home).post("/device", url.Values{"user_code": {strings.Repeat("A", 70_000)}}), "too_large"},
	} {
		c.v.sees(c.page, "error", c.problem)
		var german string
		for n := range c.page.doc.Descendants() {
			if attribute(n, "hreflang") == "de" {
				german = attribute(n, "href")
			}
		}
		got := c.v.get(german)
		c.v.sees(got, "error", c.problem)
		if got.header.Get("Content-Language") != "de" || got.url.RawQuery != "" {
			t.Errorf("%s: got %s at %s, want the same page in German", name, got.header.Get("Content-Language"), got.url)
		}
	}
}
