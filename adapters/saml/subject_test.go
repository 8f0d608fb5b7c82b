package saml_test

import (
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
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

func TestEmailSourcesAreTriedInOrder(t *testing.T) { // S41, S44
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

func TestAForeignDomainIsNamedOnce(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID), change{})
	statement := `<saml:AttributeStatement>` + named("mail", "a@other.test", "b@other.test", "c@third.test") + `</saml:AttributeStatement>`
	response := b.with(t, func(m *samltest.Message) { m.Statement = &statement })
	if got := b.refuses(t, response, "domain_not_allowed").Received; got != "other.test third.test" {
		t.Errorf("got %q received, want other.test third.test", got)
	}
}

// F42: the names of what came are shown, the values are not.
func TestMissingEmailNamesWhatCame(t *testing.T) {
	for name, tc := range map[string]struct {
		override, attributes, nameID string
		expected, received           string
	}{
		"nothing": {
			"", "", "", "an e-mail address in one of the usual attributes or in the NameID",
			"no attributes, a NameID of format urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
		},
		"a mistyped override": {
			"emial", named("sn", "Personal") + friendly("displayName", "Personal"), `<saml:NameID>personal</saml:NameID>`,
			`an e-mail address in the attribute "emial" (email_attribute), in one of the usual ones or in the NameID`,
			`"sn", "urn:unknown" ("displayName"), a NameID without format`,
		},
		"an override without address": {
			"upn", named("upn", "personal", "n/a") + named("mail", "personal"), `<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">_personal</saml:NameID>`,
			`an e-mail address in the attribute "upn" (email_attribute), in one of the usual ones or in the NameID`,
			`"upn" with 2 values that are no e-mail address, "mail" with 1 values that are no e-mail address, a NameID of format urn:oasis:names:tc:SAML:2.0:nameid-format:transient`,
		},
		"an attribute encrypted to another": {
			"", samltest.Encryption{}.Element("EncryptedAttribute", named("mail", "alice@example.com"), &samltest.RSAKey(t, 1).PublicKey), `<saml:NameID>personal</saml:NameID>`,
			"an e-mail address in one of the usual attributes or in the NameID",
			"no attributes, 1 encrypted attributes that none of our keys opens, a NameID without format",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, samltest.NewIdP(t, idpID), change{settings: func(s *connection.Settings) { s.EmailAttribute = tc.override }})
			statement := ""
			if tc.attributes != "" {
				statement = `<saml:AttributeStatement>` + tc.attributes + `</saml:AttributeStatement>`
			}
			r := b.refuses(t, b.with(t, func(m *samltest.Message) { m.Statement, m.NameID = &statement, tc.nameID }), "email_missing")
			if r.Expected != tc.expected || r.Received != tc.received {
				t.Errorf("got %q, %q, want %q, %q", r.Expected, r.Received, tc.expected, tc.received)
			}
			if strings.Contains(strings.ToLower(r.Detail()), "personal") {
				t.Errorf("got a value in %s, want names alone", r.Detail())
			}
		})
	}
	t.Run("an address beside a blank NameID", func(t *testing.T) {
		b := newBench(t, samltest.NewIdP(t, idpID), change{settings: func(s *connection.Settings) { s.EmailAttribute = "upn" }})
		r := b.refuses(t, b.with(t, func(m *samltest.Message) {
			m.NameID = `<saml:NameID/>`
			m.Statement = samltest.Part(`<saml:AttributeStatement>%s</saml:AttributeStatement>`, named("mail", "alice@example.com")+named("upn", "n/a")+`<saml:Attribute Name="email"/>`)
		}), "name_id_blank")
		if want := `"mail", "upn" with 1 values that are no e-mail address, "email" without a value, a NameID without format that is blank`; r.Received != want {
			t.Errorf("got %q, want %q", r.Received, want)
		}
	})
	t.Run("many long names", func(t *testing.T) {
		b := newBench(t, samltest.NewIdP(t, idpID))
		r := b.refuses(t, b.with(t, func(m *samltest.Message) {
			m.Statement = samltest.Part(`<saml:AttributeStatement>%s</saml:AttributeStatement>`, strings.Repeat(named(strings.Repeat("x\u2028", 500), "v"), 100))
		}), "email_missing")
		if len([]rune(r.Received)) > 2000 || !strings.Contains(r.Received, "88 more attributes") || strings.Contains(r.Received, "\u2028") {
			t.Errorf("got %q, want a bounded list", r.Received)
		}
	})
}

// F43: a person without an e-mail address gets one page, whether the identity
// provider leaves the attribute out, the NameID blank, or both.
func TestMissingEmailHasOnePage(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	blank, none := `<saml:NameID/>`, ""
	for name, tc := range map[string]struct {
		nameID, mail string
		reason, page string
	}{
		"no attribute":                  {"", none, "email_missing", "email_missing"},
		"a blank NameID, no attribute":  {blank, none, "name_id_blank", "email_missing"},
		"a blank NameID, a blank value": {blank, named("mail", " "), "name_id_blank", "email_missing"},
		"a blank NameID, an address":    {blank, named("mail", "alice@example.com"), "name_id_blank", "invalid_sso_assertion"},
		"a blank NameID, another's":     {blank, named("mail", "alice@other.test"), "name_id_blank", "invalid_sso_assertion"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.verify(t, b.with(t, func(m *samltest.Message) {
				m.Statement = &tc.mail
				if tc.mail != "" {
					m.Statement = samltest.Part(`<saml:AttributeStatement>%s</saml:AttributeStatement>`, tc.mail)
				}
				m.NameID = tc.nameID
			}))
			f, ok := fault.Of(err)
			if !ok || f.PageCode() != tc.page || reason(err) != tc.reason {
				t.Errorf("got %v, want reason %s and page %s", err, tc.reason, tc.page)
			}
		})
	}
}

func TestSubjectHasIssuerNameIDAndEmail(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID), change{settings: func(s *connection.Settings) { s.Domains = []string{"*"} }})
	assertion, err := b.verify(t, b.with(t, func(m *samltest.Message) {
		m.Mail, m.NameID = "person@anywhere.test", `<saml:NameID>  s-1-5 </saml:NameID>`
	}))
	if err != nil {
		t.Fatal(err)
	}
	if subject := assertion.Subject; subject.Issuer() != idpID || subject.NameID() != "s-1-5" || subject.Email().String() != "person@anywhere.test" {
		t.Errorf("got %+v, want person@anywhere.test, s-1-5 of the issuer", subject)
	}
}
