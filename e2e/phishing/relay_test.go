package phishing

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// relay is a sign-in that the attacker's browser begins, in the device's own
// network. The victim signs in at the real identity provider with the attacker's
// request, and hands over each address that their browser came to; the attacker
// tries to go on with each.
func (c campaign) relay(s *service, l *login, i int) {
	s.t.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{
		Jar: jar, Transport: at{s: s, address: c.from(i), agent: desktop},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	api := s.public + "/openapi/v1/oauth/device"
	begun := s.send(browser, http.MethodGet, api+"/sso-initiate?user_code="+l.codes.UserCode, nil, nil)
	toIdP := begun.Header.Get("Location")
	if toIdP == "" {
		s.t.Fatalf("the attacker's sign-in: got %s, want a redirect", begun.Status)
	}
	victim := s.person(user(i), c.victimAt(i), desktop)
	if _, err := victim.Decide(s.t.Context(), toIdP, l.codes.UserCode); err != nil {
		s.t.Fatal(err)
	}
	for _, address := range victim.Visited() {
		if strings.HasPrefix(address, s.public) {
			s.send(browser, http.MethodGet, address, nil, nil)
		}
	}
	var context struct {
		CSRF string `json:"csrf_token"`
	}
	described := s.send(browser, http.MethodGet, api+"/approval-context", nil, nil)
	if described.StatusCode != http.StatusOK {
		return
	}
	if err := json.NewDecoder(described.Body).Decode(&context); err != nil {
		s.t.Fatal(err)
	}
	s.send(browser, http.MethodPost, api+"/approve-external",
		url.Values{"user_code": {l.codes.UserCode}}, http.Header{"X-Csrf-Token": {context.CSRF}, "Origin": {s.public}})
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
