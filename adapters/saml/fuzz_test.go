package saml_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/ports"
)

// FuzzVerify changes real responses. Whatever comes of it is refused for a
// reason, or is the sign-in it was: no change makes another one of it, none
// makes us panic, and none takes long.
func FuzzVerify(f *testing.F) {
	type seed struct {
		b       *bench
		request string
		at      time.Time
	}
	var seeds []seed
	for _, vendor := range []string{"simplesamlphp", "pysaml2", "node-samlp"} {
		for _, kind := range []string{"plain", "encrypted", "outer"} {
			document, request, at := readVendor(f, vendor, kind)
			seeds = append(seeds, seed{vendorBench(f, vendor, at), request, at})
			f.Add(document, uint8(len(seeds)-1))
		}
	}
	f.Fuzz(func(t *testing.T, document []byte, which uint8) {
		s := seeds[int(which)%len(seeds)]
		assertion, err := s.b.judge(t, ports.Response{
			Raw: base64.StdEncoding.EncodeToString(document), RequestID: s.request, RequestedAt: s.at, ReceivedOn: s.b.on, At: s.at,
		})
		switch {
		case err != nil && (reason(err) == "" || reason(err) == "internal_error"):
			t.Errorf("got %v, want a refusal with a reason", err)
		case err == nil && (assertion.Subject.Email().String() != "alice@example.com" || assertion.Subject.Issuer() != s.b.idp.EntityID):
			t.Errorf("got %s of %s, want the usual person or a refusal", assertion.Subject.Email(), assertion.Subject.Issuer())
		}
	})
}

// FuzzMetadata reads anything as metadata: it becomes a broker or an error.
func FuzzMetadata(f *testing.F) {
	for _, vendor := range []string{"simplesamlphp", "pysaml2", "node-samlp"} {
		document, err := os.ReadFile(filepath.Join("testdata", "vendors", vendor, "metadata.xml"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	keys := vendorKeys(f)
	f.Fuzz(func(t *testing.T, document []byte) {
		if len(document) == 0 {
			return
		}
		b, err := tryBench(t, &samltest.IdP{}, metadata(string(document)), change{keys: keys})
		if err != nil {
			return
		}
		_ = b.broker.Problems()
		_ = b.broker.Warnings()
		if _, err := b.broker.Metadata(t.Context(), "acme", bothMounts); err != nil {
			t.Error(err)
		}
	})
}
