package phishing

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

// relay is a sign-in that the attacker's browser begins, in the device's own
// network. The victim signs in at the real identity provider with the attacker's
// request, and hands over each address that their browser came to; the attacker
// tries to go on with each.
func (c campaign) relay(s *service, l *login, i int) {
	s.t.Helper()
	browser := s.browser(c.from(i))
	csrf := s.signIn(browser, l, s.person(user(i), c.victimAt(i), desktop))
	if csrf == "" {
		return
	}
	s.send(browser, http.MethodPost, s.api("/openapi/v1", "approve-external"),
		url.Values{"user_code": {l.codes.UserCode}}, http.Header{"X-Csrf-Token": {csrf}, "Origin": {s.public}})
}

// browser is one that no script drives.
func (s *service) browser(address string) *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{
		Jar: jar, Transport: at{s: s, address: address, agent: desktop},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *service) api(mount, route string) string { return s.public + mount + "/oauth/device/" + route }

// signIn begins a sign-in in a browser, has a person sign in at the identity
// provider, and goes on with the addresses that the person came to. It returns what
// the browser may decide with; empty: nothing.
func (s *service) signIn(browser *http.Client, l *login, person *demo.Person) (csrf string) {
	s.t.Helper()
	begun := s.send(browser, http.MethodGet, s.api("/openapi/v1", "sso-initiate?user_code="+l.codes.UserCode), nil, nil)
	toIdP := begun.Header.Get("Location")
	if toIdP == "" {
		s.t.Fatalf("the sign-in: got %s, want a redirect", begun.Status)
	}
	if _, err := person.Decide(s.t.Context(), toIdP, l.codes.UserCode); err != nil {
		s.t.Fatal(err)
	}
	for _, address := range person.Visited() {
		if strings.HasPrefix(address, s.public) {
			s.send(browser, http.MethodGet, address, nil, nil)
		}
	}
	described := s.send(browser, http.MethodGet, s.api("/openapi/v1", "approval-context"), nil, nil)
	if described.StatusCode != http.StatusOK {
		return ""
	}
	var context struct {
		CSRF string `json:"csrf_token"`
	}
	if err := json.NewDecoder(described.Body).Decode(&context); err != nil {
		s.t.Fatal(err)
	}
	return context.CSRF
}

func (s *service) send(by *http.Client, method, address string, form url.Values, header http.Header) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := by.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}
