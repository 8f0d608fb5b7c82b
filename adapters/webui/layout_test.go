package webui_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var languages = []string{"en", "de", "es", "fr", "it", "nl", "pl", "pt-BR", "ko", "ja", "zh-Hans", "zh-Hant", "ar"}

// demanding are those with the longest words or another script: what fits in them
// fits in all.
var demanding = []string{"en", "de", "fr", "pl", "ja", "ar"}

// scrollTime is how long a page may take to scroll to where it begins.
const scrollTime = 5 * time.Second

// outOfView lists the elements, by selector, that do not come wholly into view.
func (b *tab) outOfView(selectors ...string) []string {
	b.t.Helper()
	var out []string
	for _, s := range selectors {
		ctx, cancel := context.WithTimeout(b.ctx, scrollTime)
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](
			fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight + 0.5; })()`, s),
			chromedp.WithPollingInterval(50*time.Millisecond)))
		cancel()
		if err != nil {
			out = append(out, s)
		}
	}
	return out
}

// F67, F69: on a telephone the warning and both buttons are in view, and no code
// breaks at its hyphen, in every language.
func TestTheDecisionIsInViewOnATelephone(t *testing.T) {
	t.Parallel()
	s := served(t)
	b := states[0].visit(t, browser(t), s, true)
	b.looks("light", 360, 740)
	for _, l := range languages {
		b.open("/device")
		b.speaks(l)
		b.sees("enter", "")
		if out := b.outOfView("#caution", "#continue"); out != nil {
			t.Errorf("%s, first page: got out of view %v, want all in view", l, out)
		}
	}
	codes := s.device(label, elsewhere)
	s.advance(9 * time.Minute)
	b.atDecision(codes.UserCode)
	for _, height := range []int64{740, 640} {
		b.looks("light", 360, height)
		for _, l := range languages {
			b.speaks(l)
			b.sees("decide", "")
			if out := b.outOfView(".compare .code", "#verdict", "#approve", "#deny"); out != nil {
				t.Errorf("%s, 360x%d: got out of view %v, want all in view", l, height, out)
			}
			if height == 640 {
				continue
			}
			if out := append(b.outOfView("#caution"), b.hidden("#caution")...); out != nil {
				t.Errorf("%s: got out of view or covered %v, want all in view", l, out)
			}
			if lines := ask[int](b, `document.querySelector(".compare .code").getClientRects().length`); lines != 1 {
				t.Errorf("%s: got the code on %d lines, want 1", l, lines)
			}
		}
	}
}

// Places make the warning longer: what to do still stands above the buttons.
func TestTheWarningIsInViewWherePlacesAreNamed(t *testing.T) {
	t.Parallel()
	s := newFixture(t, acme)
	knowsPlaces(s)
	s.serve()
	b := states[0].visit(t, browser(t), s, true)
	b.looks("light", 360, 740)
	b.atDecision(s.device(label, elsewhere).UserCode)
	b.do(chromedp.WaitVisible(chromedp.CSS("#places")))
	for _, l := range languages {
		b.speaks(l)
		b.sees("decide", "")
		if out := append(b.outOfView("#verdict", "#caution"), b.hidden("#caution")...); out != nil {
			t.Errorf("%s: got out of view or covered %v, want all in view", l, out)
		}
	}
}

// hidden lists the elements, by selector, that another one covers.
func (b *tab) hidden(selectors ...string) (out []string) {
	b.t.Helper()
	for _, s := range selectors {
		if ask[bool](b, fmt.Sprintf(`(() => { const e = document.querySelector(%q), r = e.getBoundingClientRect(); return ![r.top + 2, r.bottom - 2].every(y => e.contains(document.elementFromPoint((r.left + r.right) / 2, y))); })()`, s)) {
			out = append(out, s)
		}
	}
	return out
}

// Where policy asks for the code, its field is seen on a telephone without
// scrolling, and pressing approve without it leads there.
func TestTheFieldForTheCodeIsInViewOnATelephone(t *testing.T) {
	t.Parallel()
	s := newFixture(t, acme)
	s.env["REQUIRE_TYPED_CODE"] = "true"
	s.serve()
	b := states[0].visit(t, browser(t), s, true)
	b.looks("light", 360, 740)
	b.open("/openapi/v1/oauth/device/sso-initiate?user_code=" + s.device(label, elsewhere).UserCode)
	b.signsIn("alice")
	for _, l := range languages {
		b.speaks(l)
		b.sees("decide", "")
		if out := append(b.outOfView("#verdict", "#code", "#approve", "#deny"), b.hidden("#code")...); out != nil {
			t.Errorf("%s: got out of view or covered %v, want all in view", l, out)
		}
	}
	for _, l := range demanding {
		b.looks("light", 360, 640)
		b.speaks(l)
		b.sees("decide", "")
		for _, size := range []string{"", "200%"} {
			b.enlarges(size)
			b.do(chromedp.WaitVisible(chromedp.CSS("#approve:not([aria-disabled])")))
			ask[bool](b, `document.getElementById("code-missing").hidden = true; scrollTo(0, document.body.scrollHeight); document.activeElement.blur(); true`)
			b.click("approve")
			b.awaits(`document.activeElement.id === "code"`)
			want := []string{"#code", "#code-missing"}
			if size != "" { // for both there is no room
				want = want[:1]
			}
			if out := append(b.outOfView(want...), b.hidden(want...)...); out != nil {
				t.Errorf("%s, text %q: got out of view or covered %v after an empty field, want what is to be done and the field", l, size, out)
			}
			if got := ask[string](b, `document.getElementById("code").getAttribute("aria-describedby")`); got != "code-missing" {
				t.Errorf("%s: got the field described by %q, want the sentence", l, got)
			}
		}
		b.enlarges("")
	}
	b.do(chromedp.Click(chromedp.CSS("#deny"))) // needs no code
	b.sees("denied", "")
}

func TestTheCodeDoesNotBreakOnTheSignInPage(t *testing.T) { // F67
	t.Parallel()
	s := served(t, acme, globex)
	b := states[0].visit(t, browser(t), s, true)
	b.enters(s.device(label, home).UserCode)
	b.sees("choose", "")
	for _, l := range demanding {
		b.speaks(l)
		for width := int64(320); width <= 480; width += 16 {
			b.looks("light", width, 740)
			if lines := ask[int](b, `document.querySelector(".about .code").getClientRects().length`); lines != 1 {
				t.Errorf("%s, %d px: got the code on %d lines, want 1", l, width, lines)
			}
		}
	}
}

// F68: with text of twice the size nothing is cut off, and no fact is squeezed
// into a column of a few letters.
func TestPagesFitWithTextAt200Percent(t *testing.T) {
	t.Parallel()
	s := served(t)
	b := states[0].visit(t, browser(t), s, true)
	check := func(page string) {
		t.Helper()
		b.looks("light", 360, 740)
		b.enlarges("200%")
		if wide := ask[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
			t.Errorf("%s: got %d px too many, want none", page, wide)
		}
		if cut := ask[string](b, `[...document.querySelectorAll("button, .primary, .secondary, dt, dd, h1, .steps li, .code, .notice > span")].filter(e => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1).map(e => e.textContent).join("|")`); cut != "" {
			t.Errorf("%s: got cut off %s, want nothing", page, cut)
		}
		if narrow := ask[string](b, `[...document.querySelectorAll("dd, .notice > span, .verdict > div")].filter(e => e.getBoundingClientRect().width < 200).map(e => e.textContent).join("|")`); narrow != "" {
			t.Errorf("%s: got squeezed %s, want nothing", page, narrow)
		}
		// The width of an input's text cannot be read: that of a copy can.
		if clipped := ask[float64](b, `(() => {
			const field = document.querySelector(".code-field"); if (!field) return 0;
			const copy = document.createElement("span"), s = getComputedStyle(field);
			copy.textContent = "WWWW-WWWW"; copy.style.fontFamily = s.fontFamily; copy.style.fontSize = s.fontSize; copy.style.fontWeight = s.fontWeight; copy.style.letterSpacing = s.letterSpacing; copy.style.position = "absolute"; copy.style.inlineSize = "max-content";
			document.body.append(copy); const width = copy.getBoundingClientRect().width; copy.remove();
			return Math.max(0, width - (field.clientWidth - parseFloat(s.paddingInlineStart) - parseFloat(s.paddingInlineEnd)));
		})()`); clipped > 0 {
			t.Errorf("%s: got a code field %.0f px too narrow, want it to fit", page, clipped)
		}
		if out := ask[bool](b, `(() => { const code = document.querySelector(".compare .code"); if (!code) return false; const c = code.getBoundingClientRect(), box = code.closest(".compare").getBoundingClientRect(); return c.left < box.left || c.right > box.right; })()`); out {
			t.Errorf("%s: got a code that sticks out of its box, want it inside", page)
		}
		if covers := ask[bool](b, `[...document.querySelectorAll(".decision")].some(e => getComputedStyle(e).position === "sticky")`); covers {
			t.Errorf("%s: got sticky buttons, want none", page)
		}
		b.enlarges("")
	}
	for _, l := range demanding {
		b.open("/device")
		b.speaks(l)
		check(l + " first page")
	}
	b.speaks("en")
	b.atDecision(s.device(label, elsewhere).UserCode)
	for _, l := range demanding {
		b.speaks(l)
		check(l + " decision")
	}
	s.signedInOn(label, "alice", home)
	b.open("/device/sessions")
	check("devices")
}

// F63: after a mistake its sentence and the field are in view, on a telephone
// and at 400 % zoom, with scripts and without.
func TestMistakesAreScrolledIntoView(t *testing.T) {
	t.Parallel()
	in := browser(t)
	s := newFixture(t, acme)
	s.env["REQUIRE_TYPED_CODE"] = "true"
	s.serve()
	for _, scripts := range []bool{true, false} {
		for _, size := range [][2]int64{{360, 640}, {320, 256}} {
			b := states[0].visit(t, in, s, scripts)
			b.looks("light", size[0], size[1])
			b.enters("WRNG-C3DE")
			b.sees("error", "invalid_user_code")
			if out := b.outOfView("#code-wrong"); out != nil {
				t.Errorf("%v, scripts %t, first page: got out of view %v, want all in view", size, scripts, out)
			}
			b.open("/openapi/v1/oauth/device/sso-initiate?user_code=" + s.device(label, elsewhere).UserCode)
			b.signsIn("alice")
			b.sees("decide", "")
			b.fill("code", "WRNG-C3DE")
			b.do(chromedp.WaitVisible(chromedp.CSS("#approve:not([aria-disabled])")))
			b.click("approve")
			b.sees("decide", "typed_mismatch")
			if out := b.outOfView("#code-wrong"); out != nil {
				t.Errorf("%v, scripts %t, decision: got out of view %v, want all in view", size, scripts, out)
			}
		}
	}
}

// F62: a dark logo is seen in the dark.
func TestALogoStandsOnALightPlateInTheDark(t *testing.T) {
	t.Parallel()
	s := newFixture(t, acme)
	s.env["BRAND_LOGO_FILE"] = s.write("logo.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>`))
	s.serve()
	b := states[0].visit(t, browser(t), s, true)
	b.open("/device")
	b.looks("dark", 360, 740)
	if got := ask[string](b, `getComputedStyle(document.querySelector(".logo")).backgroundColor`); got != "rgb(255, 255, 255)" {
		t.Errorf("got a logo on %s, want white", got)
	}
}

func TestFrenchQuotesKeepTheirSpace(t *testing.T) { // F76
	t.Parallel()
	s := served(t)
	b := states[0].visit(t, browser(t), s, true)
	b.atDecision(s.device(label, elsewhere).UserCode)
	b.speaks("fr")
	if got := ask[string](b, `getComputedStyle(document.querySelector(".facts q")).quotes`); !strings.Contains(got, "«\u202f") {
		t.Errorf("got the quotes %s, want them with thin spaces", got)
	}
}
