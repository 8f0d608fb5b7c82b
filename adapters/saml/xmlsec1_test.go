package saml_test

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
)

// testdata/xmlsec1 holds responses signed by xmlsec1 1.2.37, the assertion
// first and then the response. The transform after the enveloped signature is
// the canonicalisation that the file is named after, SignedInfo has the same.
// Each has comments, a namespace that nothing uses, a default namespace and
// xml:lang around the assertion, where the canonical forms differ.
func TestResponsesSignedByXMLSec1AreAccepted(t *testing.T) { // F40
	text, err := os.ReadFile("testdata/xmlsec1/signer.pem")
	if err != nil {
		t.Fatal(err)
	}
	certificate, _ := pem.Decode(text)
	signer := &samltest.IdP{EntityID: idpID, SSO: "https://idp.test/sso", Certificate: certificate.Bytes}
	files, err := filepath.Glob("testdata/xmlsec1/*.xml")
	if err != nil || len(files) != 5 {
		t.Fatalf("got %d files, %v, want 5", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			document, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(t, signer)
			assertion := b.accepts(t, samltest.Encode(string(document)))
			if got := assertion.Subject.NameID(); got != "alice" {
				t.Errorf("got NameID %q, want alice", got)
			}
			forged := samltest.Replace(">alice@", ">mallory@")(string(document))
			b.refuses(t, samltest.Encode(forged), "digest_mismatch")
			rebound := samltest.Replace(`xmlns:unused="urn:unused"`, `xmlns:unused="urn:other"`)(string(document))
			if strings.HasPrefix(filepath.Base(file), "exclusive") {
				b.accepts(t, samltest.Encode(rebound))
			} else { // the inclusive forms cover it, in SignedInfo first
				b.refuses(t, samltest.Encode(rebound), "signature_invalid")
			}
		})
	}
}
