package webui_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// payloads would do something if they were not text.
var payloads = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onfocus=alert(1) autofocus='`, `javascript:alert(1)`,
	`</title><script>alert(1)</script>`, `{{.Nonce}}`, `--><svg onload=alert(1)>`, `</main></body>`, "\u202eevil", `&lt;b&gt;`, "%3Cscript%3E", "\x00<b>",
}

// markedUp is a client_id, which has no < and >.
const markedUp = `" onfocus=alert(1) autofocus="&amp;`

var requestID = regexp.MustCompile(`^[0-9a-f-]{36}$`)

// harmless fails the test if anything on the page is not ours.
func harmless(t *testing.T, name string, page shown) {
	t.Helper()
	allowed := map[string]bool{}
	for _, n := range strings.Fields(`html head meta title link style script body header img span main ol ul li h1 h2 p form label input button
		section div dl dt dd time bdi q details summary svg circle path footer nav a code`) {
		allowed[n] = true
	}
	var scripts, mains int
	for n := range page.doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if !allowed[n.Data] {
			t.Errorf("%s: got a <%s>, want none", name, n.Data)
		}
		switch n.Data {
		case "script":
			scripts++
		case "main":
			mains++
		case "img":
			if src := attribute(n, "src"); !strings.HasPrefix(src, "/device/assets/") {
				t.Errorf("%s: got a picture from %s, want one of ours", name, src)
			}
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "autofocus" || a.Key == "srcdoc" {
				t.Errorf("%s: got <%s %s=%q>, want no such attribute", name, n.Data, a.Key, a.Val)
			}
			if (a.Key == "href" || a.Key == "action" || a.Key == "formaction" || a.Key == "src") && !strings.HasPrefix(a.Val, "/device") && !strings.HasPrefix(a.Val, page.url.Scheme+"://"+page.url.Host+"/") {
				t.Errorf("%s: got %s to %s, want one of our addresses", name, a.Key, a.Val)
			}
		}
	}
	if scripts != 1 || mains != 1 {
		t.Errorf("%s: got %d scripts, %d mains, want one of each", name, scripts, mains)
	}
}

func TestMarkupInAnyParameterStaysText(t *testing.T) { // D22
	s := served(t, acme, globex)
	for _, payload := range payloads {
		for _, parameter := range []string{"user_code", "sso_error", "sso_reason", "ref", "retry_after", "choose", "sso_verified", "lang", "at"} {
			v := s.visitor(home)
			q := url.Values{parameter: {payload}}
			harmless(t, parameter, v.get("/device?"+q.Encode()))
			if parameter != "sso_error" {
				q.Set("sso_error", "access_denied")
				page := v.get("/device?" + q.Encode())
				harmless(t, parameter, page)
				if ref := attribute(page.main(), "data-reference"); parameter == "ref" && !requestID.MatchString(ref) {
					t.Errorf("%q: got the reference %q, want another", payload, ref)
				}
			}
		}
		v := s.visitor(home)
		harmless(t, "typed code", v.post("/device", url.Values{"user_code": {payload}}))
		harmless(t, "path", v.get("/device/"+url.PathEscape(payload)))
		codes := s.device(payload, home)
		v.post("/device", url.Values{"user_code": {codes.UserCode}})
		harmless(t, "login hint", v.post("/device/sign-in", url.Values{"user_code": {codes.UserCode}, "login_hint": {payload}}))
	}
}

func TestMarkupInALabelOrClientStaysText(t *testing.T) {
	s := served(t)
	for _, payload := range payloads {
		codes := s.deviceOf(markedUp, payload, home)
		v := s.visitor(home)
		page := v.signIn(codes.UserCode, "alice")
		v.sees(page, "decide", "")
		harmless(t, payload, page)
		if text := words(page.main()); !strings.Contains(text, markedUp) || strings.Contains(text, "\u202e") {
			t.Errorf("got %s, want the client and the label as text", text)
		}
		v.press(page, "approve")
	}
}

func TestMarkupInAConnectionsNameStaysText(t *testing.T) {
	s := served(t, via{slug: "odd", name: `<b onclick="x">Odd</b> & "Co"`, domain: "acme.example", public: true}, globex)
	codes := s.device(label, home)
	v := s.visitor(home)
	choose := v.post("/device", url.Values{"user_code": {codes.UserCode}})
	harmless(t, "name", choose)
	if text := words(choose.element("connection-odd")); text != `<b onclick="x">Odd</b> & "Co"` {
		t.Errorf("got the name %s, want it as text", text)
	}
}

func TestForgedPageStateIsHarmless(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	for _, value := range []string{"", "x", "eyJjIjoiPHNjcmlwdD4ifQ", strings.Repeat("A", 5000), "eyJwIjoiPHNjcmlwdD4iLCJvIjoiYXBwcm92ZWQiLCJjIjoiV0RKQi1NM0hUIn0"} {
		for _, path := range []string{"/device", "/device/sign-in", "/device/leave", "/device/decide", "/device/approved", "/device/problem", "/device/sessions"} {
			harmless(t, path, v.get(path, "Cookie", "device_page="+value+"; device_undo=x.y; device_language=<b>"))
		}
	}
}

func TestBrandingIsEscapedAndKept(t *testing.T) {
	s := newFixture(t, acme)
	s.env["BRAND_NAME"] = `<i>ACME</i> & Söhne`
	s.env["BRAND_COLOR"] = "#8a1c4a"
	s.env["SUPPORT_URL"] = "mailto:help@acme.example?subject=%3Cb%3E"
	s.env["BRAND_LOGO_FILE"] = s.write("logo.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>alert(1)</script><path d="M0 0h9v9z"/></svg>`))
	s.serve()
	v := s.visitor(home)
	page := v.get("/device")
	var name, logo, support string
	for n := range page.doc.Descendants() {
		switch {
		case n.Data == "header":
			name = words(n)
		case n.Data == "img":
			logo = attribute(n, "src")
		case attribute(n, "class") == "support":
			support = attribute(n, "href")
		}
	}
	if name != `<i>ACME</i> & Söhne` || support != "mailto:help@acme.example?subject=%3Cb%3E" || !strings.Contains(page.text, "--accent-light:#8a1c4a") {
		t.Errorf("got the name %q, the support %q, want them as text", name, support)
	}
	got := v.get(logo)
	if got.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the logo %s: got %v, want it as an image that runs nothing", logo, got.header)
	}
}

func styleSheet(page shown) *html.Node {
	for n := range page.doc.Descendants() {
		if n.Data == "link" && attribute(n, "rel") == "stylesheet" {
			return n
		}
	}
	return nil
}
