package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestATypedCodeAndALinkLeadToTheSamePage(t *testing.T) { // D18
	s := served(t)
	codes := s.device(label, home)
	typed := s.visitor(home)
	enter := typed.get("/device")
	typed.sees(enter, "enter", "")
	f := enter.form("continue")
	f.values.Set("user_code", strings.ToLower(strings.ReplaceAll(codes.UserCode, "-", " ")))
	byHand := typed.post(f.action, f.values)

	linked := s.visitor(home)
	u, err := url.Parse(codes.Complete)
	if err != nil {
		t.Fatal(err)
	}
	prefilled := linked.get(u.RequestURI())
	linked.sees(prefilled, "enter", "")
	if got := attribute(prefilled.element("code"), "value"); got != codes.UserCode {
		t.Fatalf("got the field %q, want %q", got, codes.UserCode)
	}
	byLink := linked.press(prefilled, "continue")

	if byHand.url.String() != byLink.url.String() || words(byHand.main()) != words(byLink.main()) {
		t.Errorf("by hand: got %s\nwant as by link: %s", words(byHand.main()), words(byLink.main()))
	}
	if href := attribute(byHand.element("sign-in"), "href"); href != s.url+"/openapi/v1/oauth/device/sso-initiate?user_code="+codes.UserCode {
		t.Errorf("got the way on %s, want sso-initiate", href)
	}
}

func TestEverySpellingOfACodeIsAccepted(t *testing.T) { // D16
	s := served(t)
	code := s.device(label, home).UserCode
	bare := strings.ReplaceAll(code, "-", "")
	var wide strings.Builder
	for _, r := range bare {
		wide.WriteRune(r + 0xFEE0)
	}
	for name, typed := range map[string]string{
		"as shown": code, "small letters": strings.ToLower(code), "without the dash": bare,
		"spaced": strings.Join(strings.Split(bare, ""), " "), "en dash": bare[:4] + "–" + bare[4:],
		"non-breaking hyphen": bare[:4] + "\u2011" + bare[4:], "full width": wide.String(),
		"zero width space": bare[:2] + "\u200b" + bare[2:], "new line": code + "\r\n", "tab before": "\t" + code,
	} {
		v := s.visitor(home)
		if got := v.post("/device", url.Values{"user_code": {typed}}); got.state() != "choose" {
			t.Errorf("%s: %q: got %s (%s), want choose", name, typed, got.state(), got.problem())
		}
	}
}

func TestApproveAndDenyReachTheDevice(t *testing.T) { // F04
	s := served(t)
	for id, end := range map[string]struct{ state, poll string }{"approve": {"approved", ""}, "deny": {"denied", "access_denied"}} {
		codes := s.device(label, home)
		v := s.visitor(home)
		page := v.signIn(codes.UserCode, "alice")
		v.sees(page, "decide", "")
		if page.url.RawQuery != "" {
			t.Errorf("got the query %s, want none", page.url.RawQuery)
		}
		done := v.press(page, id)
		v.sees(done, end.state, "")
		if again := v.get(done.url.Path); again.state() != end.state {
			t.Errorf("reloaded: got %s, want the same page", again.state())
		}
		if got := s.poll(codes); got != end.poll {
			t.Errorf("%s: the device polls: got %q, want %q", id, got, end.poll)
		}
		// T18: the same form, sent once more.
		f := page.form(id)
		if repeated := v.post("/device/approve", f.values); repeated.state() != end.state {
			t.Errorf("%s, sent twice: got %s, want a refusal", id, repeated.state())
		}
		if back := v.get("/device/decide"); back.state() != end.state { // with the browser's button
			t.Errorf("%s, going back: got %s (%s), want the decision", id, back.state(), back.problem())
		}
	}
}

func TestGetAndHeadDecideNothing(t *testing.T) { // D20
	s := served(t)
	codes := s.device(label, home)
	v := s.visitor(home)
	page := v.signIn(codes.UserCode, "alice")
	f := page.form("approve")
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, path := range []string{
			"/device?user_code=" + codes.UserCode, "/device?user_code=" + codes.UserCode + "&sso_verified=1",
			"/device/approve?" + f.values.Encode(), "/device/deny?" + f.values.Encode(),
			"/device/decide", "/device/approved", "/device/sign-in", "/device/leave", "/device",
		} {
			got := v.ask(method, path, nil)
			if got.state() == "approved" || got.state() == "denied" {
				t.Errorf("%s %s: got %s, want no decision", method, path, got.state())
			}
			if method == http.MethodHead && got.text != "" {
				t.Errorf("HEAD %s: got a body, want none", path)
			}
		}
	}
	if got := s.poll(codes); got != "authorization_pending" {
		t.Errorf("the device polls: got %q, want authorization_pending", got)
	}
	v.sees(v.get("/device?sso_verified=1"), "decide", "")
}

func TestForeignAndForgedFormsDecideNothing(t *testing.T) {
	s := served(t)
	codes := s.device(label, home)
	v := s.visitor(home)
	page := v.signIn(codes.UserCode, "alice")
	f := page.form("approve")
	for name, try := range map[string]struct {
		change func(url.Values)
		origin string
		status int
		code   string
	}{
		"another site":       {nil, "https://evil.example", http.StatusForbidden, "forbidden"},
		"a sandboxed frame":  {nil, "null", http.StatusForbidden, "forbidden"},
		"no CSRF token":      {func(f url.Values) { f.Del("csrf") }, s.url, http.StatusOK, "csrf_mismatch"},
		"another CSRF token": {func(f url.Values) { f.Set("csrf", "AAAA") }, s.url, http.StatusOK, "csrf_mismatch"},
		"another code":       {func(f url.Values) { f.Set("user_code", "WRNG-C3DE") }, s.url, http.StatusOK, "user_code_mismatch"},
		"no code":            {func(f url.Values) { f.Del("user_code") }, s.url, http.StatusOK, "invalid_user_code"},
	} {
		sent := url.Values{}
		for k, all := range f.values {
			sent[k] = all
		}
		if try.change != nil {
			try.change(sent)
		}
		got := v.post("/device/approve", sent, "Origin", try.origin)
		if got.status != try.status || got.state() != "error" || got.problem() != try.code {
			t.Errorf("%s: got %d %s (%s), want %d error (%s)", name, got.status, got.state(), got.problem(), try.status, try.code)
		}
	}
	if got := s.poll(codes); got != "authorization_pending" {
		t.Errorf("the device polls: got %q, want authorization_pending", got)
	}
	stranger := s.visitor(elsewhere)
	if got := stranger.post("/device/approve", f.values); got.problem() != "invalid_session" {
		t.Errorf("without the cookie: got %s, want invalid_session", got.problem())
	}
}

func TestEachTabDecidesAboutItsOwnCode(t *testing.T) { // S17
	s := served(t)
	first, second := s.device("first", home), s.device("second", home)
	v := s.visitor(home)
	one := v.signIn(first.UserCode, "alice")
	two := v.signIn(second.UserCode, "bob")
	for code, page := range map[string]shown{first.UserCode: one, second.UserCode: two} {
		if text := words(page.main()); !strings.Contains(text, code) {
			t.Fatalf("want %s on the page, got %s", code, text)
		}
	}
	v.sees(v.press(one, "approve"), "approved", "")
	v.sees(v.press(two, "deny"), "denied", "")
	if got := s.poll(first); got != "" {
		t.Errorf("the first device polls: got %q, want a token", got)
	}
	if got := s.poll(second); got != "access_denied" {
		t.Errorf("the second device polls: got %q, want access_denied", got)
	}
}

func TestTheDecisionPageSaysWhereAndWhenTheRequestStarted(t *testing.T) {
	for name, c := range map[string]struct {
		from string
		age  time.Duration
		want string
	}{
		"same address":     {home, 0, "Started just now from the network you are on. Others may share that network."},
		"same network":     {neighbour, 90 * time.Second, "Started 1 minute ago from the network you are on. Others may share that network."},
		"another, at once": {elsewhere, 0, "Started just now from another network. That is normal when you work on a remote machine."},
		"another, old":     {elsewhere, 9 * time.Minute, "Started 9 minutes ago from another network. That is normal when you work on a remote machine."},
	} {
		s := served(t)
		codes := s.device(label, c.from)
		s.advance(c.age)
		v := s.visitor(home)
		page := v.signIn(codes.UserCode, "alice")
		v.sees(page, "decide", "")
		if got := words(page.element("verdict")); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		text := words(page.main())
		for _, fact := range []string{codes.UserCode, label, "difyctl", c.from, "alice@acme.example", "ACME Corp", "run apps"} {
			if !strings.Contains(text, fact) {
				t.Errorf("%s: got no %s on the page, want it", name, fact)
			}
		}
	}
}

// F72: a sign-in that another window has finished is not called too slow.
func TestASignInFinishedInAnotherWindowSaysSo(t *testing.T) {
	s := served(t)
	code := s.device(label, home).UserCode
	v := s.visitor(home)
	answer := v.answerAt("/openapi/v1/oauth/device/sso-initiate?user_code="+code, "alice")
	other := s.visitor(elsewhere)
	other.sees(other.post(answer.action, answer.values), "error", "invalid_sso_assertion")
	late := v.post(answer.action, answer.values)
	v.sees(late, "error", "invalid_sso_assertion")
	if text := words(late.main()); !strings.HasPrefix(text, "This was finished in another window") {
		t.Errorf("got %s, want that it was finished elsewhere", text)
	}
}

// F65: addresses of different families cannot be compared, and the page says so.
func TestNetworksOfDifferentFamiliesAreNotCompared(t *testing.T) {
	s := served(t)
	v := s.visitor("2001:db8::7")
	page := v.signIn(s.device(label, home).UserCode, "alice")
	v.sees(page, "decide", "")
	if got := words(page.element("verdict")); !strings.HasPrefix(got, "Started just now. We cannot tell whether it was from your network.") {
		t.Errorf("got %q, want the difference of networks first", got)
	}
	if !strings.Contains(words(page.main()), home) {
		t.Error("got no address on the page, want that of the person")
	}
}

// F66: the limit of approvals leaves a way to deny.
func TestDenyingIsPossibleAfterTooManyApprovals(t *testing.T) {
	s := served(t)
	for range 10 {
		s.signedInOn(label, "alice", home)
	}
	codes := s.device(label, elsewhere)
	v := s.visitor(home)
	refused := v.press(v.signIn(codes.UserCode, "alice"), "approve")
	v.sees(refused, "error", "rate_limited")
	decide := v.get(attribute(refused.element("next"), "href"))
	v.sees(decide, "decide", "")
	v.sees(v.press(decide, "deny"), "denied", "")
	if got := s.poll(codes); got != "access_denied" {
		t.Errorf("got %q, want access_denied", got)
	}
}

func TestRequireTypedCodeHoldsForLinksPastTheFirstPage(t *testing.T) {
	s := newFixture(t, acme)
	s.env["REQUIRE_TYPED_CODE"] = "true"
	s.serve()
	codes := s.device(label, elsewhere)

	v := s.visitor(home)
	enter := v.get("/device?user_code=" + codes.UserCode)
	v.sees(enter, "enter", "")
	if strings.Contains(enter.text, codes.UserCode) {
		t.Error("got the code in the field, want it empty")
	}

	// Past the first page.
	page := v.signIn(codes.UserCode, "alice")
	v.sees(page, "decide", "")
	if text := words(page.main()); strings.Contains(text, codes.UserCode) {
		t.Errorf("got the code on the page, want it left out: %s", text)
	}
	for _, empty := range []string{"", " "} {
		f := page.form("approve")
		f.values.Set("typed_code", empty)
		missing := v.post("/device/approve", f.values)
		v.sees(missing, "decide", "typed_missing")
		if got := words(missing.element("code-wrong")); got != "Before you approve, type the code here. Your device shows it." {
			t.Errorf("got %q for an empty field, want what is to be done", got)
		}
	}
	f := page.form("approve")
	for _, wrong := range []string{"WRNG-C3DE", codes.UserCode + "X"} {
		f.values.Set("typed_code", wrong)
		v.sees(v.post("/device/approve", f.values), "decide", "typed_mismatch")
	}
	// Going round by another sign-in is not typing either.
	v.post("/device/sign-in", url.Values{"user_code": {codes.UserCode}, "again": {"1"}})
	v.sees(v.post("/device/approve", f.values), "decide", "typed_mismatch")
	f.values.Set("typed_code", strings.ToLower(codes.UserCode))
	v.sees(v.post("/device/approve", f.values), "approved", "")

	other := s.device(label, elsewhere)
	typed := s.visitor(home)
	typed.sees(typed.post("/device", url.Values{"user_code": {other.UserCode}}), "choose", "")
	page = typed.signIn(other.UserCode, "alice")
	typed.sees(typed.press(page, "approve"), "approved", "")

	// Denying never needs it.
	third := s.device(label, elsewhere)
	stranger := s.visitor(home)
	stranger.sees(stranger.press(stranger.signIn(third.UserCode, "alice"), "deny"), "denied", "")
}

func TestWithOneConnectionTheBrowserIsRedirectedOnce(t *testing.T) {
	s := served(t)
	codes := s.device(label, home)
	v := s.visitor(home)
	leave := v.post("/device", url.Values{"user_code": {codes.UserCode}})
	if leave.url.Path != "/device/leave" || !strings.Contains(leave.text, `http-equiv="refresh"`) {
		t.Errorf("got %s, want a page at /device/leave that goes on by itself", leave.url)
	}
	back := v.get("/device/leave") // by the browser's button
	if back.url.Path != "/device/sign-in" || strings.Contains(back.text, `http-equiv="refresh"`) {
		t.Errorf("got %s, want /device/sign-in, which stays", back.url)
	}
	v.sees(back, "choose", "")
}

func TestAnEmailAddressFindsItsConnection(t *testing.T) { // F12
	s := served(t, acme, globex)
	codes := s.device(label, home)
	v := s.visitor(home)
	choose := v.post("/device", url.Values{"user_code": {codes.UserCode}})
	v.sees(choose, "choose", "")
	if strings.Contains(strings.ToLower(choose.text), "globex") {
		t.Error("got a connection that is not public, want it left out")
	}
	if choose.element("connection-acme") == nil {
		t.Error("got no public connection, want it offered")
	}
	f := choose.form("continue")
	f.values.Set("login_hint", "ada@nowhere.example")
	lost := v.post(f.action, f.values)
	lost = v.get(attribute(lost.element("sign-in"), "href"))
	v.sees(lost, "choose", "no_match")
	f.values.Set("login_hint", "no address")
	v.sees(v.post(f.action, f.values), "choose", "bad_email")
	f.values.Set("login_hint", "Ada@GLOBEX.example")
	found := v.post(f.action, f.values)
	login := v.get(attribute(found.element("sign-in"), "href"))
	if login.element("password") == nil || login.state() != "" {
		t.Errorf("got %s, want the identity provider's page", login.url)
	}
}

func TestUsingAnotherAccountKeepsTheCode(t *testing.T) {
	s := served(t)
	codes := s.device(label, home)
	v := s.visitor(home)
	page := v.signIn(codes.UserCode, "alice")
	f := page.form("next")
	f.values.Set("again", "1")
	choose := v.post(f.action, f.values)
	v.sees(choose, "choose", "")
	if !strings.Contains(words(choose.main()), codes.UserCode) {
		t.Error("got a page without the code, want it kept")
	}
}

// formByID is the form with the given id.
func (s shown) formByID(id string) form {
	n := s.element(id)
	f := form{attribute(n, "action"), url.Values{}}
	for c := range n.Descendants() {
		if c.Data == "input" {
			f.values.Set(attribute(c, "name"), attribute(c, "value"))
		}
	}
	return f
}

func TestTheLimitOfCodesSaysHowLongToWait(t *testing.T) { // D36
	s := served(t)
	code := s.device(label, home).UserCode
	for i := range 60 {
		s.lookUp(elsewhere, strings.Repeat("A", 7)+string(rune('A'+i%26))+strings.Repeat("B", i/26))
	}
	v := s.visitor(elsewhere)
	got := v.post("/device", url.Values{"user_code": {code}})
	v.sees(got, "error", "rate_limited")
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "300" || !strings.Contains(words(got.main()), "5 minutes") {
		t.Errorf("got %d, Retry-After %s: %s, want 429 and when to try again", got.status, got.header.Get("Retry-After"), words(got.main()))
	}
	home := s.visitor(home)
	home.sees(home.post("/device", url.Values{"user_code": {code}}), "choose", "")
}

func TestTheLimitOfSignInsSaysHowLongToWait(t *testing.T) {
	s := served(t)
	code := s.device(label, home).UserCode
	v := s.visitor(elsewhere)
	for range 60 {
		v.once(http.MethodGet, "/openapi/v1/oauth/device/sso-initiate?user_code="+code, nil)
	}
	got := v.get("/openapi/v1/oauth/device/sso-initiate?user_code=" + code)
	v.sees(got, "error", "rate_limited")
	if text := words(got.main()); !strings.Contains(text, "60 minutes") {
		t.Errorf("got %s, want the wait in minutes", text)
	}
}

// The limit counts an address, which a whole office may share.
func TestTheLimitOfAnAddressSaysThatOthersCountToo(t *testing.T) {
	s := served(t)
	code := s.device(label, home).UserCode
	for range 60 {
		s.visitor(elsewhere).once(http.MethodGet, "/openapi/v1/oauth/device/sso-initiate?user_code="+code, nil)
	}
	first := s.visitor(elsewhere)
	got := first.get("/openapi/v1/oauth/device/sso-initiate?user_code=" + code)
	first.sees(got, "error", "rate_limited")
	if text := words(got.main()); strings.Contains(text, "Too many attempts") || !strings.Contains(text, "those of other people in your network count, too") {
		t.Errorf("got %s, want that the attempts of others count, too", text)
	}
}

func TestAnUnavailableStoreIsAnErrorPage(t *testing.T) {
	s := served(t)
	codes := s.device(label, home)
	v := s.visitor(home)
	page := v.signIn(codes.UserCode, "alice")
	s.storeDown.Store(true)
	for name, got := range map[string]shown{
		"code":    v.post("/device", url.Values{"user_code": {codes.UserCode}}),
		"compare": v.get("/device/decide"),
		"back":    v.get("/device?sso_verified=1"),
		"approve": v.press(page, "approve"),
	} {
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || got.state() != "error" || strings.Contains(got.text, "the test closed") {
			t.Errorf("%s: got %d %s\n%s\nwant 503 and when to try again", name, got.status, got.state(), words(got.main()))
		}
		if ref := attribute(got.main(), "data-reference"); ref == "" || !strings.Contains(s.logs.String(), ref) {
			t.Errorf("%s: got the reference %q, want one that is in the log", name, ref)
		}
	}
	s.storeDown.Store(false)
	v.sees(v.press(page, "approve"), "approved", "")
}

func TestWithoutALicencePagesAreClosed(t *testing.T) { // F16
	s := newFixture(t, acme)
	s.env["LICENSE_STATUS"] = "lost"
	s.serve()
	v := s.visitor(home)
	for _, got := range []shown{
		v.get("/device"), v.get("/device?user_code=WDJB-M3HT"), v.post("/device", url.Values{"user_code": {"WDJB-M3HT"}}),
		v.get("/device/decide"), v.post("/device/approve", url.Values{"user_code": {"WDJB-M3HT"}}),
	} {
		v.sees(got, "closed", "sso_unavailable")
		if got.element("sign-in") != nil || got.element("continue") != nil || got.element("approve") != nil {
			t.Error("got a button, want none")
		}
	}
}

func TestACodeInsideALineOrLinkIsAccepted(t *testing.T) {
	s := served(t)
	codes := s.device(label, home)
	for _, pasted := range []string{"Code: " + codes.UserCode, codes.Complete, "Open " + codes.Complete + " and enter " + codes.UserCode + "."} {
		v := s.visitor(home)
		if got := v.post("/device", url.Values{"user_code": {pasted}}); got.state() != "choose" {
			t.Errorf("%q: got %s (%s), want choose", pasted, got.state(), got.problem())
		}
	}
}

func TestACodeThatMustBeTypedIsNotShown(t *testing.T) {
	s := newFixture(t, acme, globex)
	s.env["REQUIRE_TYPED_CODE"] = "true"
	s.serve()
	codes := s.device(label, elsewhere)
	v := s.visitor(home)
	page := v.get("/openapi/v1/oauth/device/sso-initiate?user_code=" + codes.UserCode)
	v.sees(page, "choose", "")
	if strings.Contains(words(page.main()), codes.UserCode) {
		t.Error("got the code on the page, want it left out")
	}
}

func TestBehindAnUnknownProxyTheNetworkIsUnknown(t *testing.T) {
	s := newFixture(t, acme)
	s.env["TRUSTED_PROXIES"] = ""
	s.serve()
	v := s.visitor(home)
	page := v.signIn(s.device(label, elsewhere).UserCode, "alice")
	v.sees(page, "decide", "")
	if text := words(page.main()); !strings.Contains(text, "We cannot tell whether it was from your network.") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("got %s, want that it cannot be told", text)
	}
	if got := strings.Count(s.logs.String(), `"setting":"TRUSTED_PROXIES"`); got != 1 {
		t.Errorf("got %d log lines that name TRUSTED_PROXIES, want 1:\n%s", got, s.logs.String())
	}
}

// A trusted proxy that passes no address on is no network that two are in. Neither the
// page nor JSON says so, and the device has no place.
func TestAProxyThatPassesNoAddressOnIsNoNetwork(t *testing.T) {
	const outer = "203.0.113.250"
	s := newFixture(t, acme)
	s.env["TRUSTED_PROXIES"] = "127.0.0.0/8," + outer
	s.serve()
	v := s.visitor(outer)
	codes := s.device(label, outer)
	page := v.signIn(codes.UserCode, "alice")
	v.sees(page, "decide", "")
	if text := words(page.main()); !strings.Contains(text, "We cannot tell whether it was from your network.") || strings.Contains(text, outer) {
		t.Errorf("got %s, want that it cannot be told", text)
	}
	described := v.get("/openapi/v1/oauth/device/approval-context?user_code="+url.QueryEscape(codes.UserCode), "Accept", "application/json")
	if strings.Contains(described.text, "same_network") || strings.Contains(described.text, outer) || !strings.Contains(described.text, codes.UserCode) {
		t.Errorf("got %s, want neither same_network nor an address", described.text)
	}
	v.sees(v.press(page, "approve"), "approved", "")
	if got := s.poll(codes); got != "" {
		t.Fatalf("got %q, want a token", got)
	}
	sessions := s.visitor(outer).visits("alice")
	if text := words(sessions.main()); sessions.state() != "sessions" || strings.Contains(text, outer) {
		t.Errorf("got %s %s, want the device without the proxy's address", sessions.state(), text)
	}
}

func TestLabelsAreShownWithoutSurplusMarksAndTags(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	page := v.signIn(s.device("a"+strings.Repeat("\u0301", 60)+strings.Repeat("\u00a0", 100)+"b\U000E0041c", elsewhere).UserCode, "alice")
	v.sees(page, "decide", "")
	if text := words(page.main()); !strings.Contains(text, "a\u0301\u0301\u0301\u0301 bc") {
		t.Errorf("got %q, want the label with few marks", text)
	}
}

func TestLinksOfOtherSitesDoNotChangeTheLanguage(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	for _, site := range []string{"cross-site", "same-site", "none"} {
		v.get("/device?lang=zh-Hans", "Sec-Fetch-Site", site)
		if got := v.get("/device").header.Get("Content-Language"); got != "en" {
			t.Errorf("after a link from %s: got %s, want en", site, got)
		}
	}
	v.get("/device?lang=zh-Hans", "Sec-Fetch-Site", "same-origin")
	if got := v.get("/device").header.Get("Content-Language"); got != "zh-Hans" {
		t.Errorf("got %s, want zh-Hans, as chosen", got)
	}
}
