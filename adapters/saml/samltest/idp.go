package samltest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"
)

// IdP is an identity provider with one signing key.
type IdP struct {
	EntityID    string
	SSO         string // of its single sign-on service
	Key         crypto.Signer
	Certificate []byte // DER
}

// NewIdP makes an identity provider with a key of its own.
func NewIdP(t testing.TB, entityID string) *IdP {
	t.Helper()
	return NewIdPWithKey(t, entityID, RSAKey(t, 0))
}

// NewIdPWithKey makes one with the given key.
func NewIdPWithKey(t testing.TB, entityID string, key crypto.Signer) *IdP {
	t.Helper()
	return &IdP{
		EntityID: entityID, SSO: "https://idp.test/sso", Key: key,
		Certificate: Certificate(t, key, Epoch.AddDate(-1, 0, 0), Epoch.AddDate(10, 0, 0)),
	}
}

// Epoch is when the tests' frozen clocks stand.
var Epoch = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

var keys struct {
	sync.Mutex
	all map[int]*rsa.PrivateKey
}

// RSAKey is the nth of a row of RSA-2048 keys, each made once in a process.
func RSAKey(t testing.TB, n int) *rsa.PrivateKey {
	t.Helper()
	keys.Lock()
	defer keys.Unlock()
	if keys.all[n] == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		if keys.all == nil {
			keys.all = map[int]*rsa.PrivateKey{}
		}
		keys.all[n] = key
	}
	return keys.all[n]
}

// Certificate makes a certificate that key signs itself.
func Certificate(t testing.TB, key crypto.Signer, from, to time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(from.Unix() + 1), Subject: pkix.Name{CommonName: "samltest"}, NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// Metadata describes the identity provider.
func (p *IdP) Metadata() []byte {
	return []byte(fmt.Sprintf(`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%s">`+
		`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">%s`+
		`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="%s"/>`+
		`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="%s"/>`+
		`</md:IDPSSODescriptor></md:EntityDescriptor>`, p.EntityID, p.KeyDescriptor(), p.SSO, p.SSO))
}

// KeyDescriptor is the one in the metadata.
func (p *IdP) KeyDescriptor() string {
	return `<md:KeyDescriptor use="signing">` + p.KeyInfo() + `</md:KeyDescriptor>`
}

// KeyInfo names the certificate.
func (p *IdP) KeyInfo() string {
	return `<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>` +
		base64.StdEncoding.EncodeToString(p.Certificate) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`
}
