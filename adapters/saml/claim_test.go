package saml_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/ports"
)

func TestAClaimNamesTheConnectionOfTheIssuer(t *testing.T) { // F16, F26
	b := newBench(t, samltest.NewIdP(t, idpID))
	unsigned := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	response := func(inside string) string {
		return unsigned(`<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` + inside + `</p:Response>`)
	}
	known := ports.Claim{Issuer: idpID, Connection: "acme"}
	for name, c := range map[string]struct {
		raw  string
		want ports.Claim
	}{
		"a whole response":          {b.with(t), known},
		"of the response":           {response(`<Issuer> ` + idpID + ` </Issuer>`), known},
		"of the assertion":          {response(`<Assertion><Issuer>` + idpID + `</Issuer></Assertion>`), known},
		"of an unknown one":         {response(`<Issuer>https://other.example</Issuer>`), ports.Claim{Issuer: "https://other.example"}},
		"with a forged line":        {response("<Issuer>x\ny</Issuer>"), ports.Claim{Issuer: "x·y"}},
		"longer than a log line":    {response(`<Issuer>` + strings.Repeat("x", 1000) + `</Issuer>`), ports.Claim{Issuer: strings.Repeat("x", 200) + "…"}},
		"two":                       {response(`<Issuer>` + idpID + `</Issuer><Issuer>x</Issuer>`), ports.Claim{}},
		"none":                      {response(``), ports.Claim{}},
		"not a response":            {unsigned(`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` + idpID + `</Issuer>`), ports.Claim{}},
		"too large to be a sign-in": {response(`<Issuer>` + idpID + `</Issuer>` + strings.Repeat(" ", 300<<10)), ports.Claim{}},
	} {
		if got := b.broker.Claim(c.raw); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}
