package saml_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
)

const mdNS = `xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"`

func metadata(document string) change {
	return change{source: func(s *connection.SAMLSettings) { s.Metadata = []byte(document) }}
}

func entityNamed(id string) change {
	return change{settings: func(s *connection.Settings) { s.EntityID = id }}
}

func TestValidMetadataIsAccepted(t *testing.T) { // S04, S09
	idp := samltest.NewIdP(t, idpID)
	usual := string(idp.Metadata())
	other := string((&samltest.IdP{EntityID: "https://other.test", SSO: "https://other.test/sso", Certificate: idp.Certificate}).Metadata())
	sp := `<md:EntityDescriptor ` + mdNS + ` entityID="https://sp.test"><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></md:EntityDescriptor>`
	certificate := base64.StdEncoding.EncodeToString(idp.Certificate)
	armoured := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idp.Certificate}))
	key := samltest.RSAKey(t, 0)
	rsaValue := fmt.Sprintf(`<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>%s</ds:Modulus><ds:Exponent>%s</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>`,
		base64.StdEncoding.EncodeToString(key.N.Bytes()), base64.StdEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()))
	x509 := `<ds:X509Data><ds:X509Certificate>` + certificate + `</ds:X509Certificate></ds:X509Data>`
	two := strings.Replace(usual, `<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">`,
		`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol"><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://old.test"/></md:IDPSSODescriptor>`+
			`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">`+samltest.NewIdPWithKey(t, idpID, samltest.RSAKey(t, 1)).KeyDescriptor()+`</md:IDPSSODescriptor>`+
			`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">`, 1)
	for name, changes := range map[string][]change{
		"usual":                              {metadata(usual)},
		"a wrapper with one":                 {metadata(`<md:EntitiesDescriptor ` + mdNS + `>` + sp + usual + `</md:EntitiesDescriptor>`)},
		"a wrapper in a wrapper":             {metadata(`<md:EntitiesDescriptor ` + mdNS + `><md:EntitiesDescriptor>` + sp + usual + `</md:EntitiesDescriptor></md:EntitiesDescriptor>`)},
		"one of several":                     {metadata(`<md:EntitiesDescriptor ` + mdNS + `>` + other + usual + `</md:EntitiesDescriptor>`), entityNamed(idpID)},
		"several descriptors":                {metadata(two)},
		"the entity named":                   {metadata(usual), entityNamed(idpID)},
		"armour":                             {metadata(strings.Replace(usual, certificate, armoured, 1))},
		"armour between blanks":              {metadata(strings.Replace(usual, certificate, "\n\t"+armoured+"\n\t", 1))},
		"a certificate in lines with tabs":   {metadata(strings.Replace(usual, certificate, "\r\n\t"+certificate[:60]+"\n\t\t"+certificate[60:]+"\n ", 1))},
		"no use":                             {metadata(strings.Replace(usual, ` use="signing"`, "", 1))},
		"a bare key value":                   {metadata(strings.Replace(usual, x509, rsaValue, 1))},
		"a key value and a certificate":      {metadata(strings.Replace(usual, x509, rsaValue+x509, 1))},
		"an unreadable certificate besides":  {metadata(strings.Replace(usual, x509, `<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>`+x509, 1))},
		"an encryption key besides":          {metadata(strings.Replace(usual, `<md:KeyDescriptor`, `<md:KeyDescriptor use="encryption"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></md:KeyDescriptor><md:KeyDescriptor`, 1))},
		"a cacheDuration of a week":          {metadata(strings.Replace(usual, ` entityID=`, ` cacheDuration="P1W" entityID=`, 1))},
		"a cacheDuration that is none":       {metadata(strings.Replace(usual, ` entityID=`, ` cacheDuration="soon" entityID=`, 1))},
		"validUntil tomorrow":                {metadata(strings.Replace(usual, ` entityID=`, ` validUntil="2026-11-26T12:00:00Z" entityID=`, 1))},
		"ISO-8859-1":                         {metadata("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n" + strings.Replace(usual, `</md:EntityDescriptor>`, "<md:Organization><md:OrganizationName>M\xfcller</md:OrganizationName></md:Organization></md:EntityDescriptor>", 1))},
		"a byte order mark":                  {metadata("\uFEFF" + usual)},
		"an endpoint that is no URL besides": {metadata(strings.Replace(usual, `<md:SingleSignOnService`, `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="javascript:alert(1)"/><md:SingleSignOnService`, 1))},
		"no protocols named":                 {metadata(strings.Replace(usual, ` protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"`, "", 1))},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, idp, changes...)
			b.accepts(t, b.with(t))
			if u := begin(t, b).URL; !strings.HasPrefix(u, "https://idp.test/sso?SAMLRequest=") {
				t.Errorf("got a redirect to %s, want the address of the metadata", u)
			}
		})
	}
	t.Run("an elliptic key value", func(t *testing.T) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		idp := samltest.NewIdPWithKey(t, idpID, key)
		value := `<ds:KeyValue><dsig11:ECKeyValue xmlns:dsig11="http://www.w3.org/2009/xmldsig11#"><dsig11:NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/><dsig11:PublicKey>` +
			base64.StdEncoding.EncodeToString(point) + `</dsig11:PublicKey></dsig11:ECKeyValue></ds:KeyValue>`
		b := newBench(t, idp, metadata(strings.Replace(string(idp.Metadata()), idp.KeyInfo(), `<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">`+value+`</ds:KeyInfo>`, 1)))
		b.accepts(t, b.with(t, func(m *samltest.Message) { m.Signing.Method = samltest.More + "ecdsa-sha256" }))
	})
}

func TestUnusableMetadataFailsTheStart(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	usual := string(idp.Metadata())
	for name, tc := range map[string]struct {
		changes []change
		says    string
	}{
		"not XML":             {[]change{metadata("hello")}, "connection acme: metadata: xml_malformed"},
		"an HTML page":        {[]change{metadata("\n<!DOCTYPE html>\n<html><head></head></html>")}, "metadata: an HTML page came instead of metadata (xml_dtd"}, // F45
		"an HTML page as XML": {[]change{metadata(`<html xmlns="http://www.w3.org/1999/xhtml"/>`)}, "an HTML page came instead of metadata"},
		"JSON":                {[]change{metadata(`{"issuer": "https://idp.test"}`)}, "JSON came instead of metadata"},
		"a certificate":       {[]change{metadata("-----BEGIN CERTIFICATE-----\nAAAA")}, "PEM, a certificate or a key, came instead of metadata"},
		"a file":              {[]change{metadata("hello"), {source: func(s *connection.SAMLSettings) { s.MetadataFile = "acme.xml" }}}, "connection acme: metadata: acme.xml: xml_malformed"},
		"a DTD":               {[]change{metadata(`<!DOCTYPE x>` + usual)}, "xml_dtd"},
		"another document":    {[]change{metadata(`<html/>`)}, "no EntityDescriptor"},
		"a service provider":  {[]change{metadata(`<md:EntityDescriptor ` + mdNS + ` entityID="https://sp.test"><md:SPSSODescriptor/></md:EntityDescriptor>`)}, "no identity provider"},
		"several":             {[]change{metadata(`<md:EntitiesDescriptor ` + mdNS + `>` + usual + strings.ReplaceAll(usual, idpID, "https://other.test") + `</md:EntitiesDescriptor>`)}, "several identity providers, say which by entity_id: https://idp.test/metadata https://other.test"},
		"another entity":      {[]change{metadata(usual), entityNamed("https://other.test")}, "no identity provider https://other.test, but https://idp.test/metadata"},
		"no key":              {[]change{metadata(strings.Replace(usual, idp.KeyDescriptor(), "", 1))}, "no signing key"},
		"a key for other use": {[]change{metadata(strings.Replace(usual, `use="signing"`, `use="encryption"`, 1))}, "no signing key"},
		"a key that is none":  {[]change{metadata(strings.Replace(usual, base64.StdEncoding.EncodeToString(idp.Certificate), "AAAA", 1))}, "no signing key"},
		"no endpoint":         {[]change{metadata(strings.ReplaceAll(usual, "bindings:HTTP-", "bindings:SOAP-"))}, "no SingleSignOnService"},
		"a long entityID":     {[]change{metadata(strings.ReplaceAll(usual, idpID, "https://idp.test/"+strings.Repeat("x", 250)))}, "1 to 255 characters"},
		"validUntil no time":  {[]change{metadata(strings.Replace(usual, ` entityID=`, ` validUntil="soon" entityID=`, 1))}, "validUntil"},
		"no source":           {[]change{metadata("")}, "name a document or a URL"},
		"a URL that is none":  {[]change{metadata(""), {source: func(s *connection.SAMLSettings) { s.MetadataURL = "ftp://idp.test" }}}, "metadata_url"},
		"a URL with a secret": {[]change{metadata(""), {source: func(s *connection.SAMLSettings) { s.MetadataURL = "ftp://user:SECRET@idp.test/x?t=SECRET#SECRET" }}}, `metadata_url "ftp://idp.test/x"`},
		"a URL past reading":  {[]change{metadata(""), {source: func(s *connection.SAMLSettings) { s.MetadataURL = "https://idp.test:SECRET/x?t=SECRET" }}}, "metadata_url"},
		"both":                {[]change{{source: func(s *connection.SAMLSettings) { s.MetadataURL = "https://idp.test" }}}, "not both"},
		"transient names": {[]change{{source: func(s *connection.SAMLSettings) {
			s.NameIDFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
		}}}, "transient"},
		"a public URL of sorts": {[]change{{config: func(c *saml.Config) { c.PublicURL = "gate.test/" }}}, "PublicURL"},
		"a skew of days":        {[]change{{config: func(c *saml.Config) { c.ClockSkew = 48 * time.Hour }}}, "ClockSkew"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tryBench(t, idp, tc.changes...)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("got a secret in %v, want none", err)
			}
		})
	}
}

func TestExpiredMetadataIsReportedAndNotUsed(t *testing.T) { // S11
	idp := samltest.NewIdP(t, idpID)
	usual := string(idp.Metadata())
	for name, document := range map[string]string{
		"entity": strings.Replace(usual, ` entityID=`, ` validUntil="2020-01-01T00:00:00Z" entityID=`, 1),
		"role":   strings.Replace(usual, ` protocolSupportEnumeration=`, ` validUntil="2020-01-01T00:00:00Z" protocolSupportEnumeration=`, 1),
		"wrapper": `<md:EntitiesDescriptor ` + mdNS + ` validUntil="2020-01-01T00:00:00Z">` +
			strings.Replace(usual, ` entityID=`, ` validUntil="2030-01-01T00:00:00Z" entityID=`, 1) + `</md:EntitiesDescriptor>`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, idp, metadata(document))
			if problems := b.broker.Problems(); len(problems) != 1 || problems[0].Connection != "acme" || !strings.Contains(problems[0].Text, "valid until 2020-01-01") {
				t.Errorf("got the problems %v, want one of acme", problems)
			}
			b.cannotBegin(t, "valid until 2020-01-01T00:00:00Z, which has passed; ask the identity provider's administrator")
			b.refuses(t, b.with(t), "no_metadata")
		})
	}
	t.Run("during the run", func(t *testing.T) {
		b := newBench(t, idp, metadata(strings.Replace(usual, ` entityID=`, ` validUntil="2026-11-25T12:30:00Z" entityID=`, 1)))
		begin(t, b)
		if len(b.broker.Warnings()) != 1 || len(b.broker.Problems()) != 0 {
			t.Errorf("got the warnings %v, the problems %v, want one warning", b.broker.Warnings(), b.broker.Problems())
		}
		b.at = b.at.Add(30 * time.Minute)
		b.cannotBegin(t, "valid until 2026-11-25T12:30:00Z")
	})
}

// F45: what Entra ID publishes for all tenants.
func TestPlaceholdersInMetadataCauseAWarning(t *testing.T) {
	idp := samltest.NewIdP(t, "https://sts.windows.net/{tenantid}/")
	b := newBench(t, idp)
	if w := b.broker.Warnings(); len(w) != 1 || !strings.Contains(w[0].Text, `"https://sts.windows.net/{tenantid}/" holds the placeholder {tenantid}`) {
		t.Errorf("got %v, want a warning about {tenantid}", w)
	}
	b.refuses(t, b.with(t, func(m *samltest.Message) {
		m.BeforeSigning = func(s string) string { return strings.ReplaceAll(s, "{tenantid}", "0f1e") }
	}), "issuer_mismatch")
}

func TestMetadataSignersAreRequired(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	federation := samltest.RSAKey(t, 3)
	signer := change{source: func(s *connection.SAMLSettings) {
		s.MetadataSigners = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: samltest.Certificate(t, federation, samltest.Epoch, samltest.Epoch.AddDate(1, 0, 0))})
	}}
	unsigned := `<md:EntitiesDescriptor ` + mdNS + ` ID="_federation">` + samltest.Mark + string(idp.Metadata()) + `</md:EntitiesDescriptor>`
	signed := samltest.Signing{Key: federation}.SignDocument(unsigned, "_federation")
	b := newBench(t, idp, metadata(signed), signer)
	b.accepts(t, b.with(t))
	for name, tc := range map[string]struct{ document, says string }{
		"not signed":        {strings.Replace(unsigned, samltest.Mark, "", 1), "unsigned"},
		"signed by another": {samltest.Signing{Key: samltest.RSAKey(t, 4)}.SignDocument(unsigned, "_federation"), "signature_invalid"},
		"changed":           {strings.Replace(signed, idp.SSO, "https://evil.test/sso", 1), "digest_mismatch"},
		"an entity only":    {string(idp.Metadata()), "unsigned"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tryBench(t, idp, metadata(tc.document), signer); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %s", err, tc.says)
			}
		})
	}
	if _, err := tryBench(t, idp, change{source: func(s *connection.SAMLSettings) { s.MetadataSigners = []byte("hello") }}); err == nil || !strings.Contains(err.Error(), "metadata signers") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestTwoConnectionsWithOneEntityIDInTheConfigurationAreRefused(t *testing.T) {
	document, other := samltest.NewIdP(t, idpID).Metadata(), samltest.NewIdPWithKey(t, "https://other.test", samltest.RSAKey(t, 1)).Metadata()
	with := func(slug, entityID string, source connection.SAMLSettings) connection.Connection {
		via, err := connection.New(connection.Settings{Slug: slug, Domains: []string{slug + ".example"}, EntityID: entityID, SAML: source})
		if err != nil {
			t.Fatal(err)
		}
		return via
	}
	one := with("one", "", connection.SAMLSettings{Metadata: document})
	const refused = "connection two: entity_id: https://idp.test/metadata is the identity provider of connection one already; edit that one"
	for name, tc := range map[string]struct {
		two  connection.Connection
		want string
	}{
		"the same document":           {with("two", "", connection.SAMLSettings{Metadata: document}), refused},
		"a URL and the same entityID": {with("two", idpID, connection.SAMLSettings{MetadataURL: "https://idp.test/metadata"}), refused},
		"a URL":                       {with("two", "", connection.SAMLSettings{MetadataURL: "https://idp.test/metadata"}), ""},
		"another document":            {with("two", "", connection.SAMLSettings{Metadata: other}), ""},
	} {
		directory, err := connection.NewDirectory(one, tc.two)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := connection.NewDirectory(one)
		if err != nil {
			t.Fatal(err)
		}
		b, err := saml.New(saml.Config{PublicURL: publicURL}, memory.NewKeys(ourKeys(t)), alone, func() time.Time { return samltest.Epoch }, quiet)
		if err != nil {
			t.Fatal(err)
		}
		for when, err := range map[string]error{"check": saml.CheckTogether(directory), "reload": b.Reload(directory)} {
			if got := fmt.Sprint(err); tc.want != "" && got != tc.want || tc.want == "" && err != nil {
				t.Errorf("%s, %s: got %v, want %q", name, when, err, tc.want)
			}
		}
		if got := len(b.States()); tc.want != "" && got != 1 {
			t.Errorf("%s: got %d connections served, want the one from before", name, got)
		}
	}
}
