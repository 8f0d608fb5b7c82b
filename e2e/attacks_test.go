package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

// client is a browser's plumbing in an attacker's hands: it follows nothing by
// itself and shows every answer.
type client struct {
	w   *fixture
	jar *cookiejar.Jar
}

func (w *fixture) client() *client {
	jar, _ := cookiejar.New(nil)
	return &client{w, jar}
}

func (c *client) do(method, address string, form url.Values, header http.Header) *http.Response {
	c.w.t.Helper()
	req, err := http.NewRequestWithContext(c.w.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		c.w.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	stay := &http.Client{Transport: described{c.w.t}, Jar: c.jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := stay.Do(req)
	if err != nil {
		c.w.t.Fatal(err)
	}
	c.w.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// response begins an SSO transaction and has the identity provider answer it for user.
func (c *client) response(codes demo.Codes, user string) url.Values {
	c.w.t.Helper()
	to := c.do(http.MethodGet, c.w.public+"/openapi/v1/oauth/device/sso-initiate?user_code="+codes.UserCode, nil, nil).Header.Get("Location")
	page := inputs(c.w, c.do(http.MethodGet, to, nil, nil))
	page.Set("user", user)
	page.Set("password", "password")
	page.Set("action", "sign-in")
	at, _ := url.Parse(to)
	answer := inputs(c.w, c.do(http.MethodPost, "http://"+at.Host+"/login", page, nil))
	return url.Values{"SAMLResponse": answer["SAMLResponse"], "RelayState": answer["RelayState"]}
}

func inputs(w *fixture, resp *http.Response) url.Values {
	w.t.Helper()
	doc, err := html.Parse(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	values := url.Values{}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "input" {
			continue
		}
		var name, value string
		for _, a := range n.Attr {
			switch a.Key {
			case "name":
				name = a.Val
			case "value":
				value = a.Val
			}
		}
		values.Set(name, value)
	}
	return values
}

func (c *client) refused(resp *http.Response, status int, code string) {
	c.w.t.Helper()
	text, _ := io.ReadAll(resp.Body)
	var body struct{ Error string }
	_ = json.Unmarshal(text, &body)
	if resp.StatusCode != status || body.Error != code {
		c.w.t.Errorf("got %d %s, want %d %s", resp.StatusCode, text, status, code)
	}
}

func TestAttacks(t *testing.T) {
	everywhere(t, func(t *testing.T, w *fixture) {
		acs := w.public + "/openapi/v1/oauth/device/sso-complete"
		legacy := w.public + "/v1/device/sso-complete"
		device := w.device()

		t.Run("a response is accepted once, on one mount", func(t *testing.T) { // S24
			codes := w.start(device)
			victim, thief := w.client(), w.client()
			response := victim.response(codes, "alice")
			if got := victim.do(http.MethodPost, acs, response, nil); got.StatusCode != http.StatusSeeOther {
				t.Fatalf("the first time: got %s, want 303", got.Status)
			}
			thief.refused(thief.do(http.MethodPost, acs, response, nil), http.StatusBadRequest, "invalid_sso_assertion")
			thief.refused(thief.do(http.MethodPost, legacy, response, nil), http.StatusBadRequest, "invalid_sso_assertion")
		})

		t.Run("only the browser that began can finish, and it still can afterwards", func(t *testing.T) {
			codes := w.start(device)
			victim, thief := w.client(), w.client()
			response := victim.response(codes, "alice")
			back := thief.do(http.MethodPost, acs, response, nil).Header.Get("Location")
			stolen := thief.do(http.MethodGet, back, nil, nil)
			thief.refused(stolen, http.StatusBadRequest, "invalid_sso_assertion")
			if len(stolen.Cookies()) > 0 {
				t.Error("got a cookie for the thief, want none")
			}
			mine := victim.do(http.MethodGet, back, nil, nil)
			if mine.StatusCode != http.StatusFound || len(mine.Cookies()) == 0 {
				t.Errorf("the victim: got %s, want a cookie", mine.Status)
			}
			victim.refused(victim.do(http.MethodGet, back, nil, nil), http.StatusBadRequest, "invalid_sso_assertion")
		})

		t.Run("another grant session does not complete the transaction", func(t *testing.T) {
			mine, theirs := w.client(), w.client()
			response := mine.response(w.start(device), "alice")
			other := theirs.response(w.start(device), "bob")
			response.Set("RelayState", other.Get("RelayState"))
			mine.refused(mine.do(http.MethodPost, acs, response, nil), http.StatusBadRequest, "invalid_sso_assertion")
		})

		t.Run("a response that names the other callback is refused", func(t *testing.T) {
			c := w.client()
			c.refused(c.do(http.MethodPost, legacy, c.response(w.start(device), "alice"), nil), http.StatusBadRequest, "invalid_sso_assertion")
		})

		t.Run("a response by GET is refused", func(t *testing.T) {
			c := w.client()
			c.refused(c.do(http.MethodGet, acs+"?"+c.response(w.start(device), "alice").Encode(), nil, nil), http.StatusBadRequest, "invalid_request")
		})

		t.Run("a decision from another site's page is refused, and the proof works once", func(t *testing.T) { // T18
			codes := w.start(device)
			c := w.client()
			back := c.do(http.MethodPost, acs, c.response(codes, "alice"), nil).Header.Get("Location")
			cookie := c.do(http.MethodGet, back, nil, nil).Cookies()[0]
			var context struct {
				CSRF string `json:"csrf_token"`
			}
			described := c.do(http.MethodGet, w.public+"/openapi/v1/oauth/device/approval-context", nil, nil)
			if err := json.NewDecoder(described.Body).Decode(&context); err != nil {
				t.Fatal(err)
			}
			approve := w.public + "/openapi/v1/oauth/device/approve-external"
			decision := url.Values{"user_code": {codes.UserCode}}
			proof := http.Header{"X-Csrf-Token": {context.CSRF}}
			c.refused(c.do(http.MethodPost, approve, decision, http.Header{"X-Csrf-Token": {context.CSRF}, "Origin": {"https://evil.example"}}), http.StatusForbidden, "forbidden")
			c.refused(c.do(http.MethodPost, approve, decision, http.Header{"X-Csrf-Token": {context.CSRF}, "Origin": {"null"}}), http.StatusForbidden, "forbidden")
			c.refused(c.do(http.MethodPost, approve, decision, http.Header{"X-Csrf-Token": {"guess"}}), http.StatusForbidden, "csrf_mismatch")
			c.refused(c.do(http.MethodPost, approve, url.Values{"user_code": {"ABCD-EFGH"}}, proof), http.StatusBadRequest, "user_code_mismatch")
			if got := c.do(http.MethodPost, approve, decision, proof); got.StatusCode != http.StatusOK {
				t.Fatalf("approve: got %s, want 200", got.Status)
			}
			replay := http.Header{"X-Csrf-Token": {context.CSRF}, "Cookie": {cookie.Name + "=" + cookie.Value}}
			c.refused(c.do(http.MethodPost, approve, decision, replay), http.StatusUnauthorized, "session_already_consumed")
			w.polls(device, codes, "")
		})

		t.Run("addresses come from the configuration, whatever the headers say", func(t *testing.T) { // D33
			c := w.client()
			resp := c.do(http.MethodPost, w.public+"/openapi/v1/oauth/device/code", url.Values{"client_id": {"difyctl"}},
				http.Header{"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"https"}, "Forwarded": {"host=evil.example"}})
			var started demo.Codes
			if err := json.NewDecoder(resp.Body).Decode(&started); err != nil {
				t.Fatal(err)
			}
			if started.URI != w.public+"/device" {
				t.Errorf("got %s, want the page", started.URI)
			}
		})
	})
}
