package saml_test

import (
	"crypto"
	"fmt"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// constructed are the responses of products that cannot run here, in the shape that
// their documentation shows. They are made by samltest and not recorded: what they
// have of the products is which element is signed, the names and formats, the
// algorithms and the order of elements. Recorded ones are in testdata/vendors.
var constructed = []struct {
	product, what string
	change        func(*samltest.Message)
}{
	{"Okta", "both signed", both(nameID("emailAddress", "alice@example.com"), attributes("email"))},
	{"Okta", "the assertion signed, no attributes", shaped(nameID("emailAddress", "alice@example.com"), attributes(""))},
	{"Okta", "encrypted", both(nameID("emailAddress", "alice@example.com"), attributes("email"), encrypted(samltest.Encryption{Content: samltest.Enc + "aes256-cbc", Transport: samltest.Enc + "rsa-oaep-mgf1p"}))},
	{"Entra ID", "the assertion signed", shaped(nameID("emailAddress", "alice@example.com"), attributes("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"), claims)},
	{"Entra ID", "the response signed", outerOnly(nameID("persistent", "Kq0x7yZ"), attributes("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"), claims)},
	{"Entra ID", "encrypted", shaped(nameID("persistent", "Kq0x7yZ"), attributes("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"), claims, encrypted(samltest.Encryption{Content: samltest.Enc + "aes256-cbc", Transport: samltest.Enc + "rsa-oaep-mgf1p", Digest: samltest.DSig + "sha1"}))},
	{"Google Workspace", "both signed", both(nameID("emailAddress", "alice@example.com"), attributes("email"))},
	{"Google Workspace", "the assertion signed, no attributes", shaped(nameID("unspecified", "alice@example.com"), attributes(""))},
	{"AD FS", "the assertion signed", shaped(nameID("emailAddress", "alice@example.com"), attributes("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"), claims)},
	{"AD FS", "both signed and encrypted, the key beside", both(nameID("emailAddress", "alice@example.com"), attributes("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"), encrypted(samltest.Encryption{Content: samltest.Enc + "aes256-cbc", Transport: samltest.Enc + "rsa-oaep-mgf1p"}))},
	{"AD FS", "SHA-512", shaped(nameID("emailAddress", "alice@example.com"), func(m *samltest.Message) {
		m.Signing.Method, m.Signing.Digest = samltest.More+"rsa-sha512", samltest.Enc+"sha512"
	})},
	{"PingOne", "both signed", both(nameID("emailAddress", "alice@example.com"), attributes("emailAddress"))},
	{"PingFederate", "encrypted with GCM", shaped(nameID("unspecified", "alice"), attributes("mail"), encrypted(samltest.Encryption{Content: samltest.Enc11 + "aes128-gcm", Transport: samltest.Enc11 + "rsa-oaep", Digest: samltest.Enc + "sha256", MGF: samltest.Enc11 + "mgf1sha256", MGFHash: crypto.SHA256}))},
	{"OneLogin", "the response signed", outerOnly(nameID("emailAddress", "alice@example.com"), attributes("User.email"), attributes("email"))},
	{"OneLogin", "both signed, inclusive canonicalisation", both(nameID("emailAddress", "alice@example.com"), inclusive)},
	{"JumpCloud", "both signed", both(nameID("emailAddress", "alice@example.com"), attributes("email"))},
	{"JumpCloud", "several audiences", shaped(nameID("emailAddress", "alice@example.com"), audiences)},
	{"Keycloak", "both signed", both(nameID("emailAddress", "alice@example.com"), attributes("urn:oid:1.2.840.113549.1.9.1"))},
	{"Keycloak", "encrypted", shaped(nameID("persistent", "G-7f3a"), attributes("email"), encrypted(samltest.Encryption{Content: samltest.Enc + "aes128-cbc", Transport: samltest.Enc + "rsa-oaep-mgf1p"}))},
	{"Shibboleth", "the response signed, encrypted", outerOnly(nameID("persistent", "AAdzZWNyZXQ"), attributes("urn:oid:0.9.2342.19200300.100.1.3"), encrypted(samltest.Encryption{Content: samltest.Enc11 + "aes128-gcm", Transport: samltest.Enc + "rsa-oaep-mgf1p"}))},
	{"Shibboleth", "signed before it was encrypted", both(nameID("persistent", "AAdzZWNyZXQ"), attributes("urn:mace:dir:attribute-def:mail"), encrypted(samltest.Encryption{}), func(m *samltest.Message) { m.SignBeforeEncryption = true })},
	{"a directory with many groups", "46 kB", sized(46)},
	{"a directory with many groups", "300 kB, both signed", both(sized(300))},
	{"a directory with many groups", "300 kB, encrypted", shaped(sized(300), encrypted(samltest.Encryption{}))},
	{"a directory with many groups", "600 kB, the response signed", outerOnly(sized(600))},
	{"a directory with many groups", "600 kB, both signed and encrypted", both(sized(600), encrypted(samltest.Encryption{}))},
}

func shaped(changes ...func(*samltest.Message)) func(*samltest.Message) {
	return func(m *samltest.Message) {
		for _, change := range changes {
			change(m)
		}
	}
}

func both(changes ...func(*samltest.Message)) func(*samltest.Message) {
	return shaped(append(changes, func(m *samltest.Message) { m.SignResponse = true })...)
}

func outerOnly(changes ...func(*samltest.Message)) func(*samltest.Message) {
	return shaped(append(changes, func(m *samltest.Message) { m.SignResponse, m.SignAssertion = true, false })...)
}

func nameID(format, value string) func(*samltest.Message) {
	version := "2.0"
	if format == "emailAddress" || format == "unspecified" {
		version = "1.1"
	}
	return func(m *samltest.Message) {
		m.NameID = fmt.Sprintf(`<saml:NameID Format="urn:oasis:names:tc:SAML:%s:nameid-format:%s">%s</saml:NameID>`, version, format, value)
	}
}

// attributes gives the address that name, and no statement at all without a name.
func attributes(name string) func(*samltest.Message) {
	return func(m *samltest.Message) {
		m.Statement = samltest.Part("")
		if name != "" {
			m.Statement = samltest.Part(`<saml:AttributeStatement><saml:Attribute Name="%s"><saml:AttributeValue>alice@example.com</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`, name)
		}
	}
}

// claims are those that WS-Federation's products send besides.
func claims(m *samltest.Message) {
	const tenant = `<saml:Attribute Name="http://schemas.microsoft.com/identity/claims/%s"><saml:AttributeValue>%s</saml:AttributeValue></saml:Attribute>`
	m.Statement = samltest.Part("%s", strings.Replace(*m.Statement, "</saml:AttributeStatement>",
		fmt.Sprintf(tenant, "tenantid", "00000000-0000-0000-0000-000000000000")+fmt.Sprintf(tenant, "displayname", "Alice Example")+"</saml:AttributeStatement>", 1))
}

func inclusive(m *samltest.Message) {
	m.Signing.C14N = samltest.Inclusive
	m.Signing.Transforms = `<ds:Transform Algorithm="` + samltest.Enveloped + `"/><ds:Transform Algorithm="` + samltest.Inclusive + `"/>`
	m.Signing.Form = &xmltree.Form{}
}

func audiences(m *samltest.Message) {
	m.Conditions = samltest.Part(`<saml:Conditions NotBefore="%s" NotOnOrAfter="%s">%s</saml:Conditions>`,
		samltest.Stamp(m.Request.At), samltest.Stamp(m.Request.At.Add(5*60e9)), samltest.AudienceRestriction("https://other.test", m.Request.Audience, "urn:third"))
}

// sized adds groups until the document has so many thousand characters.
func sized(kB int) func(*samltest.Message) {
	return func(m *samltest.Message) {
		const value = `<saml:AttributeValue>CN=A group with a long name,OU=Groups,DC=example,DC=com</saml:AttributeValue>`
		m.Attributes = `<saml:Attribute Name="groups">` + strings.Repeat(value, kB*1000/len(value)) + `</saml:Attribute>`
	}
}

func TestConstructedResponsesOfProductsAreAccepted(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	for _, c := range constructed {
		t.Run(c.product+", "+c.what, func(t *testing.T) {
			raw := b.with(t, c.change)
			b.accepts(t, raw)
			b.refuses(t, b.with(t, c.change, func(m *samltest.Message) { m.Signing.Key = samltest.RSAKey(t, 1) }), "signature_invalid")
			b.refuses(t, b.with(t, c.change, func(m *samltest.Message) { m.Request.RequestID = "_other" }), "in_response_to_mismatch")
		})
	}
}
