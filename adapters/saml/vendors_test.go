package saml_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// testdata/vendors holds what SimpleSAMLphp 1.19, LemonLDAP::NG 2.16, pysaml2 7.0,
// Lasso 2.8, and samlp 8 and samlify 2.13 of npm really answered to AuthnRequests of
// ours. Package e2e/idps has recorded them, and says how.

func vendorKeys(t testing.TB) spkeys.Set {
	t.Helper()
	text, err := os.ReadFile("testdata/sp-test-only.pem")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := spkeys.ParsePEM(text)
	if err != nil {
		t.Fatal(err)
	}
	return keySet(t, pair, spkeys.Pair{}, spkeys.Pair{})
}

var issued = regexp.MustCompile(`IssueInstant="([^"]+)"`)

func readVendor(t testing.TB, vendor, kind string) (document []byte, request string, at time.Time) {
	t.Helper()
	base := filepath.Join("testdata", "vendors", vendor, kind)
	document, err := os.ReadFile(base + ".xml")
	if err != nil {
		t.Fatal(err)
	}
	id, err := os.ReadFile(base + ".request")
	if err != nil {
		t.Fatal(err)
	}
	at, err = time.Parse(time.RFC3339Nano, string(issued.FindSubmatch(document)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return document, strings.TrimSpace(string(id)), at
}

func vendorBench(t testing.TB, vendor string, at time.Time) *bench {
	t.Helper()
	metadata, err := os.ReadFile(filepath.Join("testdata", "vendors", vendor, "metadata.xml"))
	if err != nil {
		t.Fatal(err)
	}
	entity := regexp.MustCompile(`entityID="([^"]+)"`).FindSubmatch(metadata)[1]
	b := newBench(t, &samltest.IdP{EntityID: string(entity)}, change{
		source: func(s *connection.SAMLSettings) { s.Metadata = metadata },
		keys:   vendorKeys(t),
	})
	b.at = at
	return b
}

// recorded are the responses of products that were run, with keys of these tests and
// invented people.
var recorded = map[string][]string{
	"simplesamlphp": {"plain", "assertion", "encrypted", "outer"},
	"lemonldap":     {"plain", "encrypted"},
	"pysaml2":       {"plain", "encrypted", "outer"},
	"node-samlp":    {"plain", "both", "encrypted", "outer"},
	"samlify":       {"plain", "assertion", "encrypted", "outer"},
	"lasso":         {"plain", "encrypted"},
}

// nameless is why the response for a person without an e-mail address is refused.
var nameless = map[string]string{
	"simplesamlphp": "email_missing", "lemonldap": "name_id_blank", "pysaml2": "email_missing", "node-samlp": "email_missing", "samlify": "email_missing",
	"lasso": "email_missing",
}

func TestRecordedResponsesAreAccepted(t *testing.T) {
	for vendor, kinds := range recorded {
		for _, kind := range kinds {
			t.Run(vendor+", "+kind, func(t *testing.T) {
				document, request, at := readVendor(t, vendor, kind)
				b := vendorBench(t, vendor, at)
				answer := ports.Response{Raw: base64.StdEncoding.EncodeToString(document), RequestID: request, RequestedAt: at, ReceivedOn: b.on, At: at}
				assertion, err := b.judge(t, answer)
				if err != nil {
					t.Fatal(err)
				}
				if assertion.Subject.Email().String() != "alice@example.com" || assertion.Subject.Issuer() != b.idp.EntityID {
					t.Errorf("got %s of %s, want the usual person", assertion.Subject.Email(), assertion.Subject.Issuer())
				}
				answer.At = at.Add(9 * time.Minute)
				if _, err := b.judge(t, answer); reason(err) != "expired" {
					t.Errorf("nine minutes later: got %v, want expired", err)
				}
				answer.At, answer.RequestID = at, "_another"
				if _, err := b.judge(t, answer); reason(err) != "in_response_to_mismatch" {
					t.Errorf("for another request: got %v, want a mismatch", err)
				}
			})
		}
	}
}

func TestRecordedResponsesWithoutAnAddressAreRefused(t *testing.T) {
	for vendor, want := range nameless {
		document, request, at := readVendor(t, vendor, "nameless")
		b := vendorBench(t, vendor, at)
		_, err := b.judge(t, ports.Response{Raw: base64.StdEncoding.EncodeToString(document), RequestID: request, RequestedAt: at, ReceivedOn: b.on, At: at})
		if got := reason(err); got != want {
			t.Errorf("%s: got %q (%v), want %q", vendor, got, err, want)
		}
	}
}

func TestChangedOctetsDoNotChangeTheSubject(t *testing.T) {
	for _, vendor := range []string{"simplesamlphp", "lemonldap", "pysaml2", "node-samlp", "samlify"} {
		document, request, at := readVendor(t, vendor, "plain")
		b := vendorBench(t, vendor, at)
		want, err := b.judge(t, ports.Response{Raw: base64.StdEncoding.EncodeToString(document), RequestID: request, RequestedAt: at, ReceivedOn: b.on, At: at})
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(document); i += 3 {
			changed := bytes.Clone(document)
			changed[i] ^= 1
			assertion, err := b.judge(t, ports.Response{Raw: base64.StdEncoding.EncodeToString(changed), RequestID: request, RequestedAt: at, ReceivedOn: b.on, At: at})
			if err == nil && assertion != want {
				t.Fatalf("%s: octet %d changed: got %+v, want a refusal", vendor, i, assertion)
			}
		}
	}
}
