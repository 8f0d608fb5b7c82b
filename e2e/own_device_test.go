package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
)

// A sign-in decides on the device that it was made for, also in a browser that
// signs in for several (F08).
func TestASignInDecidesOnItsOwnDevice(t *testing.T) {
	everywhere(t, func(t *testing.T, w *fixture) {
		api := w.public + "/openapi/v1/oauth/device/"
		d := w.device()
		mine, other := w.start(d), w.start(d)
		c := w.client()
		responses := map[string]url.Values{mine.UserCode: c.response(mine, "alice"), other.UserCode: c.response(other, "alice")}

		swapped := url.Values{"SAMLResponse": responses[other.UserCode]["SAMLResponse"], "RelayState": responses[mine.UserCode]["RelayState"]}
		c.refused(c.do(http.MethodPost, api+"sso-complete", swapped, nil), http.StatusBadRequest, "invalid_sso_assertion")

		back := c.do(http.MethodPost, api+"sso-complete", responses[mine.UserCode], nil).Header.Get("Location")
		if got := c.do(http.MethodGet, back, nil, nil); got.StatusCode != http.StatusFound {
			t.Fatalf("the sign-in ends with %s, want 302", got.Status)
		}
		var context struct {
			CSRF string `json:"csrf_token"`
		}
		if err := json.NewDecoder(c.do(http.MethodGet, api+"approval-context", nil, nil).Body).Decode(&context); err != nil {
			t.Fatal(err)
		}
		proof := http.Header{"X-Csrf-Token": {context.CSRF}}
		for _, decision := range []string{"approve-external", "deny-external"} {
			got := c.do(http.MethodPost, api+decision, url.Values{"user_code": {other.UserCode}}, proof)
			c.refused(got, http.StatusBadRequest, "user_code_mismatch")
		}
		w.polls(d, other, "authorization_pending")
		w.polls(d, mine, "authorization_pending")
		if got := c.do(http.MethodPost, api+"approve-external", url.Values{"user_code": {mine.UserCode}}, proof); got.StatusCode != http.StatusOK {
			t.Errorf("the device of the sign-in: got %s, want 200", got.Status)
		}
	})
}
