package saml_test

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/domain/connection"
)

const evilID = "_evil"

// evil is an unsigned assertion about another subject.
func evil(m samltest.Message) string {
	e := m
	e.Mail, e.AssertionID, e.SignAssertion, e.SignResponse = "mallory@example.com", evilID, false, false
	e.BeforeSigning, e.BeforeOuter, e.AfterSigning, e.Encryption = nil, nil, nil, nil
	e.NameID = strings.Replace(samltest.UsualNameID, "alice", "mallory", 1)
	document := e.Document()
	from := strings.Index(document, "<saml:Assertion ")
	return samltest.Replace(`<saml:Assertion `, `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" `)(document[from:strings.LastIndex(document, "</samlp:Response>")])
}

// Each case differs from a valid message in one thing, and a key that is
// trusted has signed it unless the case is about that.
func TestInvalidResponsesAreRefusedWithAReason(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	other := samltest.RSAKey(t, 1)
	in := func(d time.Duration) string { return samltest.Stamp(samltest.Epoch.Add(d)) }
	us := samltest.AudienceRestriction(entityID)
	bearer := func(data string) func(*samltest.Message) {
		return func(m *samltest.Message) {
			m.Subject = samltest.Part(`<saml:Subject>%s<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">%s</saml:SubjectConfirmation></saml:Subject>`, samltest.UsualNameID, data)
		}
	}
	data := func(attributes string) func(*samltest.Message) {
		return bearer(`<saml:SubjectConfirmationData xmlns:x="urn:x" ` + attributes + `/>`)
	}
	acs := publicURL + connection.Canonical.ACSPath()
	subject := func(content string) func(*samltest.Message) {
		return func(m *samltest.Message) {
			m.Subject = samltest.Part(`<saml:Subject>%s%s</saml:Subject>`, content, m.Bearer())
		}
	}
	pssWith := func(parameter string) func(*samltest.Message) {
		return func(m *samltest.Message) {
			m.Signing.Method = samltest.More2007 + "rsa-pss"
			m.Signing.Parameters = `<pss:RSAPSSParams xmlns:pss="http://www.w3.org/2007/05/xmldsig-more#">` + parameter + `</pss:RSAPSSParams>`
		}
	}
	ours := &samltest.RSAKey(t, 10).PublicKey
	encryptedID := func(plain string, to *rsa.PublicKey) func(*samltest.Message) {
		return subject(samltest.Encryption{}.Element("EncryptedID", plain, to))
	}
	conditions := func(format string, args ...any) func(*samltest.Message) {
		return func(m *samltest.Message) { m.Conditions = samltest.Part(format, args...) }
	}
	before := func(edit func(string) string) func(*samltest.Message) {
		return func(m *samltest.Message) { m.BeforeSigning = edit }
	}
	outer := func(edit func(string) string) func(*samltest.Message) {
		return func(m *samltest.Message) { m.BeforeSigning, m.SignResponse = edit, true }
	}
	after := func(edit func(string) string) func(*samltest.Message) {
		return func(m *samltest.Message) { m.AfterSigning = edit }
	}
	withinAssertion := func(old, with string) func(string) string {
		return func(s string) string {
			from := strings.Index(s, "<saml:Assertion ")
			return s[:from] + samltest.Replace(old, with)(s[from:])
		}
	}
	uri := func(text string) func(*samltest.Message) {
		return func(m *samltest.Message) { m.Signing.URI = &text }
	}
	transforms := func(text string, form xmltree.Form) func(*samltest.Message) {
		return func(m *samltest.Message) { m.Signing.Transforms, m.Signing.Form = text, &form }
	}
	enveloped, exclusive := `<ds:Transform Algorithm="`+samltest.Enveloped+`"/>`, `<ds:Transform Algorithm="`+samltest.Exclusive+`"/>`
	excl := xmltree.Form{Exclusive: true}

	for _, tc := range []struct {
		name, reason string
		change       func(*samltest.Message)
	}{
		// the document
		{"a DTD", "xml_dtd", after(func(s string) string { return `<!DOCTYPE samlp:Response [<!ENTITY x "y">]>` + s })}, // S51
		{"an external DTD", "xml_dtd", after(func(s string) string { return `<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd">` + s })},
		{"an entity that is not declared", "xml_malformed", after(samltest.Replace(">alice<", ">&alice;<"))},
		{"two roots", "xml_two_roots", after(func(s string) string { return s + s })},
		{"text after the root", "xml_text_after_root", after(func(s string) string { return s + "hello" })},
		{"text before the root", "xml_malformed", after(func(s string) string { return "hello" + s })},
		{"another root", "not_a_response", after(func(s string) string {
			return strings.NewReplacer("<samlp:Response", "<samlp:ArtifactResponse", "</samlp:Response", "</samlp:ArtifactResponse").Replace(s)
		})},
		{"a Response of another namespace", "not_a_response", after(samltest.Replace(`"urn:oasis:names:tc:SAML:2.0:protocol"`, `"urn:oasis:names:tc:SAML:1.0:protocol"`))},
		{"a prefix that is not bound", "xml_malformed", after(samltest.Replace(`<samlp:Status>`, `<x:y/><samlp:Status>`))},
		{"an attribute twice", "xml_malformed", after(samltest.Replace(`Version="2.0"`, `Version="2.0" Version="2.0"`))},
		{"an unknown encoding", "xml_encoding", after(func(s string) string { return `<?xml version="1.0" encoding="UTF-7"?>` + s })},
		{"XML 1.1", "xml_malformed", after(func(s string) string { return `<?xml version="1.1"?>` + s })},

		// what it consists of
		{"two Status", "status_missing", outer(samltest.Replace(`<samlp:Status>`, `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><samlp:Status>`))},
		{"no Status", "status_missing", before(func(s string) string {
			return regexp.MustCompile(`<samlp:Status>.*</samlp:Status>`).ReplaceAllString(s, "")
		})},
		{"a Status of another namespace", "status_missing", func(m *samltest.Message) {
			m.Status = `<x:Status xmlns:x="urn:x"><x:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></x:Status>`
		}},
		{"a Status without code", "status_missing", func(m *samltest.Message) { m.Status = `<samlp:Status/>` }},
		{"two status codes", "unexpected_element", func(m *samltest.Message) {
			m.Status = `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`
		}},
		{"no assertion", "no_assertion", outer(func(s string) string {
			return regexp.MustCompile(`<saml:Assertion .*</saml:Assertion>`).ReplaceAllString(s, "")
		})},
		{"two assertions", "several_assertions", func(m *samltest.Message) {
			m.BeforeSigning = samltest.Replace(`</samlp:Response>`, evil(*m)+`</samlp:Response>`)
		}},
		{"an EncryptedAssertion beside the Assertion", "several_assertions", before(samltest.Replace(`</samlp:Response>`, `<saml:EncryptedAssertion/></samlp:Response>`))},
		{"a foreign element in the Response", "unexpected_element", before(samltest.Replace(`<samlp:Status>`, `<x:y xmlns:x="urn:x"/><samlp:Status>`))},
		{"a foreign element in the Assertion", "unexpected_element", before(samltest.Replace(`<saml:AuthnStatement `, `<x:y xmlns:x="urn:x"/><saml:AuthnStatement `))},
		{"text in the Assertion", "unexpected_text", before(samltest.Replace(`<saml:AuthnStatement `, `hello<saml:AuthnStatement `))},

		// versions, IDs, issuers
		{"a Response of version 1.1", "version_mismatch", before(samltest.Replace(`Version="2.0"`, `Version="1.1"`))},
		{"a Response of no version", "version_mismatch", before(samltest.Replace(` Version="2.0"`, ``))},
		{"an Assertion of version 1.1", "version_mismatch", before(withinAssertion(`Version="2.0"`, `Version="1.1"`))},
		{"an Assertion of no version", "version_mismatch", before(withinAssertion(` Version="2.0"`, ``))},
		{"a Response without ID", "invalid_id", before(samltest.Replace(` ID="_response"`, ``))},
		{"an Assertion without ID", "invalid_id", func(m *samltest.Message) {
			m.SignAssertion, m.SignResponse, m.BeforeSigning = false, true, samltest.Replace(` ID="_assertion"`, ``)
		}},
		{"a namespaced ID", "invalid_id", func(m *samltest.Message) { // S26
			m.AfterSigning = samltest.Replace(` ID="_assertion"`, ` xmlns:x="urn:x" x:ID="_assertion"`)
		}},
		{"an ID that begins with a digit", "invalid_id", func(m *samltest.Message) { m.AssertionID = "1assertion" }},
		{"an ID twice", "duplicate_id", func(m *samltest.Message) { m.AssertionID, m.SignAssertion, m.SignResponse = "_response", false, true }},
		{"an ID that a foreign element has too", "duplicate_id", after(samltest.Replace(`<samlp:Status>`, `<samlp:Extensions><x id="_assertion"/></samlp:Extensions><samlp:Status>`))},
		{"another Issuer of the Assertion", "issuer_mismatch", before(withinAssertion(idpID, "https://evil.test"))},
		{"another Issuer of the Response", "issuer_mismatch", before(samltest.Replace(`<saml:Issuer>`+idpID, `<saml:Issuer>https://evil.test`))},
		{"an Issuer with a slash more", "issuer_mismatch", before(withinAssertion(idpID, idpID+"/"))}, // S36
		{"an Issuer in other case", "issuer_mismatch", before(withinAssertion(idpID, strings.ToUpper(idpID)))},
		{"an Assertion without Issuer", "issuer_missing", before(func(s string) string {
			from := strings.Index(s, "<saml:Assertion ")
			return s[:from] + strings.Replace(s[from:], `<saml:Issuer>`+idpID+`</saml:Issuer>`, "", 1)
		})},
		{"a signed Response without Issuer", "issuer_missing", outer(samltest.Replace(`<saml:Issuer>`+idpID+`</saml:Issuer>`, ""))},
		{"an Issuer of another format", "issuer_format", before(withinAssertion(`<saml:Issuer>`, `<saml:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">`))},
		{"the Response's Issuer of another format", "issuer_format", before(samltest.Replace(`<saml:Issuer>`, `<saml:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">`))},
		{"two Issuers", "unexpected_element", before(withinAssertion(`<saml:Issuer>`, `<saml:Issuer>https://evil.test</saml:Issuer><saml:Issuer>`))},

		// audience, recipient and request
		{"another Destination", "destination_mismatch", func(m *samltest.Message) { m.Destination = "https://other.test/acs" }},
		{"an empty Destination", "destination_mismatch", before(samltest.Replace(`Destination="`+acs+`"`, `Destination=""`))},
		{"a signed Response without Destination", "destination_missing", outer(samltest.Replace(` Destination="`+acs+`"`, ``))},
		{"a Destination of another namespace", "destination_missing", outer(samltest.Replace(` Destination="`, ` xmlns:x="urn:x" x:Destination="`))},
		{"no InResponseTo", "unsolicited", before(samltest.Replace(` InResponseTo="_request"`, ``))},
		{"InResponseTo another request", "in_response_to_mismatch", before(samltest.Replace(` InResponseTo="_request"`, ` InResponseTo="_other"`))},
		{"another audience", "audience_mismatch", conditions(`<saml:Conditions>%s</saml:Conditions>`, samltest.AudienceRestriction("https://other.test"))},
		{"an audience with a slash more", "audience_mismatch", conditions(`<saml:Conditions>%s</saml:Conditions>`, samltest.AudienceRestriction(entityID+"/"))}, // S38
		{"several restrictions, one not ours", "audience_mismatch", conditions(`<saml:Conditions>%s%s</saml:Conditions>`, us, samltest.AudienceRestriction("https://other.test"))},
		{"several restrictions, the first not ours", "audience_mismatch", conditions(`<saml:Conditions>%s%s</saml:Conditions>`, samltest.AudienceRestriction("https://other.test"), us)},
		{"no AudienceRestriction", "audience_missing", conditions(`<saml:Conditions NotOnOrAfter="%s"/>`, in(time.Minute))},
		{"an AudienceRestriction without Audience", "audience_mismatch", conditions(`<saml:Conditions><saml:AudienceRestriction/></saml:Conditions>`)},
		{"no Conditions", "audience_missing", conditions(``)},
		{"Conditions of another namespace", "unexpected_element", conditions(`<x:Conditions xmlns:x="urn:x">%s</x:Conditions>`, us)},
		{"Conditions twice", "unexpected_element", conditions(`<saml:Conditions>%s</saml:Conditions><saml:Conditions>%s</saml:Conditions>`, us, us)},
		{"an unknown Condition", "unknown_condition", conditions(`<saml:Conditions>%s<saml:Condition xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="urn:x" xsi:type="x:Moon"/></saml:Conditions>`, us)},
		{"a foreign condition", "unexpected_element", conditions(`<saml:Conditions>%s<x:Moon xmlns:x="urn:x"/></saml:Conditions>`, us)},

		// when
		{"a message from ten minutes ahead", "clock_ahead", func(m *samltest.Message) { m.Request.At = samltest.Epoch.Add(600 * time.Second) }}, // S06
		{"a Response from the future", "clock_ahead", before(samltest.Replace(`IssueInstant="`+in(0), `IssueInstant="`+in(181*time.Second)))},
		{"an Assertion from the future", "clock_ahead", before(withinAssertion(`IssueInstant="`+in(0), `IssueInstant="`+in(181*time.Second)))},
		{"an AuthnInstant in the future", "clock_ahead", before(samltest.Replace(`AuthnInstant="`+in(0), `AuthnInstant="`+in(181*time.Second)))},
		{"Conditions not yet good", "clock_ahead", conditions(`<saml:Conditions NotBefore="%s">%s</saml:Conditions>`, in(181*time.Second), us)},
		{"Conditions no longer good", "expired", conditions(`<saml:Conditions NotOnOrAfter="%s">%s</saml:Conditions>`, in(-180*time.Second), us)},
		{"Conditions that end before they begin", "invalid_period", conditions(`<saml:Conditions NotBefore="%s" NotOnOrAfter="%s">%s</saml:Conditions>`, in(60*time.Second), in(-60*time.Second), us)},
		{"Conditions that end when they begin", "invalid_period", conditions(`<saml:Conditions NotBefore="%s" NotOnOrAfter="%s">%s</saml:Conditions>`, in(0), in(0), us)},
		{"a time that is none", "invalid_time", conditions(`<saml:Conditions NotOnOrAfter="tomorrow">%s</saml:Conditions>`, us)},
		{"a time that is empty", "invalid_time", conditions(`<saml:Conditions NotOnOrAfter="">%s</saml:Conditions>`, us)},
		{"no IssueInstant of the Assertion", "invalid_time", before(withinAssertion(` IssueInstant="`+in(0)+`"`, ""))},
		{"no IssueInstant of the Response", "invalid_time", before(samltest.Replace(` IssueInstant="`+in(0)+`"`, ""))},

		// the bearer
		{"no SubjectConfirmation", "confirmation_missing", func(m *samltest.Message) {
			m.Subject = samltest.Part(`<saml:Subject>%s</saml:Subject>`, samltest.UsualNameID)
		}},
		{"no SubjectConfirmationData", "confirmation_missing", bearer("")},
		{"another method", "confirmation_method", before(samltest.Replace("cm:bearer", "cm:holder-of-key"))},
		{"no method", "confirmation_method", before(samltest.Replace(` Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"`, ""))},
		{"another Recipient", "recipient_mismatch", func(m *samltest.Message) { m.Recipient = "https://other.test/acs" }},
		{"no Recipient", "recipient_missing", data(fmt.Sprintf(`NotOnOrAfter="%s" InResponseTo="_request"`, in(time.Minute)))},
		{"a Recipient of another namespace", "recipient_missing", data(fmt.Sprintf(`NotOnOrAfter="%s" InResponseTo="_request" x:Recipient="%s"`, in(time.Minute), acs))},
		{"another Recipient, and ours of another namespace", "recipient_mismatch", data(fmt.Sprintf(`NotOnOrAfter="%s" InResponseTo="_request" Recipient="https://evil.test" x:Recipient="%s"`, in(time.Minute), acs))},
		{"a bearer without end", "confirmation_without_end", data(`InResponseTo="_request" Recipient="` + acs + `"`)},
		{"a bearer that is over", "expired", data(fmt.Sprintf(`NotOnOrAfter="%s" InResponseTo="_request" Recipient="%s"`, in(-180*time.Second), acs))},
		{"a bearer with NotBefore", "confirmation_not_before", data(fmt.Sprintf(`NotBefore="%s" NotOnOrAfter="%s" InResponseTo="_request" Recipient="%s"`, in(-time.Minute), in(time.Minute), acs))},
		{"a bearer for another request", "in_response_to_mismatch", data(fmt.Sprintf(`NotOnOrAfter="%s" InResponseTo="_other" Recipient="%s"`, in(time.Minute), acs))},
		{"a bearer for no request", "unsolicited", data(fmt.Sprintf(`NotOnOrAfter="%s" Recipient="%s"`, in(time.Minute), acs))},

		// the login
		{"no AuthnStatement", "no_authn_statement", func(m *samltest.Message) { m.Logins = samltest.Part("") }},
		{"an AuthnStatement of another namespace", "unexpected_element", func(m *samltest.Message) {
			m.Logins = samltest.Part(`<x:AuthnStatement xmlns:x="urn:x" AuthnInstant="%s"/>`, in(0))
		}},
		{"a session that is over", "session_expired", before(samltest.Replace(`SessionIndex=`, `SessionNotOnOrAfter="`+in(-180*time.Second)+`" SessionIndex=`))},
		{"no AuthnContext", "no_authn_context", func(m *samltest.Message) {
			m.Logins = samltest.Part(`<saml:AuthnStatement AuthnInstant="%s"/>`, in(0))
		}},
		{"an AuthnContext of nothing", "no_authn_context", func(m *samltest.Message) {
			m.Logins = samltest.Part(`<saml:AuthnStatement AuthnInstant="%s"><saml:AuthnContext/></saml:AuthnStatement>`, in(0))
		}},
		{"an Attribute without Name", "attribute_without_name", func(m *samltest.Message) {
			m.Attributes = `<saml:Attribute FriendlyName="mail"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>`
		}},
		{"an AuthnStatement without AuthnInstant", "invalid_time", before(samltest.Replace(` AuthnInstant="`+in(0)+`"`, ""))},

		// the person
		{"no Subject", "subject_missing", func(m *samltest.Message) { m.Subject = samltest.Part("") }},
		{"no NameID", "name_id_missing", subject("")},
		{"an empty NameID", "name_id_blank", subject(`<saml:NameID/>`)},
		{"a blank NameID", "name_id_blank", subject("<saml:NameID> \n\t </saml:NameID>")},
		{"a NameID of blanks that do not look like it", "name_id_blank", subject("<saml:NameID>&#xA0;&#x200B;&#x2003;&#xFEFF;</saml:NameID>")},
		{"a NameID that is a comment", "name_id_blank", subject("<saml:NameID><!-- alice --></saml:NameID>")},
		{"an EncryptedID of nothing", "encryption_malformed", subject(`<saml:EncryptedID/>`)},
		{"an EncryptedID for another key", "decryption_failed", encryptedID(samltest.UsualNameID, &other.PublicKey)},
		{"an EncryptedID that is no NameID", "decryption_failed", encryptedID(`<saml:BaseID/>`, ours)},
		{"an EncryptedID with two NameIDs", "decryption_failed", encryptedID(samltest.UsualNameID+samltest.UsualNameID, ours)},
		{"an EncryptedID with a document type", "decryption_failed", encryptedID(`<!DOCTYPE x>`+samltest.UsualNameID, ours)},
		{"an EncryptedID that is blank", "name_id_blank", encryptedID(`<saml:NameID> </saml:NameID>`, ours)},
		{"a NameID beside an EncryptedID", "unexpected_element", subject(samltest.UsualNameID + samltest.Encryption{}.Element("EncryptedID", samltest.UsualNameID, ours))},
		{"an EncryptedID put in afterwards", "digest_mismatch", after(samltest.Replace(samltest.UsualNameID, samltest.Encryption{}.Element("EncryptedID", samltest.UsualNameID, ours)))},
		{"a BaseID", "name_id_unreadable", subject(`<saml:BaseID/>`)},
		{"two NameIDs", "unexpected_element", subject(samltest.UsualNameID + `<saml:NameID>mallory</saml:NameID>`)},
		{"a NameID of another namespace", "unexpected_element", subject(`<x:NameID xmlns:x="urn:x">alice</x:NameID>`)},
		{"two Subjects", "unexpected_element", func(m *samltest.Message) {
			m.Subject = samltest.Part(`<saml:Subject>%s%s</saml:Subject><saml:Subject><saml:NameID>mallory</saml:NameID></saml:Subject>`, samltest.UsualNameID, m.Bearer())
		}},
		{"a NameID with an element in it", "unexpected_element", subject(`<saml:NameID>alice<x xmlns="urn:x"/></saml:NameID>`)},

		// signatures
		{"another assertion than the Response was signed around, encrypted", "digest_mismatch", func(m *samltest.Message) {
			m.Encryption, m.SignResponse, m.SignBeforeEncryption, m.SignAssertion = &samltest.Encryption{}, true, true, false
			m.Plain = samltest.Replace("alice@example.com", "mallory@example.com")
		}},
		{"RSA-PSS with another salt than it says", "signature_invalid", func(m *samltest.Message) {
			m.Signing.Method, m.Signing.Salt = samltest.More2007+"rsa-pss", 20
		}},
		{"RSA-PSS with a salt, where the algorithm fixes it", "signature_invalid", func(m *samltest.Message) {
			m.Signing.Method, m.Signing.Salt = samltest.More2007+"sha256-rsa-MGF1", 20
		}},
		{"RSA-PSS with a salt of no length", "signature_algorithm_not_allowed", pssWith("<pss:SaltLength>abc</pss:SaltLength>")},
		{"RSA-PSS with a salt below nothing", "signature_algorithm_not_allowed", pssWith("<pss:SaltLength>-1</pss:SaltLength>")},
		{"RSA-PSS with another trailer", "signature_algorithm_not_allowed", pssWith("<pss:TrailerField>2</pss:TrailerField>")},
		{"a key that is not in the metadata", "unknown_key", func(m *samltest.Message) {
			m.Signing.Key, m.Signing.KeyInfo = other, samltest.NewIdPWithKey(t, idpID, other).KeyInfo()
		}},
		{"the same, with our KeyInfo", "signature_invalid", func(m *samltest.Message) { m.Signing.Key = other }},
		{"the same, without KeyInfo", "signature_invalid", func(m *samltest.Message) { m.Signing.Key, m.Signing.KeyInfo = other, "" }},
		{"an attribute changed afterwards", "digest_mismatch", after(samltest.Replace("alice@example.com", "mallory@example.com"))},
		{"a signed Response around a wrong assertion", "digest_mismatch", func(m *samltest.Message) {
			m.SignResponse, m.BeforeOuter = true, samltest.Replace("alice@example.com", "mallory@example.com")
		}},
		{"a wrong Response around a signed assertion", "digest_mismatch", func(m *samltest.Message) {
			m.SignResponse, m.AfterSigning = true, samltest.Replace("<samlp:Status>", "<samlp:Extensions/><samlp:Status>")
		}},
		{"two Signatures", "several_signatures", func(m *samltest.Message) {
			m.Signing.Finished = func(s string) string { return s + s }
		}},
		{"hundreds of Signatures", "several_signatures", func(m *samltest.Message) {
			m.Signing.Finished = func(s string) string { return strings.Repeat(s, 300) }
		}},
		{"an Object in the Signature", "signature_malformed", func(m *samltest.Message) {
			m.Signing.Finished = samltest.Replace(`</ds:Signature>`, `<ds:Object><saml:Assertion ID="_evil"/></ds:Object></ds:Signature>`)
		}},
		{"a foreign element in the Signature", "signature_malformed", func(m *samltest.Message) {
			m.Signing.Finished = samltest.Replace(`</ds:Signature>`, `<x:y xmlns:x="urn:x"/></ds:Signature>`)
		}},
		{"two SignatureValues", "signature_malformed", func(m *samltest.Message) {
			m.Signing.Finished = samltest.Replace(`<ds:SignatureValue>`, `<ds:SignatureValue>AAAA</ds:SignatureValue><ds:SignatureValue>`)
		}},
		{"no SignatureValue", "signature_malformed", func(m *samltest.Message) {
			m.Signing.Finished = func(s string) string {
				return regexp.MustCompile(`<ds:SignatureValue>.*</ds:SignatureValue>`).ReplaceAllString(s, "")
			}
		}},
		{"an empty SignatureValue", "signature_malformed", func(m *samltest.Message) {
			m.Signing.Finished = func(s string) string {
				return regexp.MustCompile(`<ds:SignatureValue>.*</ds:SignatureValue>`).ReplaceAllString(s, "<ds:SignatureValue/>")
			}
		}},
		{"two References, one bad", "signature_malformed", func(m *samltest.Message) {
			m.Signing.Reference = func(s string) string { return s + strings.Replace(s, "#_assertion", "#_response", 1) }
		}},
		{"a SignedInfo of thousands of elements", "signature_malformed", func(m *samltest.Message) {
			m.Signing.Reference = func(s string) string {
				return strings.Replace(s, `<ds:Transforms>`, `<ds:Transforms>`+strings.Repeat("<x/>", 2000), 1)
			}
		}},
		{"no Reference", "signature_malformed", func(m *samltest.Message) { m.Signing.Reference = func(string) string { return "" } }},
		{"a Reference to the whole document", "reference_mismatch", uri("")},
		{"a Reference without #", "reference_mismatch", uri("_assertion")},
		{"a Reference to another element", "reference_mismatch", uri("#_response")},
		{"a Reference by XPointer", "reference_mismatch", uri("#xpointer(id('_assertion'))")},
		{"a Reference without URI", "reference_mismatch", func(m *samltest.Message) {
			m.Signing.Reference = func(s string) string { return regexp.MustCompile(` URI="[^"]*"`).ReplaceAllString(s, "") }
		}},
		{"no transforms", "transform_not_allowed", transforms(" ", excl)},
		{"no enveloped signature", "transform_not_allowed", transforms(exclusive, excl)},
		{"the transforms in another order", "transform_not_allowed", transforms(exclusive+enveloped, excl)},
		{"hundreds of transforms", "transform_not_allowed", transforms(enveloped+strings.Repeat(exclusive, 300), excl)},
		{"XPath", "transform_not_allowed", transforms(enveloped+`<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>false()</ds:XPath></ds:Transform>`, excl)},
		{"XSLT", "transform_not_allowed", transforms(`<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>`, excl)},
		{"inclusive canonicalisation before the enveloped signature", "transform_not_allowed", transforms(`<ds:Transform Algorithm="`+samltest.Inclusive+`"/>`+enveloped, xmltree.Form{})},
		{"inclusive canonicalisation with a prefix list", "transform_not_allowed", transforms(enveloped+`<ds:Transform Algorithm="`+samltest.Inclusive+`"><ec:InclusiveNamespaces xmlns:ec="`+samltest.Exclusive+`" PrefixList="xs"/></ds:Transform>`, xmltree.Form{})},
		{"two canonicalisations", "transform_not_allowed", transforms(enveloped+`<ds:Transform Algorithm="`+samltest.Inclusive+`"/>`+exclusive, excl)},
		{"an inclusive digest under the exclusive name", "digest_mismatch", transforms(enveloped+exclusive, xmltree.Form{})},
		{"comments in the digest of a form with comments", "digest_mismatch", func(m *samltest.Message) { // F40: a reference by ID selects none
			transforms(enveloped+`<ds:Transform Algorithm="`+samltest.Inclusive+`#WithComments"/>`, xmltree.Form{Comments: true})(m)
			m.BeforeSigning = samltest.Replace(`<saml:AuthnStatement `, `<!-- hello --><saml:AuthnStatement `)
		}},
		{"an attribute changed after inclusive signing", "digest_mismatch", func(m *samltest.Message) { // F40
			transforms(enveloped+`<ds:Transform Algorithm="`+samltest.Inclusive+`"/>`, xmltree.Form{})(m)
			m.AfterSigning = samltest.Replace("alice@example.com", "mallory@example.com")
		}},
		{"a prefix bound outside after inclusive signing", "digest_mismatch", func(m *samltest.Message) { // F40
			transforms(enveloped+`<ds:Transform Algorithm="`+samltest.Inclusive+`"/>`, xmltree.Form{})(m)
			m.AfterSigning = samltest.Replace(`<samlp:Response `, `<samlp:Response xmlns:x="urn:x" `)
		}},
		{"a transform with content", "transform_not_allowed", transforms(`<ds:Transform Algorithm="`+samltest.Enveloped+`"><x/></ds:Transform>`+exclusive, excl)},
		{"HMAC with the public key", "signature_algorithm_not_allowed", func(m *samltest.Message) { m.Signing.Method = samltest.More + "hmac-sha256" }},
		{"MD5", "signature_algorithm_not_allowed", func(m *samltest.Message) { m.Signing.Method = samltest.More + "rsa-md5" }},
		{"an unknown digest", "digest_algorithm_not_allowed", func(m *samltest.Message) {
			m.Signing.Reference = samltest.Replace(samltest.Enc+"sha256", samltest.More+"md5")
		}},
		{"an unknown canonicalisation", "canonicalization_not_allowed", func(m *samltest.Message) { m.Signing.C14N = "urn:none" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := b.refuses(t, b.with(t, tc.change), tc.reason)
			if len([]rune(r.Detail())) > 500 || strings.ContainsAny(r.Detail(), "\n\r\x1b") {
				t.Errorf("got detail %q, want one line of at most 500 characters", r.Detail())
			}
		})
	}
}

// S26: another element than the signed one must
// never be read, wherever it stands.
func TestOnlySignedElementsAreRead(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	base := b.message()
	forged := evil(base)
	signedOne := regexp.MustCompile(`<saml:Assertion .*</saml:Assertion>`)
	move := func(into string) func(string) string {
		return func(s string) string {
			original := signedOne.FindString(s)
			return strings.Replace(s, original, strings.ReplaceAll(into, "{signed}", samltest.Replace(`<saml:Assertion `, `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" `)(original)), 1)
		}
	}
	withinEvil := func(where string) string {
		return strings.Replace(forged, where, where+"{signed}", 1)
	}
	for name, edit := range map[string]func(string) string{
		"forged first": move(forged + "{signed}"),
		"forged last":  move("{signed}" + forged),
		"signed in extensions": func(s string) string {
			return samltest.Replace("<samlp:Status>", "<samlp:Extensions>"+signedOne.FindString(s)+"</samlp:Extensions><samlp:Status>")(move(forged)(s))
		},
		"signed inside the forged":   move(withinEvil(idpID + "</saml:Issuer>")),
		"signed in forged advice":    move(strings.Replace(forged, "<saml:AuthnStatement ", "<saml:Advice>{signed}</saml:Advice><saml:AuthnStatement ", 1)),
		"signed in forged attribute": move(strings.Replace(forged, "mallory@example.com", "mallory@example.com{signed}", 1)),
		"signature moved": func(s string) string {
			signature := regexp.MustCompile(`<ds:Signature .*</ds:Signature>`).FindString(s)
			return strings.Replace(strings.Replace(s, signature, "", 1), signedOne.FindString(strings.Replace(s, signature, "", 1)), strings.Replace(forged, "</saml:Issuer>", "</saml:Issuer>"+signature, 1), 1)
		},
		"signature moved, ID taken over": func(s string) string {
			signature := regexp.MustCompile(`<ds:Signature .*</ds:Signature>`).FindString(s)
			twin := strings.Replace(strings.Replace(forged, "</saml:Issuer>", "</saml:Issuer>"+signature, 1), evilID, "_assertion", 1)
			return strings.Replace(s, signedOne.FindString(s), twin, 1)
		},
		"signed in the forged one's Object": func(s string) string {
			signature := regexp.MustCompile(`<ds:Signature .*</ds:Signature>`).FindString(s)
			inner := strings.Replace(signature, "</ds:Signature>", "<ds:Object>"+strings.Replace(signedOne.FindString(s), signature, "", 1)+"</ds:Object></ds:Signature>", 1)
			return strings.Replace(s, signedOne.FindString(s), strings.Replace(forged, "</saml:Issuer>", "</saml:Issuer>"+inner, 1), 1)
		},
		"a prefix rebound for an extension": func(s string) string {
			return samltest.Replace("<samlp:Status>", `<samlp:Extensions xmlns:saml="urn:x" xmlns:x="urn:oasis:names:tc:SAML:2.0:assertion"><x:Subject/></samlp:Extensions><samlp:Status>`)(s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := base
			m.AfterSigning = edit
			assertion, err := b.verify(t, m.Encode())
			if err == nil && assertion.Subject.Email().String() != "alice@example.com" {
				t.Fatalf("got %s, want alice@example.com or a refusal", assertion.Subject.Email())
			}
		})
	}
	t.Run("an encrypted twin", func(t *testing.T) {
		raw := b.with(t, encrypted(samltest.Encryption{}), func(m *samltest.Message) { m.Plain = func(string) string { return forged } })
		b.refuses(t, raw, "unsigned")
	})
	t.Run("a foreign prefix in the assertion made SAML's by the outside", func(t *testing.T) {
		// The identity provider signed an extension point; the prefix x is
		// bound inside what it signed and cannot be bound anew from outside.
		raw := b.with(t, func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string {
				s = samltest.Replace(`<samlp:Response `, `<samlp:Response xmlns:x="urn:x" `)(s)
				return samltest.Replace(`<saml:SubjectConfirmationData `, `<saml:SubjectConfirmationData x:Recipient="https://evil.test" `)(s)
			}
			m.AfterSigning = samltest.Replace(`xmlns:x="urn:x"`, `xmlns:x="urn:y"`)
		})
		b.refuses(t, raw, "digest_mismatch")
	})
	t.Run("a prefix that only the cipher text uses is not bound to SAML from outside", func(t *testing.T) {
		rebind := func(uri string) string {
			return b.with(t, encrypted(samltest.Encryption{}), func(m *samltest.Message) {
				m.SignAssertion, m.SignResponse = false, true
				m.BeforeSigning = samltest.Replace(`<samlp:Response `, `<samlp:Response xmlns:x="urn:x" `)
				m.Plain = samltest.Replace(`<saml:AuthnStatement `, `<x:Advice/><saml:AuthnStatement `)
				m.AfterSigning = samltest.Replace(`xmlns:x="urn:x"`, `xmlns:x="`+uri+`"`)
			})
		}
		b.refuses(t, rebind("urn:x"), "unexpected_element")
		b.refuses(t, rebind("urn:oasis:names:tc:SAML:2.0:assertion"), "decryption_failed")
	})
}

func TestCommentsDoNotCutText(t *testing.T) { // S29
	b := newBench(t, samltest.NewIdP(t, idpID))
	for name, mail := range map[string]string{
		"a comment":      "alice@example.com<!-- -->.evil.test",
		"an empty one":   "alice@example.com<!---->.evil.test",
		"an instruction": "alice@example.com<?x?>.evil.test",
		"CDATA":          "alice@example.com<![CDATA[.evil.test]]>",
	} {
		t.Run(name+" in the attribute", func(t *testing.T) {
			b.refuses(t, b.with(t, func(m *samltest.Message) { m.Mail = mail }), "domain_not_allowed")
		})
		t.Run(name+" in the NameID", func(t *testing.T) {
			b.refuses(t, b.with(t, func(m *samltest.Message) {
				m.Statement = samltest.Part("")
				m.NameID = `<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">` + mail + `</saml:NameID>`
			}), "domain_not_allowed")
		})
		t.Run(name+" put in afterwards", func(t *testing.T) {
			raw := b.with(t, func(m *samltest.Message) {
				m.AfterSigning = samltest.Replace(">alice@example.com<", ">alice"+strings.TrimSuffix(strings.TrimPrefix(mail, "alice@example.com"), ".evil.test")+"@example.com<")
			})
			if assertion, err := b.verify(t, raw); err == nil && assertion.Subject.Email().String() != "alice@example.com" {
				t.Fatalf("got %s, want alice@example.com or a refusal", assertion.Subject.Email())
			}
		})
	}
}

// Any sender can encrypt to a published certificate, so none of this needs an
// identity provider.
func TestBrokenEncryptionIsRefusedWithoutPanic(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID), change{source: func(s *connection.SAMLSettings) { s.AllowRSA15, s.AllowTripleDES = true, true }})
	cut := func(n int) func([]byte) []byte {
		return func(o []byte) []byte { return o[:min(n, len(o))] }
	}
	for name, e := range map[string]samltest.Encryption{
		"CBC of partial blocks":          {Content: samltest.Enc + "aes128-cbc", Octets: cut(33)},
		"CBC of the vector alone":        {Content: samltest.Enc + "aes128-cbc", Octets: cut(16)},
		"CBC shorter than its vector":    {Content: samltest.Enc + "aes128-cbc", Octets: cut(7)},
		"CBC with a padding of 0":        {Content: samltest.Enc + "aes128-cbc", Octets: cut(32)},
		"GCM shorter than its nonce":     {Octets: cut(11)},
		"GCM of the nonce alone":         {Octets: cut(12)},
		"GCM changed":                    {Octets: func(o []byte) []byte { o[20] ^= 1; return o }},
		"a 3DES key of 8 octets":         {Content: samltest.Enc + "tripledes-cbc", Key: make([]byte, 8)},
		"an AES key of the wrong size":   {Content: samltest.Enc11 + "aes256-gcm", Key: make([]byte, 16)},
		"a key for another":              {Wrapped: func(o []byte) []byte { o[5] ^= 1; return o }},
		"a short wrapped key":            {Wrapped: cut(5)},
		"RSA 1.5, a broken key":          {Transport: samltest.Enc + "rsa-1_5", Wrapped: func(o []byte) []byte { o[5] ^= 1; return o }},
		"RSA 1.5, a key of another size": {Transport: samltest.Enc + "rsa-1_5", Key: make([]byte, 16)},
		"OAEP with a label we do not get": {Label: []byte("x"), Finished: func(s string) string {
			return regexp.MustCompile(`<xenc:OAEPparams>.*</xenc:OAEPparams>`).ReplaceAllString(s, "")
		}},
	} {
		t.Run(name, func(t *testing.T) { b.refuses(t, b.with(t, encrypted(e)), "decryption_failed") })
	}
	for name, plain := range map[string]string{
		"blank": "  ", "nothing": "", "a comment": "<!-- x -->", "text": "hello", "an instruction": "<?x y?>", "an open tag": "<saml:Assertion>",
		"two assertions": "<saml:Assertion/><saml:Assertion/>", "a Response": "<samlp:Response/>", "a foreign element": `<saml:Assertion xmlns:saml="urn:x"/>`,
		"a DTD": `<!DOCTYPE x><saml:Assertion/>`, "deep": strings.Repeat("<saml:Assertion>", 30000),
	} {
		t.Run("plain text that is "+name, func(t *testing.T) {
			b.refuses(t, b.with(t, encrypted(samltest.Encryption{}), func(m *samltest.Message) { m.Plain = func(string) string { return plain } }), "decryption_failed")
		})
	}
	for name, tc := range map[string]struct {
		e      samltest.Encryption
		reason string
	}{
		"no cipher value": {samltest.Encryption{Finished: func(s string) string { return strings.ReplaceAll(s, "CipherValue", "CipherVolue") }}, "encryption_malformed"},
		"empty cipher values": {samltest.Encryption{Finished: func(s string) string {
			return regexp.MustCompile(`<xenc:CipherValue>[^<]*<`).ReplaceAllString(s, "<xenc:CipherValue><")
		}}, "encryption_malformed"},
		"a CipherReference": {samltest.Encryption{Finished: func(s string) string {
			return regexp.MustCompile(`<xenc:CipherValue>[^<]*</xenc:CipherValue>`).ReplaceAllString(s, `<xenc:CipherReference URI="http://127.0.0.1:1/x"/>`)
		}}, "encryption_malformed"},
		"no key": {samltest.Encryption{Finished: func(s string) string {
			return regexp.MustCompile(`<ds:KeyInfo>.*</ds:KeyInfo>`).ReplaceAllString(s, "")
		}}, "encryption_malformed"},
		"many keys":              {samltest.Encryption{MoreKeys: many(&samltest.RSAKey(t, 20).PublicKey, 20)}, "encryption_malformed"},
		"two EncryptedData":      {samltest.Encryption{Finished: func(s string) string { return s + s }}, "encryption_malformed"},
		"content instead":        {samltest.Encryption{Type: samltest.Part(samltest.Enc + "Content")}, "encryption_malformed"},
		"an unknown cipher":      {samltest.Encryption{Finished: samltest.Replace("aes256-gcm", "aes257-gcm")}, "encryption_algorithm_not_allowed"},
		"no cipher":              {samltest.Encryption{Finished: samltest.Replace(`<xenc:EncryptionMethod Algorithm="`+samltest.Enc11+`aes256-gcm"/>`, "")}, "encryption_algorithm_not_allowed"},
		"an unknown transport":   {samltest.Encryption{Finished: samltest.Replace("rsa-oaep-mgf1p", "kw-aes256")}, "encryption_algorithm_not_allowed"},
		"an unknown OAEP digest": {samltest.Encryption{Digest: samltest.Enc + "sha256", Finished: samltest.Replace("xmlenc#sha256", "xmlenc#ripemd160")}, "encryption_algorithm_not_allowed"},
		"an unknown MGF":         {samltest.Encryption{Transport: samltest.Enc11 + "rsa-oaep", MGF: samltest.Enc11 + "mgf1md5"}, "encryption_algorithm_not_allowed"},
	} {
		t.Run(name, func(t *testing.T) { b.refuses(t, b.with(t, encrypted(tc.e)), tc.reason) })
	}
}

func many(key *rsa.PublicKey, n int) []*rsa.PublicKey {
	out := make([]*rsa.PublicKey, n)
	for i := range out {
		out[i] = key
	}
	return out
}

func TestLargeDocumentsAreRefused(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	response := func(inside string) string {
		return samltest.Encode(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><samlp:Extensions>` + inside + `</samlp:Extensions></samlp:Response>`)
	}
	var names, spaces, decls strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&names, ` a%d="x"`, i)
		fmt.Fprintf(&spaces, ` xmlns:a%d="urn:%d"`, i, i)
	}
	for i := range 90 {
		fmt.Fprintf(&decls, `<a xmlns:p%d="u" xmlns:q%d="u">`, i, i)
	}
	for name, tc := range map[string]struct{ raw, reason string }{
		"40,000 elements in one another": {response(strings.Repeat("<a>", 40000)), "xml_too_deep"},
		"100,000 elements":               {response(strings.Repeat("<a/>", 100000)), "xml_too_many_elements"},
		"5,000 attributes":               {response("<a" + names.String() + "/>"), "xml_too_many_attributes"},
		"5,000 namespaces":               {response("<a" + spaces.String() + "/>"), "xml_too_many_attributes"},
		"180 namespaces in scope":        {response(decls.String()), "xml_too_many_namespaces"},
		"a field over two mebibytes":     {strings.Repeat("A", 2<<20+4), "xml_too_large"},
		"two mebibytes of ampersands":    {response(strings.Repeat("&amp;", 300000)), "status_missing"},
		"two mebibytes of open brackets": {samltest.Encode(strings.Repeat("<", 1500000)), "xml_malformed"},
		"45,000 comments":                {response(strings.Repeat("<!---->", 45000)), "status_missing"},
		"192,000 attributes":             {response(strings.Repeat("<a "+strings.Join(strings.Fields(names.String())[:64], " ")+"/>", 3000)), "status_missing"},
		"45,000 Issuers":                 {samltest.Encode(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><samlp:Status/>` + strings.Repeat("<saml:Issuer/>", 45000) + `</samlp:Response>`), "invalid_time"},
		"nothing":                        {"", "not_base64"},
		"no base64":                      {"<samlp:Response/>", "not_base64"},
		"no XML":                         {base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xFF}, 1000)), "xml_encoding"},
		"a deflated message":             {base64.StdEncoding.EncodeToString([]byte("\x7d\x52\xcb\x6e\xdb\x30")), "xml_encoding"}, // S48
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			b.refuses(t, tc.raw, tc.reason)
			runtime.ReadMemStats(&after)
			if got, most := after.TotalAlloc-before.TotalAlloc, uint64(64<<20); got > most {
				t.Errorf("got %d octets allocated, want at most %d", got, most)
			}
		})
	}
}

func TestDenialIsReported(t *testing.T) { // S46
	b := newBench(t, samltest.NewIdP(t, idpID))
	denial := func(m *samltest.Message) {
		m.Status = `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:RequestDenied"/></samlp:StatusCode>` +
			"<samlp:StatusMessage>No &lt;b&gt;entry&lt;/b&gt;\n\u202e" + strings.Repeat("x", 5000) + `</samlp:StatusMessage></samlp:Status>`
		m.BeforeSigning = func(s string) string {
			return regexp.MustCompile(`<saml:Assertion .*</saml:Assertion>`).ReplaceAllString(s, "")
		}
		m.SignAssertion = false
	}
	signedToo := func(m *samltest.Message) { m.SignResponse = true }
	r := b.refuses(t, b.with(t, denial), "idp_denied")
	if !strings.HasPrefix(r.Received, "Responder / RequestDenied: No <b>entry</b> ·x") || len([]rune(r.Received)) > 250 {
		t.Errorf("got %q, want the status and a cut message", r.Received)
	}
	b.refuses(t, b.with(t, denial, signedToo), "idp_denied")
	b.refuses(t, b.with(t, denial, signedToo, func(m *samltest.Message) { m.Signing.Key = samltest.RSAKey(t, 1) }), "signature_invalid")
	b.refuses(t, b.with(t, denial, func(m *samltest.Message) { m.Request.RequestID = "_other" }), "in_response_to_mismatch")
	b.refuses(t, b.with(t, denial, func(m *samltest.Message) { m.Destination = "https://other.test" }), "destination_mismatch")
	b.refuses(t, b.with(t, func(m *samltest.Message) {
		m.Status = `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Requester"/></samlp:Status>`
	}), "idp_denied")
}

// F47
func TestInvalidNameIDPolicyNamesTheSetting(t *testing.T) {
	for format, want := range map[string]string{
		"":     "Success (the request asks for NameID format urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress; set name_id_format",
		"none": "Success (the request asks for no NameID format; set name_id_format",
	} {
		b := newBench(t, samltest.NewIdP(t, idpID), change{source: func(s *connection.SAMLSettings) { s.NameIDFormat = format }})
		r := b.refuses(t, b.with(t, func(m *samltest.Message) {
			m.Status = `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Requester">` +
				`<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy"/></samlp:StatusCode></samlp:Status>`
		}), "idp_denied")
		if !strings.HasPrefix(r.Expected, want) || r.Received != "Requester / InvalidNameIDPolicy" {
			t.Errorf("got %v, want %q", r, want)
		}
	}
}
