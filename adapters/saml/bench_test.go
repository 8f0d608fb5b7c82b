package saml_test

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/ports"
)

// What pysaml2 sent is measured: the response and the assertion are signed, as
// most identity providers do it.
const measured = "pysaml2"

func BenchmarkVerify(b *testing.B) {
	for _, tc := range []struct{ name, vendor, kind string }{
		{"one signature", "node-samlp", "plain"}, {"two signatures", measured, "plain"}, {"encrypted", "node-samlp", "encrypted"}, {"encrypted, two signatures", measured, "encrypted"},
	} {
		b.Run(tc.name, func(b *testing.B) {
			document, request, at := readVendor(b, tc.vendor, tc.kind)
			bn := vendorBench(b, tc.vendor, at)
			what := ports.Response{Raw: base64.StdEncoding.EncodeToString(document), RequestID: request, RequestedAt: at, ReceivedOn: bn.on, At: at}
			b.ReportAllocs()
			b.SetBytes(int64(len(document)))
			for b.Loop() {
				if _, err := bn.broker.Verify(b.Context(), bn.via, what); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCrewjam is the library's own validation of the same octets.
func BenchmarkCrewjam(b *testing.B) {
	for _, tc := range []struct{ name, vendor, kind string }{
		{"one signature", "node-samlp", "plain"}, {"two signatures", measured, "plain"}, {"encrypted", "simplesamlphp", "encrypted"},
	} {
		b.Run(tc.name, func(b *testing.B) {
			document, request, at := readVendor(b, tc.vendor, tc.kind)
			text, err := os.ReadFile(filepath.Join("testdata", "vendors", tc.vendor, "metadata.xml"))
			if err != nil {
				b.Fatal(err)
			}
			var metadata crewjam.EntityDescriptor
			if err := xml.Unmarshal(text, &metadata); err != nil {
				b.Fatal(err)
			}
			crewjam.TimeNow = func() time.Time { return at }
			defer func() { crewjam.TimeNow = time.Now }()
			acs, err := url.Parse(publicURL + "/openapi/v1/oauth/device/sso-complete")
			if err != nil {
				b.Fatal(err)
			}
			sp := crewjam.ServiceProvider{EntityID: entityID, AcsURL: *acs, Key: vendorKeys(b).Active().Key(), IDPMetadata: &metadata}
			b.ReportAllocs()
			b.SetBytes(int64(len(document)))
			for b.Loop() {
				if _, err := sp.ParseXMLResponse(document, []string{request}, *acs); err != nil {
					b.Fatal(err.(*crewjam.InvalidResponseError).PrivateErr)
				}
			}
		})
	}
}

// BenchmarkCanonicaliseAndVerify is the least work of a verification: read the
// document, check one signature.
func BenchmarkCanonicaliseAndVerify(b *testing.B) {
	document, _, at := readVendor(b, measured, "plain")
	certificate := signer(b, document)
	b.Run("ours", func(b *testing.B) {
		wide := xmltree.Limits{Bytes: 1 << 20, Depth: 100, Elements: 10_000, Attributes: 64, Namespaces: 64}
		keys := []crypto.PublicKey{certificate.PublicKey}
		b.ReportAllocs()
		b.SetBytes(int64(len(document)))
		for b.Loop() {
			root, err := xmltree.Parse(document, wide)
			if err != nil {
				b.Fatal(err)
			}
			id, _ := root.Attr("ID")
			if _, err := xmlsec.Verify(root, id, keys, xmlsec.Consent{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("goxmldsig", func(b *testing.B) {
		context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
		context.Clock = dsig.NewFakeClockAt(at)
		b.ReportAllocs()
		b.SetBytes(int64(len(document)))
		for b.Loop() {
			doc := etree.NewDocument()
			if err := doc.ReadFromBytes(document); err != nil {
				b.Fatal(err)
			}
			if _, err := context.Validate(doc.Root()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func signer(b *testing.B, document []byte) *x509.Certificate {
	b.Helper()
	root, err := xmltree.Parse(document, xmltree.Limits{Bytes: 1 << 20, Depth: 100, Elements: 10_000, Attributes: 64, Namespaces: 64})
	if err != nil {
		b.Fatal(err)
	}
	var out *x509.Certificate
	root.Walk(func(n *xmltree.Node) {
		if n.Is(xmlsec.Signature, "X509Certificate") && out == nil {
			text, _ := n.Content()
			der, _ := xmlsec.Base64(text)
			if out, err = x509.ParseCertificate(der); err != nil {
				b.Fatal(err)
			}
		}
	})
	return out
}
