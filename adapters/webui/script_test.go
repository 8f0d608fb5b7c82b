package webui_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focused is what has the keyboard: its id, else its element's name.
const focused = `document.activeElement.id || document.activeElement.name || document.activeElement.hreflang || document.activeElement.tagName.toLowerCase()`

// tabs presses the tabulator until the focus is where it was, and lists what had
// it on the way.
func (b *tab) tabs() []string {
	b.t.Helper()
	var order []string
	for range 40 {
		b.do(chromedp.KeyEvent(kb.Tab))
		at := ask[string](b, focused)
		if at == "body" || slices.Contains(order, at) {
			break
		}
		if visible := ask[bool](b, `(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; })()`); !visible {
			b.t.Errorf("got no visible focus at %s, want one", at)
		}
		order = append(order, at)
	}
	return order
}

func TestKeyboardOrder(t *testing.T) {
	t.Parallel()
	in := browser(t)
	s := served(t)
	b := states[0].visit(t, in, s, true)

	b.open("/device")
	b.sees("enter", "")
	if at := ask[string](b, focused); at != "code" {
		t.Errorf("got the focus at %s, want the code", at)
	}
	if order := b.tabs(); !slices.Equal(order[:2], []string{"continue", "en"}) {
		t.Errorf("first page: got the order %v, want continue, en first", order)
	}

	codes := s.device(label, home)
	b.signsInToDecide(codes.UserCode)
	if at := ask[string](b, focused); at != "h1" {
		t.Errorf("got the focus at %s, want the heading: nothing may be preselected", at)
	}
	if order := b.tabs(); !slices.Equal(order[:3], []string{"next", "approve", "deny"}) {
		t.Errorf("decision: got the order %v, want next, approve, deny first", order)
	}

	// All of it without a mouse.
	b.open("/device")
	b.sees("enter", "")
	b.do(chromedp.KeyEvent(strings.ToLower(codes.UserCode)), chromedp.KeyEvent(kb.Enter))
	b.do(chromedp.WaitVisible(chromedp.CSS("#switch"))) // the identity provider knows this person
	b.do(chromedp.Focus(chromedp.CSS("#continue")), chromedp.KeyEvent(kb.Enter))
	b.sees("decide", "")
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
	b.sees("denied", "")
}

func TestTheCodeIsGroupedAsItIsTyped(t *testing.T) {
	t.Parallel()
	in := browser(t)
	s := served(t)
	b := states[0].visit(t, in, s, true)
	value := func() string { return ask[string](b, `document.getElementById("code").value`) }
	for typed, want := range map[string]string{
		"wdjb": "WDJB", "wdjbm": "WDJB-M", "wdjbm3ht": "WDJB-M3HT", "wdjb-m3ht": "WDJB-M3HT", "wd jb m3": "WDJB-M3",
	} {
		b.open("/device")
		b.sees("enter", "")
		b.do(chromedp.KeyEvent(typed))
		if got := value(); got != want {
			t.Errorf("typed %q: got %q, want %q", typed, got, want)
		}
	}
	for pasted, want := range map[string]string{
		" ｗｄｊｂ–ｍ３ｈｔ\n": "WDJB-M3HT", "WDJB\u200bM3HT": "WDJB-M3HT", "Code: WDJB-M3HT": "Code: WDJB-M3HT",
	} {
		b.open("/device")
		b.sees("enter", "")
		call(b, input.InsertText, input.InsertTextParams{Text: pasted})
		if got := value(); got != want {
			t.Errorf("pasted %q: got %q, want %q", pasted, got, want)
		}
	}
	// A correction in the middle stays in the middle.
	b.open("/device")
	b.sees("enter", "")
	b.do(chromedp.KeyEvent("wdjbm3ht"))
	ask[bool](b, `document.getElementById("code").setSelectionRange(2, 4); true`)
	b.do(chromedp.KeyEvent("x"), chromedp.KeyEvent("y"))
	if got := value(); got != "WDXY-M3HT" {
		t.Errorf("corrected: got %q, want WDXY-M3HT", got)
	}
}

func TestTheTimeLeftIsAnnouncedAtTheEndOnly(t *testing.T) {
	t.Parallel()
	in := browser(t)
	s := served(t)
	b := states[0].visit(t, in, s, true)
	codes := s.device(label, home)
	s.advance(12 * time.Minute) // the code ends before the sign-in
	b.atDecision(codes.UserCode)
	b.leaves(119)
	b.awaits(countdown + `.startsWith("This code expires in 1 minute")`)
	if said := ask[string](b, `document.querySelector("[role=status]").textContent`); said != "" {
		t.Errorf("got %q announced before the last minute, want nothing", said)
	}
	b.leaves(60)
	b.awaits(`document.querySelector("[role=status]").textContent.startsWith("This code expires in ")`)
}

func TestAFormIsSentOnce(t *testing.T) {
	t.Parallel()
	in := browser(t)
	s := served(t)
	b := states[0].visit(t, in, s, true)
	b.atDecision(s.device(label, home).UserCode)
	b.do(chromedp.DoubleClick(chromedp.CSS("#approve")))
	b.sees("approved", "")
}

// TestEveryLanguageFitsAndIsAccessible looks at the fullest pages in each language,
// and from right to left, at the narrowest width there is.
func TestEveryLanguageFitsAndIsAccessible(t *testing.T) {
	t.Parallel()
	in := browser(t)
	s := served(t, acme, globex)
	b := states[0].visit(t, in, s, true)
	b.looks("light", 320, 640)
	fits := func(what string) {
		t.Helper()
		if wide := ask[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
			t.Errorf("%s: got %d px too many, want none", what, wide)
		}
		if cut := ask[string](b, `[...document.querySelectorAll("button, .primary, .secondary, dt, dd, h1, .code")].filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline").map(e => e.textContent).join("|")`); cut != "" {
			t.Errorf("%s: got cut off %s, want nothing", what, cut)
		}
	}
	b.enters(s.device(label, elsewhere).UserCode)
	b.sees("choose", "")
	b.click("connection-acme")
	b.signsIn("alice")
	b.sees("decide", "")
	for _, l := range languages {
		for _, page := range []string{"decide", "sign-in", "", "sessions", "nowhere"} {
			b.open("/device/" + page)
			b.speaks(l)
			fits(l + " " + page)
			ask[bool](b, `document.documentElement.dir = "rtl"; true`)
			fits(l + " " + page + " from right to left")
			ask[bool](b, `document.documentElement.dir = "ltr"; true`)
			b.accessible()
		}
	}
}

// A click that was meant for another window approves nothing if a link led
// straight to the decision. Denying is never delayed.
func TestApproveIsDisabledForAMomentAfterALink(t *testing.T) {
	t.Parallel()
	in := browser(t)
	s := served(t)
	const clickUponFocus = `window.dispatchEvent(new Event("focus")), document.getElementById("%s").click(), document.getElementById("%[1]s").hasAttribute("aria-disabled")`
	straight := func(b *tab) {
		b.open("/openapi/v1/oauth/device/sso-initiate?user_code=" + s.device(label, elsewhere).UserCode)
		b.signsIn("alice")
		b.sees("decide", "")
	}
	b := states[0].visit(t, in, s, true)
	straight(b)
	if !ask[bool](b, fmt.Sprintf(clickUponFocus, "approve")) {
		t.Error("got a button that seems to work, want it disabled")
	}
	b.do(chromedp.WaitVisible(chromedp.CSS("#approve:not([aria-disabled])")))
	b.sees("decide", "")
	b.click("approve")
	b.sees("approved", "")

	b = states[0].visit(t, in, s, true)
	straight(b)
	ask[bool](b, `window.dispatchEvent(new Event("focus")), document.getElementById("deny").click(), true`)
	b.sees("denied", "")

	b = states[0].visit(t, in, s, true)
	b.atDecision(s.device(label, elsewhere).UserCode)
	ask[bool](b, `window.dispatchEvent(new Event("focus")), document.getElementById("approve").click(), true`)
	b.sees("approved", "")
}

// F61: what is read aloud begins with what is shown, in every language.
func TestTheDevicesPageIsAccessibleInEveryLanguage(t *testing.T) {
	t.Parallel()
	s := served(t)
	s.signedInOn("difyctl on build-server-7", "alice", elsewhere)
	b := states[0].visit(t, browser(t), s, true)
	b.atDecision(s.device(label, home).UserCode)
	b.click("approve")
	b.sees("approved", "")
	for _, l := range languages {
		b.open("/device/approved")
		b.speaks(l)
		b.accessible()
		b.open("/device/sessions")
		b.do(chromedp.WaitVisible(chromedp.CSS("[name=session]")))
		b.accessible()
	}
}
