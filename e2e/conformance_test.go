package e2e

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/conformance"
	"github.com/devicegate/devicegate/bootstrap/demo"
)

// introspectionSecret is that of the resource server "api", where the server
// offers introspection.
const introspectionSecret = "conformance-conformance-conformance"

// conforms runs every rule against w and returns the report.
func (w *fixture) conforms(by http.RoundTripper) conformance.Report {
	w.t.Helper()
	report, err := conformance.Run(w.t.Context(), conformance.Options{
		Target: w.public, ClientID: "difyctl", OtherClientID: "other", IntrospectionID: "api", IntrospectionSecret: introspectionSecret,
		HTTP: &http.Client{Timeout: 30 * time.Second, Transport: by}, Now: w.now,
		Wait: func(ctx context.Context, d time.Duration) error { w.skip(d); return ctx.Err() },
		Decide: func(_ context.Context, l conformance.Login, approve bool) error {
			press, want := "approve", "approved"
			if !approve {
				press, want = "deny", "denied"
			}
			w.ends(w.person("alice", press), demo.Codes{Complete: l.Complete, UserCode: l.UserCode}, want)
			return nil
		},
		Expire: func(_ context.Context, l conformance.Login) error { w.skip(l.ExpiresIn + time.Minute); return nil },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

func TestOurServerConformsOnEveryMount(t *testing.T) {
	for name, prefix := range map[string]string{"at the root": "", "below a path": "/gate"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := embeddedWorld(t)
			w.public += prefix
			w.Env["PUBLIC_URL"], w.Env["OPENAPI_KNOWN_CLIENT_IDS"] = w.public, "difyctl,other"
			w.Env["INTROSPECTION_CLIENTS"] = "api:" + introspectionSecret
			w.serve()
			by := http.RoundTripper(described{t})
			if prefix != "" {
				by = http.DefaultTransport // the description knows no prefixes
			}
			w.passes(w.conforms(by))
		})
	}
}

// passes checks that no row failed and none was skipped.
func (w *fixture) passes(report conformance.Report) {
	w.t.Helper()
	mounts := map[string]int{}
	for _, row := range report.Rows {
		switch row.Result {
		case conformance.Fail:
			w.t.Errorf("%s (%s, %s): got %s, want %s", row.ID, row.Mount, row.Clause, row.Detail, row.Rule)
		case conformance.Pass:
			mounts[row.Mount]++
		case conformance.Skip:
			w.t.Errorf("%s: got it skipped (%s), want it checked", row.ID, row.Detail)
		}
	}
	for _, mount := range []string{"metadata", "canonical", "standard", "bearer", "introspection", "revocation", "legacy"} {
		if mounts[mount] == 0 {
			w.t.Errorf("got no rule of %s, want some", mount)
		}
	}
}
