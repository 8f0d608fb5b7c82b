package demoidp

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// pending is an AuthnRequest that was accepted and waits for the person.
type pending struct{ saml.IdpAuthnRequest }

// accept reads an AuthnRequest. It has to come from a registered service
// provider and name one of its AssertionConsumerServices. It need not be
// signed, but a signature has to be right.
func (idp *IdP) accept(r *http.Request) (none pending, err error) {
	req, err := saml.NewIdpAuthnRequest(&idp.saml, r)
	if err != nil {
		return none, err
	}
	req.Now = idp.now()
	if err := req.Validate(); err != nil {
		return none, err
	}
	keys := signingKeys(req.SPSSODescriptor)
	if r.Method == http.MethodPost {
		err = checkEnveloped(req.RequestBuffer, keys, req.Now)
	} else {
		err = checkQuery(r.URL.RawQuery, keys)
	}
	if err != nil {
		return none, fmt.Errorf("the request's signature: %w", err)
	}
	req.HTTPRequest = nil
	return pending{*req}, nil
}

func signingKeys(of *saml.SPSSODescriptor) (all []*x509.Certificate) {
	for _, k := range of.KeyDescriptors {
		if k.Use == "encryption" {
			continue
		}
		for _, c := range k.KeyInfo.X509Data.X509Certificates {
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(c.Data), ""))
			if err != nil {
				continue
			}
			if certificate, err := x509.ParseCertificate(der); err == nil {
				all = append(all, certificate)
			}
		}
	}
	return all
}

var errNoKeyFits = errors.New("no key of the service provider's metadata fits")

// checkQuery verifies a signature over the query as it was sent (SAML bindings
// §3.4.4.1).
func checkQuery(query string, keys []*x509.Certificate) error {
	sent := map[string]string{}
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		sent[name] = part
	}
	value := func(name string) string {
		_, v, _ := strings.Cut(sent[name], "=")
		v, _ = url.QueryUnescape(v)
		return v
	}
	if sent["Signature"] == "" {
		return nil
	}
	if alg := value("SigAlg"); alg != dsig.RSASHA256SignatureMethod {
		return fmt.Errorf("algorithm %q", alg)
	}
	signature, err := base64.StdEncoding.DecodeString(value("Signature"))
	if err != nil {
		return err
	}
	var signed []string
	for _, name := range []string{"SAMLRequest", "RelayState", "SigAlg"} {
		if sent[name] != "" {
			signed = append(signed, sent[name])
		}
	}
	digest := sha256.Sum256([]byte(strings.Join(signed, "&")))
	for _, k := range keys {
		if public, ok := k.PublicKey.(*rsa.PublicKey); ok && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil {
			return nil
		}
	}
	return errNoKeyFits
}

// checkEnveloped verifies a signature inside the message (SAML core §5).
func checkEnveloped(message []byte, keys []*x509.Certificate, at time.Time) error {
	doc := etree.NewDocument()
	if _, err := doc.ReadFrom(bytes.NewReader(message)); err != nil {
		return err
	}
	if doc.FindElement("./*/Signature") == nil {
		return nil
	}
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: keys})
	ctx.Clock = dsig.NewFakeClockAt(at)
	if _, err := ctx.Validate(doc.Root()); err != nil {
		return errNoKeyFits
	}
	return nil
}
