package webui_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	countdown = `document.querySelector("[data-countdown]").firstElementChild.textContent`
	offersNew = `!document.querySelector("[data-renew]").hidden`
	takesAway = `[...document.querySelectorAll("[data-expires]")].every(e => e.hidden)`
)

// leaves moves the page's own clock to where so many seconds are left.
func (b *tab) leaves(seconds int) {
	b.t.Helper()
	ask[bool](b, fmt.Sprintf(`(() => {
		const now = performance.realNow ??= performance.now.bind(performance);
		const ahead = (Number(document.querySelector("[data-countdown]").dataset.seconds) - %d) * 1000;
		performance.now = () => now() + ahead;
		return true;
	})()`, seconds))
}

// F60: each countdown says what ends. At its end the page offers the next step,
// and no button stays that cannot work any more.
func TestCountdownsSayWhatEndsAndOfferTheNextStep(t *testing.T) {
	t.Parallel()
	in := browser(t)
	s := served(t, acme, globex)
	ends := func(b *tab, left, over string) {
		t.Helper()
		b.leaves(50)
		b.awaits(countdown + `.includes("second") && !` + countdown + `.includes("minute")`)
		if got := ask[string](b, countdown); !strings.HasPrefix(got, left) {
			t.Errorf("got %q, want %q and a unit", got, left)
		}
		ask[bool](b, `document.querySelector("[data-expires]").querySelector("a, button").focus(), true`)
		b.leaves(0)
		b.awaits(offersNew)
		if got := ask[string](b, countdown); !strings.HasPrefix(got, over) {
			t.Errorf("got %q, want %q", got, over)
		}
		if !ask[bool](b, takesAway) {
			t.Error("got a button that cannot work any more, want none")
		}
		if at := ask[string](b, focused); at != "renew" {
			t.Errorf("got the focus at %s, want the next step", at)
		}
		b.accessible()
	}

	b := states[0].visit(t, in, s, true)
	b.enters(s.device(label, home).UserCode)
	b.sees("choose", "")
	ends(b, "This code expires in ", "This code has expired.")
	s.advance(15 * time.Minute)
	b.click("renew")
	b.sees("enter", "")

	b = states[0].visit(t, in, s, true)
	b.atDecisionVia("acme", s.device(label, home).UserCode)
	b.open("/device/decide")
	b.sees("decide", "")
	ends(b, "Your sign-in ends in ", "Your sign-in has ended.")
	s.advance(5 * time.Minute)
	b.click("renew")
	b.sees("choose", "")

	s = served(t)
	s.signedInOn(label, "alice", home)
	b = states[0].visit(t, in, s, true)
	b.atDevices()
	b.do(chromedp.WaitVisible(chromedp.CSS("[data-expires]")))
	b.open("/device/sessions")
	b.sees("sessions", "")
	ends(b, "Your sign-in ends in ", "Your sign-in has ended.")
	s.advance(5 * time.Minute)
	b.staysHere("*/sessions/sign-in*")
	b.click("renew")
	b.sees("choose", "")
}

// atDecisionVia is atDecision where there are several connections.
func (b *tab) atDecisionVia(slug, code string) {
	b.t.Helper()
	b.enters(code)
	b.sees("choose", "")
	b.click("connection-" + slug)
	b.signsIn("alice")
	b.sees("decide", "")
}

// F71: a button that cannot work yet says so, and works when it can.
func TestTryAgainIsDisabledUntilTheLimitEnds(t *testing.T) {
	t.Parallel()
	s := served(t)
	b := states[0].visit(t, browser(t), s, true)
	for i := range 60 {
		s.lookUp(home, strings.Repeat("A", 7)+string(rune('A'+i%26))+strings.Repeat("B", i/26))
	}
	b.enters(s.device(label, home).UserCode)
	b.sees("error", "rate_limited")
	b.awaits(`document.querySelector("[data-countdown]").textContent.includes("second")`)
	b.click("next")
	b.sees("error", "rate_limited")
	if !ask[bool](b, `document.getElementById("next").getAttribute("aria-disabled") === "true"`) {
		t.Error("got a button that seems to work, want it disabled")
	}
}

// F76: "just now" does not stay for as long as the page does.
func TestTheAgeOfTheRequestIsUpdated(t *testing.T) {
	t.Parallel()
	s := served(t)
	b := states[0].visit(t, browser(t), s, true)
	b.atDecision(s.device(label, elsewhere).UserCode)
	if got := ask[string](b, `document.querySelector("[data-ago]").textContent`); got != "just now" {
		t.Fatalf("got %q, want just now", got)
	}
	// The page's own clock runs ahead by a minute.
	ask[bool](b, `(() => { const now = performance.now.bind(performance); performance.now = () => now() + 61000; return true; })()`)
	b.awaits(`document.querySelector("[data-ago]").textContent === "1 minute ago"`)
}
