package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
)

func TestATestEndsOnItsPageWithoutAGrant(t *testing.T) {
	for says, answered := range map[string]bool{"ok a1 ben@beta.example": true, "rubbish": false} {
		s := newFixture(t, options{})
		made, err := s.TestACS.Execute(t.Context(), "beta", audit.AdminOf("ops"), request.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		begun, err := s.OpenTest.Execute(t.Context(), made.Link, approval.BrowserBinding{}, applicationtest.From("192.0.2.7"))
		if err != nil {
			t.Fatal(err)
		}
		body := url.Values{"SAMLResponse": {says}, "RelayState": {s.Broker.Last().RelayState.Reveal()}}
		page := http.Header{"Accept": {"text/html"}, "Cookie": {"__Host-device_sso_browser=" + begun.Browser.Reveal()}}
		w := s.send(ask{line: "POST /openapi/v1/oauth/device/sso-complete", header: page, body: body.Encode()})
		if answered {
			w = s.send(ask{line: "GET " + strings.TrimPrefix(w.Header().Get("Location"), "https://sso.example.com"), header: page})
		}
		if to := w.Header().Get("Location"); w.Code/100 != 3 || to != "https://sso.example.com/saml/test" {
			t.Errorf("%s: got %d to %s, want the page of the test", says, w.Code, to)
		}
		if cookies := w.Header().Values("Set-Cookie"); len(cookies) > 0 {
			t.Errorf("%s: got cookies %v, want none", says, cookies)
		}
	}
}
