package demoidp

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// responseLife is how long a response may be delivered.
const responseLife = 5 * time.Minute

// respond answers the request for user: a signed response around a signed
// assertion, encrypted if the service provider publishes a key for that.
func (idp *IdP) respond(p pending, session signedIn) (saml.IdpAuthnRequestForm, error) {
	req, now, user := p.IdpAuthnRequest, idp.now(), session.user
	req.Now = now
	req.Assertion = &saml.Assertion{
		ID: newID(), IssueInstant: now, Version: "2.0",
		Issuer: saml.Issuer{Format: entityFormat, Value: idp.saml.MetadataURL.String()},
		Subject: &saml.Subject{
			NameID: &saml.NameID{Format: string(saml.EmailAddressNameIDFormat), Value: user.Email},
			SubjectConfirmations: []saml.SubjectConfirmation{{
				Method: "urn:oasis:names:tc:SAML:2.0:cm:bearer",
				SubjectConfirmationData: &saml.SubjectConfirmationData{
					InResponseTo: req.Request.ID, NotOnOrAfter: now.Add(responseLife), Recipient: req.ACSEndpoint.Location,
				},
			}},
		},
		Conditions: &saml.Conditions{
			NotBefore: now, NotOnOrAfter: now.Add(responseLife),
			AudienceRestrictions: []saml.AudienceRestriction{{Audience: saml.Audience{Value: req.ServiceProviderMetadata.EntityID}}},
		},
		AuthnStatements: []saml.AuthnStatement{{
			AuthnInstant: session.at, SessionIndex: newID(),
			AuthnContext: saml.AuthnContext{AuthnContextClassRef: &saml.AuthnContextClassRef{
				Value: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
			}},
		}},
		AttributeStatements: []saml.AttributeStatement{{Attributes: []saml.Attribute{
			attribute("urn:oid:0.9.2342.19200300.100.1.3", "mail", user.Email),
			attribute("urn:oid:2.16.840.1.113730.3.1.241", "displayName", user.Name),
		}}},
	}
	return req.PostBinding()
}

const entityFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"

func attribute(name, friendly, value string) saml.Attribute {
	return saml.Attribute{
		Name: name, FriendlyName: friendly, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
		Values: []saml.AttributeValue{{Type: "xs:string", Value: value}},
	}
}

// deny answers the request with the status codes for a person who may not, or did
// not want to, sign in (SAML core §3.2.2.2).
func (idp *IdP) deny(p pending) (form saml.IdpAuthnRequestForm, err error) {
	response := &saml.Response{
		ID: newID(), InResponseTo: p.Request.ID, IssueInstant: idp.now(), Version: "2.0", Destination: p.ACSEndpoint.Location,
		Issuer: &saml.Issuer{Format: entityFormat, Value: idp.saml.MetadataURL.String()},
		Status: saml.Status{
			StatusCode:    saml.StatusCode{Value: saml.StatusResponder, StatusCode: &saml.StatusCode{Value: saml.StatusRequestDenied}},
			StatusMessage: &saml.StatusMessage{Value: "The person pressed <Cancel> at the demo identity provider."},
		},
	}
	signing := dsig.NewDefaultSigningContext(idp.keys)
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := signing.SetSignatureMethod(dsig.RSASHA256SignatureMethod); err != nil {
		return form, err
	}
	if response.Signature, err = signing.ConstructSignature(response.Element(), true); err != nil {
		return form, fmt.Errorf("sign the response: %w", err)
	}
	doc := etree.NewDocument()
	doc.SetRoot(response.Element())
	text, err := doc.WriteToBytes()
	return saml.IdpAuthnRequestForm{
		URL: p.ACSEndpoint.Location, SAMLResponse: base64.StdEncoding.EncodeToString(text), RelayState: p.RelayState,
	}, err
}

// newID makes an NCName, which may not begin with a digit.
func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: it crashes the program instead
	return "_" + hex.EncodeToString(b)
}
