package saml_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/domain/connection"
)

// Each case is a valid message that crewjam/saml v0.5.1 or another service
// provider refuses.
func TestValidResponsesAreAccepted(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	b.requestedAt = samltest.Epoch.Add(-10 * time.Minute)
	in := func(d time.Duration) string { return samltest.Stamp(samltest.Epoch.Add(d)) }
	us := samltest.AudienceRestriction(entityID)
	wrap := func(s string) string {
		return regexp.MustCompile(`.{60}`).ReplaceAllString(s, "$0\n      ")
	}
	blanksIn := func(name string) func(string) string {
		return func(s string) string {
			return regexp.MustCompile(`(<`+name+`>)([^<]+)(</`+name+`>)`).ReplaceAllStringFunc(s, func(m string) string {
				p := regexp.MustCompile(`^(<[^>]+>)([^<]+)(<.+)$`).FindStringSubmatch(m)
				return p[1] + "\n      " + wrap(p[2]) + "\n    " + p[3]
			})
		}
	}
	inclusive := func(uri string, form xmltree.Form) func(*samltest.Message) {
		return func(m *samltest.Message) {
			m.SignResponse = true
			m.Signing.Form = &form
			m.Signing.Transforms = `<ds:Transform Algorithm="` + samltest.Enveloped + `"/><ds:Transform Algorithm="` + uri + `"/>`
		}
	}
	for name, change := range map[string]func(*samltest.Message){
		"the usual message": func(*samltest.Message) {},

		// 1 and 3: prefixes
		"a prefix bound twice": func(m *samltest.Message) {
			m.SignResponse = true
			m.BeforeSigning = samltest.Replace(`<saml:Assertion `, `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:x="urn:x" `)
			m.BeforeOuter = samltest.Replace(`<samlp:Status>`, `<samlp:Extensions><x:y xmlns:x="urn:other"/></samlp:Extensions><samlp:Status>`)
		},
		"a prefix bound anew around another meaning": func(m *samltest.Message) {
			m.BeforeSigning = samltest.Replace(`<samlp:Status>`, `<samlp:Extensions><saml:Subject xmlns:saml="urn:other"/></samlp:Extensions><samlp:Status>`)
		},
		"a decrypted assertion with prefixes bound outside": func(m *samltest.Message) { m.Encryption = &samltest.Encryption{} },
		"the same, signed around only": func(m *samltest.Message) {
			m.Encryption, m.SignAssertion, m.SignResponse = &samltest.Encryption{}, false, true
		},
		"the same, and foreign prefixes that only the cipher text uses": func(m *samltest.Message) {
			m.Encryption, m.SignAssertion, m.SignResponse = &samltest.Encryption{}, false, true
			m.BeforeSigning = func(s string) string {
				s = strings.ReplaceAll(s, ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema"`, "")
				return samltest.Replace(`<samlp:Response `, `<samlp:Response xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" `)(s)
			}
		},
		"a decrypted assertion with an XML declaration": func(m *samltest.Message) {
			m.Encryption = &samltest.Encryption{}
			m.Plain = func(s string) string {
				return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + samltest.Replace(`<saml:Assertion `, `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" `)(s) + "\n"
			}
		},
		"xs declared on the Response, for its values": func(m *samltest.Message) { // S33
			m.BeforeSigning = func(s string) string {
				s = strings.ReplaceAll(s, ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema"`, "")
				return samltest.Replace(`<samlp:Response `, `<samlp:Response xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" `)(s)
			}
			m.Signing.Form = &xmltree.Form{Exclusive: true, Prefixes: []string{"xs"}}
			m.Signing.Transforms = `<ds:Transform Algorithm="` + samltest.Enveloped + `"/><ds:Transform Algorithm="` + samltest.Exclusive + `">` +
				`<ec:InclusiveNamespaces xmlns:ec="` + samltest.Exclusive + `" PrefixList="xs"/></ds:Transform>`
			m.SignResponse = true
		},
		"a prefix list with #default": func(m *samltest.Message) {
			m.BeforeSigning = samltest.Replace(`<samlp:Response `, `<samlp:Response xmlns="urn:unused" `)
			m.Signing.Form = &xmltree.Form{Exclusive: true, Prefixes: []string{"", "saml"}}
			m.Signing.Transforms = `<ds:Transform Algorithm="` + samltest.Enveloped + `"/><ds:Transform Algorithm="` + samltest.Exclusive + `">` +
				`<ec:InclusiveNamespaces xmlns:ec="` + samltest.Exclusive + `" PrefixList=" #default  saml "/></ds:Transform>`
		},

		// 4: white space
		"a signature broken into lines": func(m *samltest.Message) {
			m.Signing.Finished = blanksIn("ds:SignatureValue")
			m.SignResponse = true
		},
		"a digest with blanks around it": func(m *samltest.Message) {
			m.Signing.Reference = blanksIn("ds:DigestValue")
		},
		"cipher values broken into lines": func(m *samltest.Message) {
			m.Encryption = &samltest.Encryption{Finished: blanksIn("xenc:CipherValue")}
		},
		"blanks around the Audience": func(m *samltest.Message) {
			m.BeforeSigning = samltest.Replace(entityID+`</saml:Audience>`, "\n  "+entityID+"\n  </saml:Audience>")
		},
		"blanks around the Issuers": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string { return strings.ReplaceAll(s, ">"+idpID+"<", ">\n  "+idpID+"\n <") }
		},
		"blanks around times": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string {
				return regexp.MustCompile(`(NotBefore|NotOnOrAfter|IssueInstant|AuthnInstant)="([^"]+)"`).ReplaceAllString(s, `$1=" $2 "`)
			}
		},
		"an indented message": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string { return strings.ReplaceAll(s, "><", ">\n    <") }
			m.SignResponse = true
		},
		"line ends of Windows": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string { return strings.ReplaceAll(s, "><", ">\r\n    <") }
		},
		"line ends inside tags": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string { return strings.ReplaceAll(s, ` Version=`, "\n\tVersion = ") }
		},
		"a line end in an attribute": func(m *samltest.Message) {
			m.Attributes = "<saml:Attribute Name=\"a\nb\"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>"
		},
		"a reference to a line end in an attribute": func(m *samltest.Message) {
			m.Attributes = `<saml:Attribute Name="a&#10;b&#x9;&#13;"><saml:AttributeValue>x&#13;</saml:AttributeValue></saml:Attribute>`
		},

		// 6: times
		"issued 200 seconds ago, good for longer": func(m *samltest.Message) { m.Request.At = samltest.Epoch.Add(-200 * time.Second) },
		"a slow clock": func(m *samltest.Message) {
			m.Request.At = samltest.Epoch.Add(-100 * time.Second)
			m.Conditions = samltest.Part(`<saml:Conditions NotBefore="%s" NotOnOrAfter="%s">%s</saml:Conditions>`, in(-160*time.Second), in(-100*time.Second), us)
		},
		"a clock 60 seconds fast":  func(m *samltest.Message) { m.Request.At = samltest.Epoch.Add(60 * time.Second) },  // S06
		"a clock 170 seconds fast": func(m *samltest.Message) { m.Request.At = samltest.Epoch.Add(170 * time.Second) }, // S06
		"milliseconds": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string { return strings.ReplaceAll(s, `Z"`, `.123Z"`) }
		},
		"seven decimals": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string { return strings.ReplaceAll(s, `Z"`, `.1234567Z"`) }
		},
		"a time zone": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string {
				return strings.ReplaceAll(s, `IssueInstant="`+samltest.Stamp(samltest.Epoch)+`"`, `IssueInstant="2026-11-25T13:00:00+01:00"`)
			}
		},

		// 7: conditions and confirmations
		"conditions that do not end": func(m *samltest.Message) {
			m.Conditions = samltest.Part(`<saml:Conditions>%s</saml:Conditions>`, us)
		},
		"several audiences, ours first": func(m *samltest.Message) {
			m.Conditions = samltest.Part(`<saml:Conditions>%s</saml:Conditions>`, samltest.AudienceRestriction(entityID, "https://other.test", "spn:guid"))
		},
		"several audience restrictions that all name us": func(m *samltest.Message) {
			m.Conditions = samltest.Part(`<saml:Conditions>%s%s</saml:Conditions>`, samltest.AudienceRestriction("https://other.test", entityID), us)
		},
		"one time use and a proxy restriction": func(m *samltest.Message) {
			m.Conditions = samltest.Part(`<saml:Conditions>%s<saml:OneTimeUse/><saml:ProxyRestriction Count="0"/></saml:Conditions>`, us)
		},
		"one good bearer among others": func(m *samltest.Message) {
			m.Subject = samltest.Part(`<saml:Subject>%s`+
				`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"><saml:SubjectConfirmationData Recipient="https://other.test"/></saml:SubjectConfirmation>`+
				`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData Recipient="https://other.test" NotOnOrAfter="%s"/></saml:SubjectConfirmation>`+
				`%s<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"/></saml:Subject>`, samltest.UsualNameID, in(time.Hour), m.Bearer())
		},
		"an address that is not the browser's": func(m *samltest.Message) { // S53
			m.BeforeSigning = samltest.Replace(`<saml:SubjectConfirmationData `, `<saml:SubjectConfirmationData Address="192.0.2.1" `)
		},
		"foreign attributes and content where the schema lets them be": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string {
				s = samltest.Replace(`<saml:SubjectConfirmationData `, `<saml:SubjectConfirmationData xmlns:x="urn:x" x:Recipient="https://evil.test" x:NotBefore="2099-01-01T00:00:00Z" `)(s)
				s = samltest.Replace(`<saml:Attribute Name="mail"`, `<saml:Attribute xmlns:x="urn:x" x:Name="no" x:FriendlyName="mail" Name="mail"`)(s)
				return samltest.Replace(`<samlp:Status>`, `<samlp:Extensions><x:Status xmlns:x="urn:x"/><saml:Assertion ID="_evil"/></samlp:Extensions><samlp:Status>`)(s)
			}
			m.SignResponse = true
		},
		"a status with detail": func(m *samltest.Message) {
			m.Status = `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"><samlp:StatusCode Value="urn:x"/></samlp:StatusCode>` +
				`<samlp:StatusMessage>fine</samlp:StatusMessage><samlp:StatusDetail><x xmlns="urn:x"/></samlp:StatusDetail></samlp:Status>`
		},
		"advice with another assertion": func(m *samltest.Message) {
			m.BeforeSigning = samltest.Replace(`<saml:AuthnStatement `, `<saml:Advice><saml:Assertion ID="_advice" Version="2.0"/></saml:Advice><saml:AuthnStatement `)
		},
		"two statements of each kind": func(m *samltest.Message) {
			context := `<saml:AuthnContext><saml:AuthnContextDeclRef>urn:x</saml:AuthnContextDeclRef></saml:AuthnContext>`
			m.Logins = samltest.Part(`<saml:AuthnStatement AuthnInstant="%s" SessionNotOnOrAfter="%s">`+context+`</saml:AuthnStatement><saml:AuthnStatement AuthnInstant="%s">`+context+`</saml:AuthnStatement>`+
				`<saml:AuthzDecisionStatement Resource="" Decision="Permit"><saml:Action Namespace="x">y</saml:Action></saml:AuthzDecisionStatement>`, in(-time.Hour), in(time.Hour), in(0))
			m.BeforeSigning = samltest.Replace(`</saml:AttributeStatement>`, `</saml:AttributeStatement><saml:AttributeStatement><saml:EncryptedAttribute/></saml:AttributeStatement>`)
		},
		"a Response without Issuer, not signed": func(m *samltest.Message) {
			m.AfterSigning = samltest.Replace(`<saml:Issuer>`+idpID+`</saml:Issuer>`, "")
		},
		"a Response without Destination, not signed": func(m *samltest.Message) {
			m.AfterSigning = func(s string) string { return regexp.MustCompile(` Destination="[^"]+"`).ReplaceAllString(s, "") }
		},
		"an Issuer that says it is an entity": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string {
				return strings.ReplaceAll(s, `<saml:Issuer>`, `<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">`)
			}
			m.SignResponse = true
		},
		"a NameID without Format": func(m *samltest.Message) { m.NameID = `<saml:NameID>alice</saml:NameID>` },
		"a NameID with qualifiers": func(m *samltest.Message) {
			m.NameID = `<saml:NameID NameQualifier="` + idpID + `" SPNameQualifier="` + entityID + `">alice</saml:NameID>`
		},
		"no SessionIndex": func(m *samltest.Message) { m.BeforeSigning = samltest.Replace(` SessionIndex="_s"`, "") },

		// 8: algorithms
		"SHA-384 and SHA-512": func(m *samltest.Message) {
			m.Signing.Method, m.Signing.Digest = samltest.More+"rsa-sha384", samltest.Enc+"sha512"
		},
		"RSA-SHA512":           func(m *samltest.Message) { m.Signing.Method = samltest.More + "rsa-sha512" },
		"RSA-PSS":              func(m *samltest.Message) { m.Signing.Method = samltest.More2007 + "sha256-rsa-MGF1" },
		"RSA-PSS with SHA-512": func(m *samltest.Message) { m.Signing.Method = samltest.More2007 + "sha512-rsa-MGF1" },
		"RSA-PSS with another salt": func(m *samltest.Message) {
			m.Signing.Method, m.Signing.Salt = samltest.More2007+"rsa-pss", 20
			m.Signing.Parameters = `<pss:RSAPSSParams xmlns:pss="http://www.w3.org/2007/05/xmldsig-more#"><pss:SaltLength> 20 </pss:SaltLength><pss:TrailerField>1</pss:TrailerField></pss:RSAPSSParams>`
		},
		"RSA-PSS with parameters unsaid": func(m *samltest.Message) { m.Signing.Method = samltest.More2007 + "rsa-pss" },
		"exclusive canonicalisation with comments": func(m *samltest.Message) {
			m.Signing.C14N = samltest.Exclusive + "WithComments"
			m.Signing.Transforms = `<ds:Transform Algorithm="` + samltest.Enveloped + `"/><ds:Transform Algorithm="` + samltest.Exclusive + `WithComments"/>`
		},
		"the same, with comments that the reference leaves out": func(m *samltest.Message) {
			m.Signing.Transforms = `<ds:Transform Algorithm="` + samltest.Enveloped + `"/><ds:Transform Algorithm="` + samltest.Exclusive + `WithComments"/>`
			m.BeforeSigning = samltest.Replace(`<saml:AuthnStatement `, `<!-- hello --><saml:AuthnStatement `)
		},
		"inclusive canonicalisation of SignedInfo":               func(m *samltest.Message) { m.Signing.C14N = samltest.Inclusive },
		"inclusive canonicalisation with comments of SignedInfo": func(m *samltest.Message) { m.Signing.C14N = samltest.Inclusive + "#WithComments" },
		"Canonical XML 1.1 of SignedInfo":                        func(m *samltest.Message) { m.Signing.C14N = samltest.Inclusive1 },
		"inclusive canonicalisation as a transform":              inclusive(samltest.Inclusive, xmltree.Form{}), // F40
		"inclusive canonicalisation with comments as a transform": func(m *samltest.Message) { // F40
			inclusive(samltest.Inclusive+"#WithComments", xmltree.Form{})(m)
			m.BeforeSigning = samltest.Replace(`<saml:AuthnStatement `, `<!-- hello --><saml:AuthnStatement `)
		},
		"Canonical XML 1.1 as a transform":               inclusive(samltest.Inclusive1, xmltree.Form{Version11: true}),                 // F40
		"Canonical XML 1.1 with comments as a transform": inclusive(samltest.Inclusive1+"#WithComments", xmltree.Form{Version11: true}), // F40
		"inclusive canonicalisation of an encrypted assertion": func(m *samltest.Message) { // F40
			inclusive(samltest.Inclusive, xmltree.Form{})(m)
			m.Encryption = &samltest.Encryption{}
		},
		"no canonicalisation named": func(m *samltest.Message) {
			m.Signing.Form = &xmltree.Form{}
			m.Signing.Transforms = `<ds:Transform Algorithm="` + samltest.Enveloped + `"/>`
		},
		"no KeyInfo": func(m *samltest.Message) { m.Signing.KeyInfo = "" },
		"a KeyInfo that means nothing": func(m *samltest.Message) {
			m.Signing.KeyInfo = `<ds:KeyInfo><ds:KeyName>k</ds:KeyName><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`
		},
		"the signature at the end": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string {
				mark := "@@assertion-signature@@"
				return strings.Replace(strings.Replace(s, mark, "", 1), "</saml:Assertion>", mark+"</saml:Assertion>", 1)
			}
		},

		// 9: size
		"a thousand groups":     func(m *samltest.Message) { m.Attributes = groups(1000) },
		"five thousand groups":  func(m *samltest.Message) { m.Attributes = groups(5000); m.SignResponse = true },
		"a thousand, encrypted": func(m *samltest.Message) { m.Attributes = groups(1000); m.Encryption = &samltest.Encryption{} },
		"an EncryptedID": func(m *samltest.Message) {
			m.NameID = samltest.Encryption{Sibling: true}.Element("EncryptedID", samltest.UsualNameID, m.EncryptTo)
		},
		"an EncryptedID in an encrypted assertion that the Response's signature covers": func(m *samltest.Message) {
			m.NameID = samltest.Encryption{}.Element("EncryptedID", samltest.UsualNameID, m.EncryptTo)
			m.Encryption, m.SignAssertion, m.SignResponse = &samltest.Encryption{}, false, true
		},
		"an EncryptedAttribute": func(m *samltest.Message) {
			plain := `<saml:Attribute Name="mail"><saml:AttributeValue>alice@example.com</saml:AttributeValue></saml:Attribute>`
			m.Statement = samltest.Part(`<saml:AttributeStatement>%s</saml:AttributeStatement>`, samltest.Encryption{}.Element("EncryptedAttribute", plain, m.EncryptTo))
		},
		"an EncryptedAttribute for another key": func(m *samltest.Message) {
			m.Attributes = samltest.Encryption{}.Element("EncryptedAttribute", `<saml:Attribute Name="x"/>`, &samltest.RSAKey(t, 20).PublicKey)
		},
		"the Response signed before the encryption": func(m *samltest.Message) {
			m.Encryption, m.SignResponse, m.SignBeforeEncryption = &samltest.Encryption{}, true, true
		},
		"the same, and nothing else signed": func(m *samltest.Message) {
			m.Encryption, m.SignResponse, m.SignBeforeEncryption, m.SignAssertion = &samltest.Encryption{}, true, true, false
		},
		"a value of many levels": func(m *samltest.Message) {
			m.Attributes = attribute("deep", strings.Repeat("<x>", 50)+strings.Repeat("</x>", 50))
		},

		// XML that is unusual and right
		"an XML declaration": func(m *samltest.Message) {
			m.AfterSigning = func(s string) string {
				return `<?xml version="1.0" encoding="UTF-8" standalone="no" ?>` + "\n" + s + "\n"
			}
		},
		"a byte order mark": func(m *samltest.Message) { m.AfterSigning = func(s string) string { return "\uFEFF" + s } },
		"comments and instructions around the root": func(m *samltest.Message) {
			m.AfterSigning = func(s string) string { return `<!-- a --><?b c?>` + s + `<!-- d --><?e?>` }
		},
		"CDATA": func(m *samltest.Message) { m.Mail = `<![CDATA[alice@]]>example<![CDATA[.com]]>` },
		"references": func(m *samltest.Message) {
			m.Mail = `&#97;lice&#x40;example.com`
			m.Attributes = attribute("displayName", `Ärlig &lt;&amp;&quot;&apos;&gt; 𝄞`)
		},
		"single quotes": func(m *samltest.Message) {
			m.AfterSigning = func(s string) string { return strings.ReplaceAll(s, `Version="2.0"`, `Version='2.0'`) }
		},
		"the protocol as default namespace": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string {
				return strings.NewReplacer("<samlp:", "<", "</samlp:", "</", "xmlns:samlp=", "xmlns=").Replace(s)
			}
			m.SignResponse = true
		},
		"the assertion as default namespace": func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string {
				from := strings.Index(s, "<saml:Assertion ")
				inner := strings.NewReplacer("<saml:", "<", "</saml:", "</").Replace(s[from:])
				return s[:from] + samltest.Replace("<Assertion ", `<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" `)(inner)
			}
			m.SignResponse = true
		},
		"xml:lang and xml:space": func(m *samltest.Message) {
			m.BeforeSigning = samltest.Replace(`<saml:Assertion `, `<saml:Assertion xml:lang="de" xml:space="preserve" `)
			m.SignResponse = true
		},
	} {
		t.Run(name, func(t *testing.T) { b.accepts(t, b.with(t, change)) })
	}
	t.Run("base64 in lines", func(t *testing.T) {
		raw := b.with(t)
		b.accepts(t, regexp.MustCompile(`.{76}`).ReplaceAllString(raw, "$0\r\n"))
	})
	t.Run("UTF-16", func(t *testing.T) {
		document := b.message().Document()
		units := []byte{0xFF, 0xFE}
		for _, r := range document {
			units = append(units, byte(r), byte(r>>8))
		}
		b.accepts(t, base64.StdEncoding.EncodeToString(units))
	})
}

func attribute(name, value string) string {
	return `<saml:Attribute Name="` + name + `"><saml:AttributeValue>` + value + `</saml:AttributeValue></saml:Attribute>`
}

func groups(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, `<saml:AttributeValue>group %d</saml:AttributeValue>`, i)
	}
	return `<saml:Attribute Name="groups">` + out.String() + `</saml:Attribute>`
}

func TestEveryKindOfSigningKey(t *testing.T) {
	for name, curve := range map[string]elliptic.Curve{"256": elliptic.P256(), "384": elliptic.P384(), "512": elliptic.P521()} {
		t.Run("ECDSA-SHA"+name, func(t *testing.T) {
			key, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(t, samltest.NewIdPWithKey(t, idpID, key))
			sign := func(m *samltest.Message) { m.Signing.Method = samltest.More + "ecdsa-sha" + name }
			b.accepts(t, b.with(t, sign))
			b.refuses(t, b.with(t, sign, func(m *samltest.Message) { m.Signing.ASN1 = true }), "signature_invalid")
		})
	}
	t.Run("Ed25519", func(t *testing.T) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		b := newBench(t, samltest.NewIdPWithKey(t, idpID, key))
		b.accepts(t, b.with(t, func(m *samltest.Message) {
			m.Signing.Method = "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519"
		}))
	})
}

func TestEveryAllowedEncryption(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	for _, content := range []string{
		samltest.Enc + "aes128-cbc", samltest.Enc + "aes192-cbc", samltest.Enc + "aes256-cbc",
		samltest.Enc11 + "aes128-gcm", samltest.Enc11 + "aes192-gcm", samltest.Enc11 + "aes256-gcm",
	} {
		for name, e := range map[string]samltest.Encryption{
			"mgf1p":                             {},
			"mgf1p, SHA-1 said":                 {Digest: samltest.DSig + "sha1"},
			"mgf1p, SHA-256":                    {Digest: samltest.Enc + "sha256"},
			"mgf1p, SHA-256 as OpenSSL does it": {Digest: samltest.Enc + "sha256", MGFHash: crypto.SHA256},
			"mgf1p, with a label":               {Label: []byte("label")},
			"oaep":                              {Transport: samltest.Enc11 + "rsa-oaep"},
			"oaep, SHA-256 and MGF1 SHA-1":      {Transport: samltest.Enc11 + "rsa-oaep", Digest: samltest.Enc + "sha256"},
			"oaep, SHA-256 and MGF1 SHA-256":    {Transport: samltest.Enc11 + "rsa-oaep", Digest: samltest.Enc + "sha256", MGF: samltest.Enc11 + "mgf1sha256", MGFHash: crypto.SHA256},
			"oaep, SHA-1 and MGF1 SHA-256":      {Transport: samltest.Enc11 + "rsa-oaep", Digest: samltest.DSig + "sha1", MGF: samltest.Enc11 + "mgf1sha256", MGFHash: crypto.SHA256},
			"oaep, SHA-512":                     {Transport: samltest.Enc11 + "rsa-oaep", Digest: samltest.Enc + "sha512", MGF: samltest.Enc11 + "mgf1sha512", MGFHash: crypto.SHA512},
			"the key beside the data":           {Sibling: true},
			"keys for others too":               {MoreKeys: []*rsa.PublicKey{&samltest.RSAKey(t, 20).PublicKey}},
		} {
			e.Content = content
			t.Run(content[strings.IndexByte(content, '#')+1:]+", "+name, func(t *testing.T) { b.accepts(t, b.with(t, encrypted(e))) })
		}
	}
}

func TestWeakAlgorithmsNeedConsent(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*samltest.Message)
		allow  func(*connection.SAMLSettings)
		reason string
	}{
		"RSA-SHA1":     {func(m *samltest.Message) { m.Signing.Method = samltest.DSig + "rsa-sha1" }, func(s *connection.SAMLSettings) { s.AllowSHA1 = true }, "weak_signature_algorithm"},
		"RSA-PSS SHA1": {func(m *samltest.Message) { m.Signing.Method = samltest.More2007 + "sha1-rsa-MGF1" }, func(s *connection.SAMLSettings) { s.AllowSHA1 = true }, "weak_signature_algorithm"},
		"SHA-1 digest": {func(m *samltest.Message) { m.Signing.Digest = samltest.DSig + "sha1" }, func(s *connection.SAMLSettings) { s.AllowSHA1 = true }, "weak_digest_algorithm"},
		"3DES":         {encrypted(samltest.Encryption{Content: samltest.Enc + "tripledes-cbc"}), func(s *connection.SAMLSettings) { s.AllowTripleDES = true }, "weak_encryption_algorithm"},
		"RSA 1.5":      {encrypted(samltest.Encryption{Transport: samltest.Enc + "rsa-1_5"}), func(s *connection.SAMLSettings) { s.AllowRSA15 = true }, "weak_encryption_algorithm"},
	} {
		t.Run(name, func(t *testing.T) {
			idp := samltest.NewIdP(t, idpID)
			strict, lenient := newBench(t, idp), newBench(t, idp, change{source: tc.allow})
			strict.refuses(t, strict.with(t, tc.change), tc.reason)
			lenient.accepts(t, lenient.with(t, tc.change))
		})
	}
}

func TestCertificateDatesAreNotChecked(t *testing.T) { // S01
	key, other := samltest.RSAKey(t, 0), samltest.RSAKey(t, 1)
	idp := samltest.NewIdP(t, idpID)
	for name, certificate := range map[string][]byte{
		"expired":       samltest.Certificate(t, key, samltest.Epoch.AddDate(-5, 0, 0), samltest.Epoch.AddDate(-1, 0, 0)),
		"not yet valid": samltest.Certificate(t, key, samltest.Epoch.AddDate(1, 0, 0), samltest.Epoch.AddDate(2, 0, 0)),
		"renewed":       samltest.Certificate(t, key, samltest.Epoch.AddDate(0, -1, 0), samltest.Epoch.AddDate(3, 0, 0)),
	} {
		t.Run(name, func(t *testing.T) {
			published := *idp
			published.Certificate = certificate
			b := newBench(t, &published)
			b.idp = idp // the response carries the other certificate of the key
			b.accepts(t, b.with(t))
			if name == "expired" && len(b.broker.Warnings()) != 1 {
				t.Errorf("got the warnings %v, want one", b.broker.Warnings())
			}
		})
	}
	rollover := samltest.NewIdPWithKey(t, idpID, other)
	metadata := strings.Replace(string(idp.Metadata()), idp.KeyDescriptor(), idp.KeyDescriptor()+rollover.KeyDescriptor(), 1)
	two := newBench(t, idp, change{source: func(s *connection.SAMLSettings) { s.Metadata = []byte(metadata) }})
	for name, keyInfo := range map[string]string{"with KeyInfo": rollover.KeyInfo(), "without KeyInfo": ""} {
		t.Run("the second of two, "+name, func(t *testing.T) {
			two.accepts(t, two.with(t, func(m *samltest.Message) { m.Signing.Key, m.Signing.KeyInfo = other, keyInfo }))
		})
	}
}

func TestResponseIsCheckedAgainstItsMount(t *testing.T) { // S34
	b := newBench(t, samltest.NewIdP(t, idpID), change{settings: func(s *connection.Settings) { s.ACSMount = connection.Legacy }})
	legacy := publicURL + connection.Legacy.ACSPath()
	to := func(url string) func(*samltest.Message) {
		return func(m *samltest.Message) { m.Request.ACS = url }
	}
	b.on = connection.Legacy
	b.accepts(t, b.with(t, to(legacy)))
	b.refuses(t, b.with(t), "destination_is_canonical_acs")
	b.refuses(t, b.with(t, func(m *samltest.Message) { m.Destination = legacy }), "recipient_is_canonical_acs")
	b.on = connection.Canonical
	b.accepts(t, b.with(t))
	b.refuses(t, b.with(t, to(legacy)), "destination_is_legacy_acs")
	r := b.refuses(t, b.with(t, func(m *samltest.Message) { m.Recipient = legacy }), "recipient_is_legacy_acs")
	if r.Expected != publicURL+connection.Canonical.ACSPath() || r.Received != legacy {
		t.Errorf("got the detail %s, want both addresses", r.Detail())
	}
	b.refuses(t, b.with(t, to(strings.Replace(publicURL, "https", "http", 1)+connection.Canonical.ACSPath())), "destination_mismatch")
}
