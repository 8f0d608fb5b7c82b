package webui_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// One person approved the attacker's code, and another one says, on the page or by JSON,
// that they did not ask: the first approval waits for its redemption.
func TestAReportByPageOrJSONHoldsWhatOthersApproved(t *testing.T) {
	for route, report := range map[string]func(v *visitor, code string){
		"the page": func(v *visitor, code string) {
			v.sees(v.press(v.signIn(code, "bob"), "deny-unasked"), "denied", "")
		},
		"JSON": func(v *visitor, code string) {
			v.signIn(code, "bob")
			var context struct {
				CSRF string `json:"csrf_token"`
			}
			found := v.get("/openapi/v1/oauth/device/approval-context?user_code="+url.QueryEscape(code), "Accept", "application/json")
			if err := json.Unmarshal([]byte(found.text), &context); err != nil {
				t.Fatal(err)
			}
			denied := v.post("/openapi/v1/oauth/device/deny-external", url.Values{"user_code": {code}, "reason": {"not_requested"}},
				"Accept", "application/json", "X-CSRF-Token", context.CSRF)
			if denied.status != http.StatusOK {
				t.Errorf("got %d: %s, want 200", denied.status, denied.text)
			}
		},
	} {
		t.Run(route, func(t *testing.T) {
			s := served(t)
			first, second, honest := s.device("prod-01", elsewhere), s.device("prod-02", elsewhere), s.device("laptop", home)
			victim := s.visitor(home)
			victim.sees(victim.press(victim.signIn(first.UserCode, "alice"), "approve"), "approved", "")
			report(s.visitor("10.2.0.7"), second.UserCode)
			if got := s.poll(first); got != "authorization_pending" {
				t.Errorf("the approved device: got %q, want it to wait", got)
			}
			if got := s.poll(second); got != "access_denied" {
				t.Errorf("the denied device: got %q, want access_denied", got)
			}
			v := s.visitor(home)
			v.sees(v.press(v.signIn(honest.UserCode, "alice"), "approve"), "approved", "")
			if got := s.poll(honest); got != "" {
				t.Errorf("a device of another network: got %q, want a token", got)
			}
		})
	}
}

// The page says when another network is normal, but not once signals speak against
// the request: a person must not be calmed about it.
func TestASuspectedRequestIsNotCalledNormal(t *testing.T) {
	s := served(t)
	const harmless = "That is normal when you work on a remote machine."
	asked := func(device, user, from string) (*visitor, shown) {
		v := s.visitor(from)
		page := v.signIn(s.device(device, elsewhere).UserCode, user)
		v.sees(page, "decide", "")
		return v, page
	}
	victim, page := asked("prod-01", "alice", home)
	if got := words(page.element("verdict")); !strings.Contains(got, harmless) {
		t.Errorf("before anything is suspected: got %q, want %q in it", got, harmless)
	}
	victim.sees(victim.press(page, "approve"), "approved", "")
	reporter, page := asked("prod-02", "bob", "10.2.0.7")
	reporter.sees(reporter.press(page, "deny-unasked"), "denied", "")

	_, page = asked("prod-03", "alice", home)
	if got := words(page.element("verdict")); strings.Contains(got, harmless) || !strings.Contains(got, "another network") {
		t.Errorf("once the source is held: got %q, want the other network and no harmless reason", got)
	}
	if page.element("code") == nil {
		t.Errorf("got %s, want the code asked for", words(page.main()))
	}
}
