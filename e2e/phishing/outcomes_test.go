package phishing

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

// entryPoint is one way to try an approval; try returns the answer.
type entryPoint struct {
	name string
	try  func() string
}

// tried is a sign-in in a browser for a login that policy does not let through.
type tried struct {
	s       *service
	browser *http.Client
	l       *login
	csrf    string
}

func (a tried) form(typed string) url.Values {
	f := url.Values{"user_code": {a.l.codes.UserCode}, "csrf": {a.csrf}}
	if typed != "" {
		f.Set("typed_code", typed)
	}
	return f
}

// json tries approve-external of a mount, with the rights of a browser.
func (a tried) json(browser *http.Client, mount, csrf, typed string) string {
	resp := a.s.send(browser, http.MethodPost, a.s.api(mount, "approve-external"), a.form(typed), http.Header{"X-Csrf-Token": {csrf}, "Origin": {a.s.public}})
	var body struct{ Code string }
	if resp.StatusCode == http.StatusOK {
		return "approved"
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		a.s.t.Fatal(err)
	}
	return body.Code
}

// page sends a form of the page, and returns the path that the browser is sent to.
func (a tried) page(path string, f url.Values) string {
	resp := a.s.send(a.browser, http.MethodPost, a.s.public+path, f, http.Header{"Origin": {a.s.public}})
	return resp.Header.Get("Location")
}

// entryPoints are all but the sessions page. Whatever the outcome, none avoids it.
func (a tried) entryPoints(typed string) []entryPoint {
	return []entryPoint{
		{"JSON", func() string { return a.json(a.browser, "/openapi/v1", a.csrf, typed) }},
		{"JSON of the legacy mount", func() string { return a.json(a.browser, "/v1", a.csrf, typed) }},
		{"the page", func() string { return a.page("/device/approve", a.form(typed)) }},
		{"the page, with parameters", func() string {
			return a.page("/device/approve?typed_code="+a.l.codes.UserCode+"&user_code="+a.l.codes.UserCode, a.form(typed))
		}},
		{"the form, sent again", func() string { return a.page("/device/approve", a.form(typed)) }},
		{"a second tab, on another code", func() string {
			other := a.s.start(a.l.from, "other")
			a.s.send(a.browser, http.MethodGet, other.link(), nil, nil)
			return a.page("/device/approve", a.form(typed))
		}},
		{"the link once more, in a second tab", func() string {
			a.s.send(a.browser, http.MethodGet, a.l.link(), nil, nil)
			return a.page("/device/approve", a.form(typed))
		}},
		{"the form, in another browser", func() string {
			return a.json(a.s.browser(a.l.from), "/openapi/v1", a.csrf, a.l.codes.UserCode)
		}},
	}
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// sessionsPage signs in for the page of one's own devices, and tries to approve with
// what that gives.
func (a tried) sessionsPage(victim string, person *demo.Person) entryPoint {
	return entryPoint{"the sessions page", func() string {
		a.s.t.Helper()
		browser, address := a.s.browser(victim), a.s.public+"/device/sessions/sign-in"
		for strings.HasPrefix(address, a.s.public) {
			resp := a.s.send(browser, http.MethodGet, address, nil, nil)
			to, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
			if err != nil || resp.Header.Get("Location") == "" {
				a.s.t.Fatalf("%s: got %s to %q, want the way to the identity provider", address, resp.Status, resp.Header.Get("Location"))
			}
			address = to.String()
		}
		if _, err := person.Decide(a.s.t.Context(), address, a.l.codes.UserCode); err != nil {
			a.s.t.Fatal(err)
		}
		for _, visited := range person.Visited() {
			if strings.HasPrefix(visited, a.s.public) {
				a.s.send(browser, http.MethodGet, visited, nil, nil)
			}
		}
		page, err := io.ReadAll(a.s.send(browser, http.MethodGet, a.s.public+"/device/sessions", nil, nil).Body)
		found := csrfField.FindSubmatch(page)
		if err != nil || found == nil {
			a.s.t.Fatalf("the sessions page: got %s, want a form", page)
		}
		return a.json(browser, "/openapi/v1", string(found[1]), a.l.codes.UserCode)
	}}
}

// What a policy asks for is asked for on every way, and none avoids it: both
// mounts, the page, a form that is sent again, another tab, another browser, and the
// sessions page.
func TestNoEntryPointAvoidsAnOutcome(t *testing.T) {
	for outcome, want := range map[string]string{
		"type": "typed_code_required", "reauthenticate": "reauthentication_required", "refuse": "approval_refused",
	} {
		t.Run(outcome, func(t *testing.T) {
			t.Parallel()
			s := serveWith(t, func(dir string) map[string]string {
				return map[string]string{"POLICY_FILE": write(t, dir, "policy.yaml", []byte("policy:\n  preset: parity\n  rules: [{then: "+outcome+"}]\n"))}
			})
			victim := network(homeOf, 9)
			person := s.person(user(9), victim, desktop)
			browser := s.browser(victim)
			if s.signIn(browser, s.start(office, "before"), person) == "" { // the identity provider has a session
				t.Fatal("got no sign-in, want one")
			}
			s.skip(10 * time.Minute)
			l := s.start(office, "laptop")
			a := tried{s, browser, l, s.signIn(browser, l, person)}
			if a.csrf == "" {
				t.Fatal("got no sign-in, want one")
			}
			typed := "" // for type, nothing that was typed
			if outcome != "type" {
				typed = l.codes.UserCode
			}
			for _, d := range append(a.entryPoints(typed), a.sessionsPage(victim, s.person(user(9), victim, desktop))) {
				got := d.try()
				if strings.HasPrefix(d.name, "JSON") && got != want {
					t.Errorf("%s: got %q, want %s", d.name, got, want)
				}
				if got == "approved" || strings.HasSuffix(got, "/approved") {
					t.Errorf("%s: got %q, want it refused", d.name, got)
				}
				if s.pollAll([]*login{l}); l.token != "" || l.ended {
					t.Fatalf("%s: got an answer for the device, want it to wait", d.name)
				}
			}
			if outcome != "type" {
				return
			}
			if got := a.json(browser, "/openapi/v1", a.csrf, l.codes.UserCode); got != "approved" {
				t.Errorf("with the code typed: got %q, want it approved", got)
			}
		})
	}
}
