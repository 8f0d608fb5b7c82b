package webui_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/devicegate/devicegate/e2e/services"
)

const stepTimeout = 30 * time.Second

// chromium is the one browser of all tests: tabs share nothing in it.
var chromium struct {
	once sync.Once
	ctx  context.Context
	err  error
}

// browser is a running Chromium.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := services.Chromium(t)
	chromium.once.Do(func() { chromium.ctx, chromium.err = startChromium(path) })
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	return chromium.ctx
}

func startChromium(path string) (context.Context, error) {
	profile, err := os.MkdirTemp("", "webui-chromium-")
	if err != nil {
		return nil, err
	}
	services.AtEnd(func() { _ = os.RemoveAll(profile) })
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // what comes to it is our own
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
		chromedp.Flag("proxy-server", "direct://"),
		chromedp.Flag("lang", "en-US"),
		chromedp.Flag("renderer-process-limit", "2"),         // tabs share processes: starting one takes longer than a page
		chromedp.Flag("disable-site-isolation-trials", true), // so do the two sites of a sign-in
		chromedp.UserDataDir(profile),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	services.AtEnd(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(log.Printf))
	services.AtEnd(cancel)
	return ctx, chromedp.Do(ctx)
}

// tab is a person at a browser: one tab, which remembers what went wrong in it.
type tab struct {
	t       *testing.T
	site    *fixture
	ctx     context.Context
	scripts bool

	mu        sync.Mutex
	complaint []string
}

// newTab opens a tab with no cookies.
func newTab(t *testing.T, in context.Context, s *fixture, scripts bool) *tab {
	t.Helper()
	s.listens()
	ctx, cancel := chromedp.NewContext(in, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &tab{t: t, site: s, ctx: ctx, scripts: scripts}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
	call(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}) // several tabs at once
	call(b, network.Enable, network.EnableParams{})
	call(b, cdplog.Enable, cdp.Empty{})
	return b
}

// hear keeps every error that the browser reports about a page of ours, and every
// request that such a page makes elsewhere.
func (b *tab) hear(event any) {
	note := func(format string, args ...any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaint = append(b.complaint, fmt.Sprintf(format, args...))
	}
	ours := func(address string) bool { return address == "" || strings.HasPrefix(address, b.site.url+"/device") }
	switch e := event.(type) {
	case *cdplog.EventEntryAdded:
		// The browser logs the status of a page that says 429 or 503.
		status := e.Entry.Source == "network" && strings.Contains(e.Entry.Text, "responded with a status of")
		if ours(e.Entry.URL) && !status {
			note("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if frames := e.StackTrace; frames == nil || len(frames.CallFrames) == 0 || ours(frames.CallFrames[0].URL) {
			note("console %s", e.Type)
		}
	case *runtime.EventExceptionThrown:
		if ours(e.ExceptionDetails.URL) {
			note("exception: %s", e.ExceptionDetails.Text)
		}
	case *network.EventRequestWillBeSent:
		if e.Type != network.ResourceTypeDocument && ours(e.DocumentURL) && e.DocumentURL != "" && !ours(e.Request.URL) {
			note("foreign request: %s", e.Request.URL)
		}
	}
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("got %v, want no error\nat %s", err, b.where())
	}
}

func (b *tab) where() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + " " + (document.querySelector("main")?.outerHTML ?? document.body?.innerText ?? "")`))
	return at
}

// do carries steps out within stepTimeout.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	b.must(chromedp.Do(ctx, steps...))
}

// call has the browser carry out a command, within the same time.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	answer, err := chromedp.Call(ctx, command, params)
	b.must(err)
	return answer
}

func ask[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	b.must(err)
	return answer
}

// awaits waits until an expression is true.
func (b *tab) awaits(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingInterval(50*time.Millisecond)))
	b.must(err)
}

// open goes to an address below the site's.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.site.url + path))
}

// speaks chooses a language on the current page.
func (b *tab) speaks(language string) {
	b.t.Helper()
	if ask[string](b, "document.documentElement.lang") == language {
		return
	}
	b.do(chromedp.Click(chromedp.CSS("[hreflang="+language+"]")), chromedp.WaitVisible(chromedp.CSS("html[lang="+language+"] footer")))
}

func (b *tab) openLink(address string) {
	b.t.Helper()
	u, err := url.Parse(address)
	b.must(err)
	b.open(u.RequestURI())
}

func (b *tab) click(id string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS("#" + id)))
}

func (b *tab) fill(id, text string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS("#" + id)))
	ask[bool](b, fmt.Sprintf(`document.getElementById(%q).value = ""; true`, id))
	b.do(chromedp.SendKeys(chromedp.CSS("#"+id), text))
}

// sees waits until the page is in a state and about a problem ("": none).
func (b *tab) sees(state, problem string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(fmt.Sprintf(`main[data-state="%s"][data-code="%s"]`, state, problem))))
}

// enters types a code on the first page.
func (b *tab) enters(code string) {
	b.t.Helper()
	b.open("/device")
	b.sees("enter", "")
	b.fill("code", code)
	b.click("continue")
}

// signsIn is what people do at the demo identity provider.
func (b *tab) signsIn(user string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS("#user")))
	b.fill("user", user)
	b.fill("password", "password")
	b.click("sign-in")
	b.sendsOn()
}

// cancels is what else they do there.
func (b *tab) cancels() {
	b.t.Helper()
	b.click("cancel")
	b.sendsOn()
}

// sendsOn presses the button that a script would press.
func (b *tab) sendsOn() {
	b.t.Helper()
	if !b.scripts {
		b.click("send")
	}
}

// signsInToDecide brings a code to the page on which it is decided, as a person
// would.
func (b *tab) signsInToDecide(code string) {
	b.t.Helper()
	b.enters(code)
	b.signsIn("alice")
	b.sees("decide", "")
}

// atDecision is signsInToDecide of which the browser shows the last page only: the
// pages before it are states of their own.
func (b *tab) atDecision(code string) {
	b.t.Helper()
	v := b.site.visitor(home)
	v.sees(v.post("/device", url.Values{"user_code": {code}}), "choose", "")
	b.takesOver(v, v.signIn(code, "alice"))
	b.sees("decide", "")
}

// atDevices is where a person sees the own devices.
func (b *tab) atDevices() {
	b.t.Helper()
	v := b.site.visitor(home)
	b.takesOver(v, v.visits("alice"))
	b.sees("sessions", "")
}

// takesOver goes on in the browser where a visitor is, with the visitor's cookies.
func (b *tab) takesOver(v *visitor, at shown) {
	b.t.Helper()
	var all []*network.CookieParam
	for _, c := range v.held.set {
		kept := &network.CookieParam{Name: c.Name, Value: c.Value, URL: c.by.String(), Path: c.Path, HTTPOnly: c.HttpOnly}
		if c.SameSite == http.SameSiteLaxMode {
			kept.SameSite = network.CookieSameSiteLax
		}
		if c.MaxAge > 0 {
			kept.Expires = cdp.TimeSinceEpoch(time.Now().Unix() + int64(c.MaxAge))
		}
		all = append(all, kept)
	}
	call(b, network.SetCookies, network.SetCookiesParams{Cookies: all})
	b.open(at.url.RequestURI())
}

// staysHere answers what matches pattern with 204: the browser stays where it is.
func (b *tab) staysHere(pattern string) {
	b.t.Helper()
	b.must(chromedp.Listen(b.ctx, func(event any) {
		if e, paused := event.(*fetch.EventRequestPaused); paused {
			go func() { // a command must not wait for its answer while events wait for us
				_, _ = chromedp.Call(b.ctx, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: e.RequestID, ResponseCode: 204})
			}()
		}
	}))
	call(b, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: pattern}}})
}

// looks sets what the page is seen on.
func (b *tab) looks(scheme string, width, height int64) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1,
	})
}

// enlarges sets the size of text; "" is the browser's own.
func (b *tab) enlarges(size string) {
	b.t.Helper()
	ask[bool](b, fmt.Sprintf(`document.documentElement.style.fontSize = %q; true`, size))
}

// picture is the whole page as PNG.
func (b *tab) picture() []byte {
	b.t.Helper()
	beyond := true
	return call(b, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond}).Data
}

// finding is what axe has against a page.
type finding struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// prefers sets the language that the browser asks for.
func (b *tab) prefers(language string) {
	b.t.Helper()
	call(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"X-Forwarded-For": home, "Accept-Language": language}})
}

// axe looks for what keeps people out, by all rules of WCAG 2.2 AA and the
// best practices.
func (b *tab) axe(options string) []finding {
	b.t.Helper()
	// The page has loaded, with or without its script; axe itself needs timers.
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false})
	if ask[bool](b, `typeof axe === "undefined"`) {
		ask[bool](b, axeSource(b.t)+"; true")
	}
	return ask[[]finding](b, `axe.run(document, {resultTypes: ["violations"], ...`+options+`}).then(r => r.violations)`)
}

// accessible fails the test for each finding.
func (b *tab) accessible() {
	b.t.Helper()
	b.reports(b.axe(`{rules: {"label-content-name-mismatch": {enabled: true}}}`))
}

// contrasts fails the test for text that is hard to see.
func (b *tab) contrasts() {
	b.t.Helper()
	b.reports(b.axe(`{runOnly: ["color-contrast"]}`))
}

func (b *tab) reports(findings []finding) {
	b.t.Helper()
	for _, f := range findings {
		for _, n := range f.Nodes {
			b.t.Errorf("axe: got %s: %s, want no finding\n%s\n%s", f.ID, f.Help, n.HTML, n.Summary)
		}
	}
}

var axeText struct {
	once sync.Once
	text string
	err  error
}

// axeSource is axe-core, which npm installs from the lock file if it is not
// there yet.
func axeSource(t *testing.T) string {
	t.Helper()
	axeText.once.Do(func() {
		const dir = "testdata/axe"
		file := filepath.Join(dir, "node_modules/axe-core/axe.min.js")
		text, err := os.ReadFile(file)
		if err != nil {
			install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
			install.Dir = dir
			if out, err := install.CombinedOutput(); err != nil {
				axeText.err = fmt.Errorf("npm ci in %s: %w\n%s", dir, err, out)
				return
			}
			text, err = os.ReadFile(file)
		}
		axeText.text, axeText.err = string(text), err
	})
	if axeText.err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("got no axe (%v), want it: CI=true allows no skipping", axeText.err)
		}
		t.Skip(axeText.err)
	}
	return axeText.text
}
