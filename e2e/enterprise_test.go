package e2e

import (
	"net/http"
	"testing"

	"github.com/devicegate/devicegate/adapters/enterprise/enterprisetest"
)

// enterpriseFixture is one whose sign-ins go through a Dify Enterprise inner API,
// which says that the licence has this status.
func enterpriseFixture(t *testing.T, licence string) (*fixture, *enterprisetest.Server) {
	t.Helper()
	database, redis := embedded.open(t)
	w := newFixture(t, database, redis)
	inner := enterprisetest.Start(t, "shared", []byte(w.Env["SECRET_KEY"]))
	inner.License(licence)
	w.Env["ENTERPRISE_API_URL"], w.Env["ENTERPRISE_API_SECRET_KEY"] = inner.URL.String(), "shared"
	w.Write("connections.yaml", []byte(`connections:
  - slug: enterprise
    broker: enterprise
    domains: [acme.example]
`))
	w.serve()
	return w, inner
}

func TestThroughAnEnterpriseBroker(t *testing.T) {
	t.Parallel()
	w, inner := enterpriseFixture(t, "active")
	device := w.device()
	codes := w.start(device)
	w.ends(w.person("", "approve"), codes, "approved")
	token := w.polls(device, codes, "")
	if token.SubjectEmail != "alice@acme.example" || token.SubjectIssuer != enterprisetest.Issuer {
		t.Errorf("got it approved by %s of %s, want alice", token.SubjectEmail, token.SubjectIssuer)
	}
	w.works(device, token, http.StatusOK)

	t.Run("a denied sign-in keeps the code", func(t *testing.T) {
		inner.SignIn("")
		codes := w.start(device)
		if got, err := w.person("", "approve").Decide(t.Context(), codes.Complete, codes.UserCode); err != nil || got == "approved" {
			t.Fatalf("got the end %q, %v, want it approved", got, err)
		}
		w.polls(device, codes, "authorization_pending")
	})
	t.Run("a person of another domain is refused", func(t *testing.T) {
		inner.SignIn("mallory@elsewhere.example")
		w.ends(w.person("", "approve"), w.start(device), "invalid_sso_assertion")
	})
	t.Run("an inner API that is down is a clear page, and the code stays", func(t *testing.T) {
		inner.Fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
		codes := w.start(device)
		w.ends(w.person("", "approve"), codes, "sso_initiate_failed")
		w.polls(device, codes, "authorization_pending")
	})
}

func TestWithoutALicenceSSORoutesAnswer404(t *testing.T) { // F16
	t.Parallel()
	w, _ := enterpriseFixture(t, "expired")
	resp, err := http.Get(w.public + "/v1/oauth/device/sso-initiate?user_code=x")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("got %s, want 404", resp.Status)
	}
}
