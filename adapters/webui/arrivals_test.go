package webui_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// F16: a person who comes from a tile or bookmark of the identity provider is
// sent to their device.
func TestASignInBegunAtTheIdentityProviderLeadsToTheDevice(t *testing.T) {
	for name, relay := range map[string]string{"without a RelayState": "", "with a foreign RelayState": "https://intranet.acme.example"} {
		s := served(t)
		v := s.visitor(home)
		answer := v.answerAt("/openapi/v1/oauth/device/sso-initiate?user_code="+s.device(label, home).UserCode, "alice")
		if answer.values.Del("RelayState"); relay != "" {
			answer.values.Set("RelayState", relay)
		}
		page := v.post(answer.action, answer.values)
		if text := words(page.main()); page.state() != "error" || !strings.HasPrefix(text, "Start on your device You came here from a tile or bookmark") {
			t.Errorf("%s: got %s %q, want the sentence for such arrivals", name, page.state(), text)
		}
		if got := attribute(page.element("next"), "href"); got != "/device" {
			t.Errorf("%s: got %q as the way on, want /device", name, got)
		}
		titles := map[string]bool{}
		for _, l := range languages {
			got := v.get(page.inLanguage(l))
			if got.state() != "error" || got.problem() != page.problem() || titles[got.title()] {
				t.Errorf("%s in %s: got %s (%s) with the title %q, want the same problem in words of that language", name, l, got.state(), got.problem(), got.title())
			}
			titles[got.title()] = true
		}
	}
}

// ownedPage stands for the page of an operator at WEB_URL.
const ownedPage = "the operator's page"

// webURLElsewhere is a fixture whose WEB_URL is the operator's own page.
func webURLElsewhere(t *testing.T, through ...via) *fixture {
	t.Helper()
	s := newFixture(t, through...)
	s.env["WEB_URL"] = "https://console.example.com/app"
	s.hosts["console.example.com"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, ownedPage) })
	s.serve()
	return s
}

// F25: wherever WEB_URL is, the connection is chosen on our own page, and the
// person decides on the operator's.
func TestTheConnectionIsChosenOnOurPageWhereverWebURLIs(t *testing.T) {
	s := webURLElsewhere(t, acme, globex)
	code := s.device(label, home).UserCode
	v := s.visitor(home)
	choose := v.get("/openapi/v1/oauth/device/sso-initiate?user_code=" + code)
	v.sees(choose, "choose", "")
	if got, want := choose.url.String(), s.url+"/device/sign-in"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	f := choose.form("continue")
	f.values.Set("login_hint", "ada@nowhere.example")
	unknown := v.post(f.action, f.values)
	v.sees(v.get(attribute(unknown.element("sign-in"), "href")), "choose", "no_match")
	back := v.signInAt(attribute(choose.element("connection-acme"), "href"), "alice")
	if want := "https://console.example.com/app/device?sso_verified=1"; back.url.String() != want || back.text != ownedPage {
		t.Errorf("got %s, want %s", back.url, want)
	}
}

// F10, F02: what only our own page can go on with ends there.
func TestSignInsThatOnlyOurPageKnowsEndThere(t *testing.T) {
	s := newFixture(t, acme)
	s.env["WEB_URL"], s.env["USER_CODE_GLOBAL_LIMIT"] = "https://console.example.com", "3"
	s.serve()
	v := s.visitor(home)
	v.sees(v.visits("alice"), "sessions", "")
	s.usesUpWrongCodes()
	page := s.visitor(home).signIn(s.device(label, home).UserCode, "alice")
	if got, want := page.url.String(), s.url+"/device/code"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// F35: cookies of our pages have the path at which we serve them, whatever the
// path of WEB_URL is.
func TestCookiesOfThePagesHaveThePathOfThePages(t *testing.T) {
	s := webURLElsewhere(t, acme)
	v := s.visitor(home)
	code := s.device(label, home).UserCode
	set := 0
	for _, r := range []shown{
		v.once(http.MethodGet, "/device", nil),
		v.once(http.MethodGet, "/device?lang=de", nil),
		v.once(http.MethodPost, "/device", url.Values{"user_code": {code}}),
	} {
		for _, c := range (&http.Response{Header: r.header}).Cookies() {
			if set++; c.Path != "/device" {
				t.Errorf("%s: got the path %s, want /device", c.Name, c.Path)
			}
		}
	}
	if set < 3 {
		t.Errorf("got %d cookies, want at least 3", set)
	}
	if choose := v.get("/device/sign-in"); !strings.Contains(words(choose.main()), code) {
		t.Errorf("got %q, want the code %s", words(choose.main()), code)
	}
}
