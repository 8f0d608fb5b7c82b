package webui_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// visitor is a browser without scripts, whose pages can
// be taken apart.
type visitor struct {
	t      *testing.T
	site   *fixture
	client *http.Client
	held   *cookieAttributes
}

// cookieAttributes keeps what a cookie jar does not return: how each cookie was set,
// by its site, path and name.
type cookieAttributes struct {
	http.CookieJar
	set map[string]setCookie
}

type setCookie struct {
	by *url.URL
	*http.Cookie
}

// SetCookies implements [http.CookieJar].
func (j *cookieAttributes) SetCookies(by *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		key := by.Host + c.Path + " " + c.Name
		if j.set[key] = (setCookie{by, c}); c.MaxAge < 0 {
			delete(j.set, key)
		}
	}
	j.CookieJar.SetCookies(by, cookies)
}

// shown is a page as it came.
type shown struct {
	status int
	header http.Header
	url    *url.URL
	text   string
	doc    *html.Node
}

func (s *fixture) visitor(from string) *visitor {
	jar, _ := cookiejar.New(nil) // never fails
	held := &cookieAttributes{jar, map[string]setCookie{}}
	return &visitor{s.t, s, &http.Client{Jar: held, Transport: proxied{s, from}}, held}
}

// ask sends a request and follows redirects.
func (v *visitor) ask(method, path string, form url.Values, header ...string) shown {
	v.t.Helper()
	address := path
	if strings.HasPrefix(path, "/") {
		address = v.site.url + path
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.site.url)
	}
	r.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(text)))
	if err != nil {
		v.t.Fatal(err)
	}
	return shown{resp.StatusCode, resp.Header, resp.Request.URL, string(text), doc}
}

func (v *visitor) get(path string, header ...string) shown {
	v.t.Helper()
	return v.ask(http.MethodGet, path, nil, header...)
}

func (v *visitor) post(path string, form url.Values, header ...string) shown {
	v.t.Helper()
	return v.ask(http.MethodPost, path, form, header...)
}

// once is ask without following the redirect.
func (v *visitor) once(method, path string, form url.Values, header ...string) shown {
	v.t.Helper()
	follow := v.client.CheckRedirect
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { v.client.CheckRedirect = follow }()
	return v.ask(method, path, form, header...)
}

// cookies are those that go to the pages.
func (v *visitor) cookies() []*http.Cookie {
	v.t.Helper()
	pages, err := url.Parse(v.site.url + "/device/")
	if err != nil {
		v.t.Fatal(err)
	}
	return v.client.Jar.Cookies(pages)
}

// takes puts cookies into the browser.
func (v *visitor) takes(cookies []*http.Cookie) {
	v.t.Helper()
	pages, err := url.Parse(v.site.url + "/device/")
	if err != nil {
		v.t.Fatal(err)
	}
	v.client.Jar.SetCookies(pages, cookies)
}

// signIn begins at sso-initiate and ends where the page says what came of it.
func (v *visitor) signIn(code, user string) shown {
	v.t.Helper()
	return v.signInAt("/openapi/v1/oauth/device/sso-initiate?user_code="+url.QueryEscape(code), user)
}

// signInAt begins at the given address.
func (v *visitor) signInAt(path, user string) shown {
	v.t.Helper()
	answer := v.answerAt(path, user)
	return v.post(answer.action, answer.values)
}

// answerAt is what the identity provider answers to a sign-in that begins at the
// given address: the form for the browser to send.
func (v *visitor) answerAt(path, user string) form {
	v.t.Helper()
	login := v.get(path)
	f := login.form("")
	f.values.Set("user", user)
	f.values.Set("password", "password")
	f.values.Set("action", "sign-in")
	action, err := login.url.Parse(f.action)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.post(action.String(), f.values).form("")
}

// form is one of a page's.
type form struct {
	action string
	values url.Values
}

// form is the one in which the element with the given id is; "": the first.
func (s shown) form(id string) form {
	if owner := attribute(s.element(id), "form"); owner != "" { // the element stands outside its form
		return s.formByID(owner)
	}
	var f form
	for n := range s.doc.Descendants() {
		if n.Data != "form" || f.values != nil {
			continue
		}
		has := id == ""
		values := url.Values{}
		for c := range n.Descendants() {
			has = has || attribute(c, "id") == id
			if c.Data == "input" && attribute(c, "name") != "" {
				values.Set(attribute(c, "name"), attribute(c, "value"))
			}
		}
		if has {
			f = form{attribute(n, "action"), values}
		}
	}
	return f
}

// press sends the form of the button with the given id, as that button would.
func (v *visitor) press(s shown, id string) shown {
	v.t.Helper()
	f := s.form(id)
	if f.values == nil {
		v.t.Fatalf("got no form with %s, want one in\n%s", id, s.text)
	}
	if to := attribute(s.element(id), "formaction"); to != "" {
		f.action = to
	}
	if name := attribute(s.element(id), "name"); name != "" {
		f.values.Set(name, attribute(s.element(id), "value"))
	}
	return v.post(f.action, f.values)
}

func (s shown) element(id string) *html.Node {
	for n := range s.doc.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "id") == id {
			return n
		}
	}
	return nil
}

func (s shown) main() *html.Node {
	for n := range s.doc.Descendants() {
		if n.Data == "main" {
			return n
		}
	}
	return nil
}

func (s shown) state() string   { return attribute(s.main(), "data-state") }
func (s shown) problem() string { return attribute(s.main(), "data-code") }

// sees checks where the visitor is.
func (v *visitor) sees(s shown, state, problem string) {
	v.t.Helper()
	if s.state() != state || s.problem() != problem {
		v.t.Fatalf("got %q (%s) with status %d at %s, want %q (%s)\n%s", s.state(), s.problem(), s.status, s.url, state, problem, words(s.main()))
	}
}

func attribute(n *html.Node, name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words are the text of an element.
func words(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
