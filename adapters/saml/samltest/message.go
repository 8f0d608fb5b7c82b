package samltest

import (
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// Request is what an identity provider knows of an AuthnRequest.
type Request struct {
	RequestID string
	ACS       string
	Audience  string // the service provider's entityID
	At        time.Time
}

// Message is a response to be. Its zero hooks change nothing. Texts are put
// into the XML as they are: escape what has to be escaped.
type Message struct {
	IdP     *IdP
	Request Request

	ResponseID, AssertionID string
	Destination, Recipient  string // empty: the request's ACS
	Status                  string // the whole element; empty: Success
	NameID                  string // the whole element; empty: alice
	Mail                    string
	Attributes              string // further Attribute elements

	// Parts of the assertion, whole elements; a nil one has its usual form.
	Subject, Conditions, Logins, Statement *string

	SignResponse, SignAssertion bool
	SignBeforeEncryption        bool    // the Response too
	Signing                     Signing // of both
	Encryption                  *Encryption
	EncryptTo                   *rsa.PublicKey

	BeforeSigning func(document string) string // both signatures are marks still
	BeforeOuter   func(document string) string // the assertion is signed, and encrypted if it is to be
	AfterSigning  func(document string) string
	Plain         func(assertion string) string // what is encrypted
}

// Message is a valid response: the assertion is signed, the rest is usual.
func (p *IdP) Message(request Request) Message {
	return Message{
		IdP: p, Request: request, ResponseID: "_response", AssertionID: "_assertion",
		Mail: "alice@example.com", SignAssertion: true, Signing: Signing{Key: p.Key, KeyInfo: p.KeyInfo()},
	}
}

// With returns a changed copy.
func (m Message) With(change func(*Message)) Message {
	change(&m)
	return m
}

// Marks show where a signature goes. They are no XML and never leave here.
const (
	responseMark  = "@@response-signature@@"
	assertionMark = "@@assertion-signature@@"
)

const instant = "2006-01-02T15:04:05Z"

// Stamp is a time as the messages write it.
func Stamp(t time.Time) string { return t.UTC().Format(instant) }

// Part makes a pointer for the parts of a [Message].
func Part(format string, args ...any) *string {
	s := fmt.Sprintf(format, args...)
	return &s
}

func or(s *string, otherwise string) string {
	if s != nil {
		return *s
	}
	return otherwise
}

func pick(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// Bearer is a valid SubjectConfirmation.
func (m Message) Bearer() string {
	return fmt.Sprintf(`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">`+
		`<saml:SubjectConfirmationData NotOnOrAfter="%s" Recipient="%s" InResponseTo="%s"/></saml:SubjectConfirmation>`,
		Stamp(m.Request.At.Add(5*time.Minute)), pick(m.Recipient, m.Request.ACS), m.Request.RequestID)
}

// UsualNameID is the NameID where none is given.
const UsualNameID = `<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">alice</saml:NameID>`

// AudienceRestriction names the given audiences.
func AudienceRestriction(audiences ...string) string {
	return `<saml:AudienceRestriction><saml:Audience>` + strings.Join(audiences, `</saml:Audience><saml:Audience>`) + `</saml:Audience></saml:AudienceRestriction>`
}

// assertion is the assertion before it is signed.
func (m Message) assertion() string {
	at := m.Request.At
	subject := or(m.Subject, `<saml:Subject>`+pick(m.NameID, UsualNameID)+m.Bearer()+`</saml:Subject>`)
	conditions := or(m.Conditions, fmt.Sprintf(`<saml:Conditions NotBefore="%s" NotOnOrAfter="%s">%s</saml:Conditions>`,
		Stamp(at.Add(-30*time.Second)), Stamp(at.Add(5*time.Minute)), AudienceRestriction(m.Request.Audience)))
	logins := or(m.Logins, fmt.Sprintf(`<saml:AuthnStatement AuthnInstant="%s" SessionIndex="_s"><saml:AuthnContext>`+
		`<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`, Stamp(at)))
	statement := or(m.Statement, `<saml:AttributeStatement><saml:Attribute Name="mail" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic">`+
		`<saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" xsi:type="xs:string">`+
		m.Mail+`</saml:AttributeValue></saml:Attribute>`+m.Attributes+`</saml:AttributeStatement>`)
	mark := ""
	if m.SignAssertion {
		mark = assertionMark
	}
	return fmt.Sprintf(`<saml:Assertion ID="%s" Version="2.0" IssueInstant="%s"><saml:Issuer>%s</saml:Issuer>%s`, m.AssertionID, Stamp(at), m.IdP.EntityID, mark) +
		subject + conditions + logins + statement + `</saml:Assertion>`
}

// Document is the whole message.
func (m Message) Document() string {
	mark := ""
	if m.SignResponse {
		mark = responseMark
	}
	status := pick(m.Status, `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`)
	document := fmt.Sprintf(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" `+
		`ID="%s" Version="2.0" IssueInstant="%s" Destination="%s" InResponseTo="%s"><saml:Issuer>%s</saml:Issuer>%s%s`,
		m.ResponseID, Stamp(m.Request.At), pick(m.Destination, m.Request.ACS), m.Request.RequestID, m.IdP.EntityID, mark, status) +
		m.assertion() + `</samlp:Response>`
	if m.BeforeSigning != nil {
		document = m.BeforeSigning(document)
	}
	if m.SignAssertion {
		document = m.Signing.sign(document, m.AssertionID, assertionMark)
	}
	if m.Encryption != nil && !m.SignBeforeEncryption {
		document = m.encrypt(document)
	}
	if m.BeforeOuter != nil {
		document = m.BeforeOuter(document)
	}
	if m.SignResponse {
		document = m.Signing.sign(document, m.ResponseID, responseMark)
	}
	if m.Encryption != nil && m.SignBeforeEncryption {
		document = m.encrypt(document)
	}
	if m.AfterSigning != nil {
		document = m.AfterSigning(document)
	}
	return document
}

// Encode is the SAMLResponse field.
func (m Message) Encode() string { return Encode(m.Document()) }

// Encode makes a SAMLResponse field of a document.
func Encode(document string) string { return base64.StdEncoding.EncodeToString([]byte(document)) }

// Replace makes a hook that replaces one text, which has to be there.
func Replace(old, with string) func(string) string {
	return func(document string) string {
		if !strings.Contains(document, old) {
			panic("samltest: not in the document: " + old)
		}
		return strings.Replace(document, old, with, 1)
	}
}

// encrypt puts the assertion into an EncryptedAssertion.
func (m Message) encrypt(document string) string {
	from, to := strings.Index(document, "<saml:Assertion "), strings.Index(document, "</saml:Assertion>")+len("</saml:Assertion>")
	plain := document[from:to]
	if m.Plain != nil {
		plain = m.Plain(plain)
	}
	return document[:from] + m.Encryption.Element("EncryptedAssertion", plain, m.EncryptTo) + document[to:]
}
