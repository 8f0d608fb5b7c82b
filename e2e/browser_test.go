package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/devicegate/devicegate/bootstrap/demo"
	"github.com/devicegate/devicegate/e2e/services"
)

// tab is one of a real browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// browser starts one with a fresh profile that can reach nothing but this
// machine.
func browser(t *testing.T) tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.ExecPath(services.Chromium(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
		chromedp.Flag("proxy-server", "direct://"),
	)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	return tab{t, ctx}.another()
}

// another opens a tab in the same browser.
func (b tab) another() tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		b.t.Fatal(err)
	}
	return tab{b.t, ctx}
}

const stepTimeout = 30 * time.Second

func (b tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		at, _ := chromedp.Run(b.ctx, chromedp.Location())
		text, _ := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
		b.t.Fatalf("got %v, want no error\nat %s:\n%s", err, at, text)
	}
}

func (b tab) withoutScripts() tab {
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	return b
}

func (b tab) text() string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("main")))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b tab) reaches(state string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(`main[data-state="` + state + `"]`)))
}

// signIn goes from the link that the device shows to the page that asks.
func (b tab) signIn(codes demo.Codes, user string) {
	b.t.Helper()
	b.do(chromedp.Navigate(codes.Complete))
	b.reaches("enter")
	b.do(chromedp.Click(chromedp.ID("continue")))
	b.authenticate(user)
}

func (b tab) authenticate(user string) {
	b.t.Helper()
	b.do(
		chromedp.WaitVisible(chromedp.CSS(`input[type="password"]`)),
		chromedp.SendKeys(chromedp.CSS(`input[name="user"]`), user),
		chromedp.SendKeys(chromedp.CSS(`input[type="password"]`), "password"),
		chromedp.Click(chromedp.CSS(`form button`)),
	)
}

func TestBrowser(t *testing.T) {
	database, redis := production.open(t)
	w := newFixture(t, database, redis)
	w.serve()
	first := browser(t)

	t.Run("approves across two sites, and the parameters leave the address bar", func(t *testing.T) { // S14
		device := w.device()
		codes := w.start(device)
		b := first.another().reportingTo(t)
		b.signIn(codes, "alice")
		b.reaches("decide")
		if text := b.text(); !strings.Contains(text, codes.UserCode) || !strings.Contains(text, "alice@acme.example") || !strings.Contains(text, "test device") {
			t.Errorf("got a page without person, device or code, want all three:\n%s", text)
		}
		if at, _ := chromedp.Run(b.ctx, chromedp.Location()); strings.Contains(at, "?") {
			t.Errorf("got the address %s, want it without parameters", at)
		}
		b.do(chromedp.Click(chromedp.ID("approve")))
		b.reaches("approved")
		w.polls(device, codes, "")
	})

	t.Run("denies", func(t *testing.T) {
		device := w.device()
		codes := w.start(device)
		b := first.another().reportingTo(t)
		b.fromTheDevice(codes)
		b.reaches("decide")
		b.do(chromedp.Click(chromedp.ID("deny")))
		b.reaches("denied")
		w.polls(device, codes, "access_denied")
	})

	t.Run("two tabs finish in reverse order, each for its own code", func(t *testing.T) { // S17
		one, two := w.device(), w.device()
		two.Label = "other device"
		codesOne, codesTwo := w.start(one), w.start(two)
		a, b := first.another().reportingTo(t), first.another().reportingTo(t)
		a.fromTheDevice(codesOne)
		a.reaches("decide")
		b.fromTheDevice(codesTwo)
		b.reaches("decide")
		b.do(chromedp.Click(chromedp.ID("deny")))
		b.reaches("denied")
		a.do(chromedp.Click(chromedp.ID("approve")))
		a.reaches("approved")
		w.polls(one, codesOne, "")
		w.polls(two, codesTwo, "access_denied")
	})

	t.Run("going back after approving decides nothing again", func(t *testing.T) { // T18
		device := w.device()
		codes := w.start(device)
		b := first.another().reportingTo(t)
		b.fromTheDevice(codes)
		b.reaches("decide")
		b.do(chromedp.Click(chromedp.ID("approve")))
		b.reaches("approved")
		w.polls(device, codes, "")
		b.do(chromedp.NavigateBack())
		b.do(chromedp.WaitVisible(chromedp.CSS("main[data-state]")))
		if state, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("main").dataset.state`)); state == "decide" {
			b.do(chromedp.Click(chromedp.ID("deny")))
			b.reaches("error")
		}
		if n := w.liveTokens(); n == 0 {
			t.Error("got no token, want it alive")
		}
	})

	t.Run("without scripts it works the same", func(t *testing.T) {
		device := w.device()
		codes := w.start(device)
		b := browser(t).withoutScripts()
		b.do(chromedp.Navigate(codes.URI))
		b.reaches("enter")
		b.do( // typed as people type, D16, D18
			chromedp.SendKeys(chromedp.ID("code"), strings.ToLower(strings.ReplaceAll(codes.UserCode, "-", " "))),
			chromedp.Click(chromedp.ID("continue")),
		)
		b.authenticate("bob")
		b.do(chromedp.WaitVisible(chromedp.ID("send")), chromedp.Click(chromedp.ID("send"))) // by itself with a script
		b.reaches("decide")
		b.do(chromedp.Click(chromedp.ID("approve")))
		b.reaches("approved")
		if token := w.polls(device, codes, ""); token.SubjectEmail != "bob@acme.example" {
			t.Errorf("got it approved by %s, want alice", token.SubjectEmail)
		}
	})

	t.Run("a person who cancels at the identity provider can begin again", func(t *testing.T) { // S46
		device := w.device()
		codes := w.start(device)
		b := browser(t)
		b.do(
			chromedp.Navigate(codes.Complete), chromedp.Click(chromedp.ID("continue")),
			chromedp.WaitVisible(chromedp.CSS(`button[value="cancel"]`)), chromedp.Click(chromedp.CSS(`button[value="cancel"]`)),
		)
		b.reaches("error")
		b.do(chromedp.WaitReady(chromedp.CSS(`main[data-code="access_denied"]`)))
		w.polls(device, codes, "authorization_pending")
		b.signIn(codes, "alice")
		b.reaches("decide")
	})

	t.Run("another person signs in without losing the code", func(t *testing.T) {
		device := w.device()
		codes := w.start(device)
		b := first.another().reportingTo(t)
		b.fromTheDevice(codes)
		b.reaches("decide")
		b.do(chromedp.Click(chromedp.ID("next")), chromedp.WaitVisible(chromedp.ID("sign-in")), chromedp.Click(chromedp.ID("sign-in")))
		b.authenticate("bob")
		b.reaches("decide")
		b.do(chromedp.Click(chromedp.ID("approve")))
		b.reaches("approved")
		if token := w.polls(device, codes, ""); token.SubjectEmail != "bob@acme.example" {
			t.Errorf("got it approved by %s, want alice", token.SubjectEmail)
		}
	})

	t.Run("a person of a domain that the identity provider may not assert is told so", func(t *testing.T) {
		device := w.device()
		codes := w.start(device)
		b := browser(t)
		b.signIn(codes, "mallory")
		b.reaches("error")
		w.polls(device, codes, "authorization_pending")
	})
}

// reportingTo lets a tab report to another test.
func (b tab) reportingTo(t *testing.T) tab { return tab{t, b.ctx} }

// fromTheDevice follows the link and the identity provider's session.
func (b tab) fromTheDevice(codes demo.Codes) {
	b.t.Helper()
	b.do(chromedp.Navigate(codes.Complete))
	b.reaches("enter")
	b.do(
		chromedp.Click(chromedp.ID("continue")),
		chromedp.WaitVisible(chromedp.CSS(`button[value="continue"]`)),
		chromedp.Click(chromedp.CSS(`button[value="continue"]`)),
	)
}
