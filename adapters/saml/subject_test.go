package saml_test

import (
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
)

const (
	oidMail  = "urn:oid:0.9.2342.19200300.100.1.3"
	claim    = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
	maceMail = "urn:mace:dir:attribute-def:mail"
)

func named(name string, values ...string) string {
	return `<saml:Attribute Name="` + name + `"><saml:AttributeValue>` + strings.Join(values, `</saml:AttributeValue><saml:AttributeValue>`) + `</saml:AttributeValue></saml:Attribute>`
}

func friendly(name string, value string) string {
	return strings.Replace(named("urn:unknown", value), `Name=`, `FriendlyName="`+name+`" Name=`, 1)
}

func TestTheAddressIsFoundInTheContractsOrder(t *testing.T) { // S41, S44
	emailID := func(value string) string {
		return `<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">` + value + `</saml:NameID>`
	}
	for _, tc := range []struct {
		name       string
		override   string
		attributes string
		nameID     string
		want       string // an address, or the reason of a refusal
	}{
		{"OID", "", named(oidMail, "alice@example.com"), "", "alice@example.com"},
		{"claim", "", named(claim, "alice@example.com"), "", "alice@example.com"},
		{"mace", "", named(maceMail, "alice@example.com"), "", "alice@example.com"},
		{"mail", "", named("mail", "alice@example.com"), "", "alice@example.com"},
		{"Email, any case", "", named("eMail", "alice@example.com"), "", "alice@example.com"},
		{"EmailAddress, any case", "", named("EMAILADDRESS", "alice@example.com"), "", "alice@example.com"},
		{"friendly name only", "", friendly("mail", "alice@example.com"), "", "alice@example.com"},
		{"blanks and capitals", "", named("mail", " Alice@Example.COM\n"), "", "alice@example.com"},
		{"OID before claim", "", named(claim, "b@example.com") + named(oidMail, "a@example.com"), "", "a@example.com"},
		{"claim before mace", "", named(maceMail, "b@example.com") + named(claim, "a@example.com"), "", "a@example.com"},
		{"mail before email", "", named("email", "b@example.com") + named("mail", "a@example.com"), "", "a@example.com"},
		{"names before friendly names", "", friendly("mail", "b@example.com") + named("emailAddress", "a@example.com"), "", "a@example.com"},
		{"attributes before the NameID", "", named("mail", "a@example.com"), emailID("b@example.com"), "a@example.com"},
		{"the override first", "upn", named("mail", "b@example.com") + named("upn", "a@example.com"), "", "a@example.com"},
		{"the override by friendly name", "upn", named("mail", "b@example.com") + friendly("upn", "a@example.com"), "", "a@example.com"},
		{"without the override the usual ones", "upn", named("mail", "b@example.com"), "", "b@example.com"},
		{"an e-mail NameID", "", "", emailID("alice@example.com"), "alice@example.com"},
		{"an unspecified NameID that is an address", "", "", strings.Replace(samltest.UsualNameID, ">alice<", ">alice@example.com<", 1), "alice@example.com"},
		{"a NameID without format that is an address", "", "", `<saml:NameID>alice@example.com</saml:NameID>`, "alice@example.com"},
		{"a persistent NameID that looks like one", "", "", `<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice@example.com</saml:NameID>`, "email_missing"},
		{"a transient NameID that looks like one", "", "", `<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">alice@example.com</saml:NameID>`, "email_missing"},
		{"of several values the first of ours", "", named("mail", "alice@other.test", "alice@example.com", "bob@example.com"), "", "alice@example.com"},
		{"of several attributes the first of ours", "", named("mail", "alice@other.test") + named("email", "alice@example.com"), "", "alice@example.com"},
		{"another domain, whatever the NameID says", "", named("mail", "alice@other.test"), emailID("alice@example.com"), "domain_not_allowed"},
		{"another domain in the override, whatever the usual ones say", "upn", named("upn", "alice@other.test") + named("mail", "alice@example.com"), "", "domain_not_allowed"},
		{"a NameID where the attribute is no address", "", named("mail", "n/a"), emailID("alice@example.com"), "alice@example.com"},
		{"a comment that hides another domain", "", named("mail", "alice@example.com<!-- -->.evil.test"), emailID("alice@example.com"), "domain_not_allowed"},
		{"another domain", "", named("mail", "alice@other.test"), "", "domain_not_allowed"},
		{"a sub-domain", "", named("mail", "alice@sub.example.com"), "", "domain_not_allowed"},
		{"a domain that ends like ours", "", named("mail", "alice@badexample.com"), "", "domain_not_allowed"},
		{"nothing", "", "", "", "email_missing"},
		{"an empty value", "", named("mail", ""), "", "email_missing"},
		{"a guest's user name", "", named("mail", "alice_example.com#EXT#@example.com"), "", "email_missing"},
		{"a guest's user name and the claim", "upn", named("upn", "alice_other.test#EXT#@example.com") + named(claim, "alice@example.com"), "", "alice@example.com"},
		{"an address in words", "", named("mail", "Alice &lt;alice@example.com&gt;"), "", "email_missing"},
		{"two addresses in one value", "", named("mail", "alice@example.com,bob@example.com"), "", "email_missing"},
		{"an element in the value", "", named("mail", "<x>alice@example.com</x>"), "", "email_missing"},
		{"an attribute of another namespace", "", `<saml:Attribute xmlns:x="urn:x" Name="n" x:Name="mail" x:FriendlyName="mail"><saml:AttributeValue>alice@example.com</saml:AttributeValue></saml:Attribute>`, "", "email_missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, samltest.NewIdP(t, idpID), change{settings: func(s *connection.Settings) { s.EmailAttribute = tc.override }})
			statement := ""
			if tc.attributes != "" {
				statement = `<saml:AttributeStatement>` + tc.attributes + `</saml:AttributeStatement>`
			}
			assertion, err := b.verify(t, b.with(t, func(m *samltest.Message) { m.Statement, m.NameID = &statement, tc.nameID }))
			got := assertion.Subject.Email().String()
			if err != nil {
				got = reason(err)
			}
			if got != tc.want {
				t.Errorf("got %q (%v), want %q", got, err, tc.want)
			}
		})
	}
}

func TestTheSubjectIsTheIssuersPerson(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID), change{settings: func(s *connection.Settings) { s.Domains = []string{"*"} }})
	assertion, err := b.verify(t, b.with(t, func(m *samltest.Message) {
		m.Mail, m.NameID = "somebody@anywhere.test", `<saml:NameID>  s-1-5 </saml:NameID>`
	}))
	if err != nil {
		t.Fatal(err)
	}
	if subject := assertion.Subject; subject.Issuer() != idpID || subject.NameID() != "s-1-5" || subject.Email().String() != "somebody@anywhere.test" {
		t.Errorf("signed in %+v", subject)
	}
}
