package acsmove_test

import (
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/acsmove"
)

func TestProductsAreRecognisedByTheirAddresses(t *testing.T) {
	for text, want := range map[string]acsmove.Product{
		"http://www.okta.com/exk1fcia6d6EMsf331d8":                             acsmove.Okta,
		"https://sts.windows.net/0b1c2d3e-0000-0000-0000-000000000000/":        acsmove.Entra,
		"https://login.microsoftonline.com/x/federationmetadata/2007-06/x.xml": acsmove.Entra,
		"https://accounts.google.com/o/saml2?idpid=C01":                        acsmove.Google,
		"http://fs.acme.example/adfs/services/trust":                           acsmove.ADFS,
		"https://fs.acme.example/FederationMetadata/2007-06/x.xml":             acsmove.ADFS,
		"https://auth.pingone.eu/1/idp":                                        acsmove.Ping,
		"https://app.onelogin.com/saml/metadata/1":                             acsmove.OneLogin,
		"https://sso.jumpcloud.com/saml2/acme":                                 acsmove.JumpCloud,
		"https://id.acme.example/realms/acme":                                  acsmove.Keycloak,
		"https://id.acme.example/simplesaml/saml2/idp/metadata.php":            acsmove.SimpleSAMLphp,
		"https://idp.acme.example/idp/shibboleth":                              acsmove.Shibboleth,
		"https://idp.acme.example/metadata":                                    acsmove.Unknown,
		"":                                                                     acsmove.Unknown,
	} {
		if got := acsmove.Recognise("x", text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestInstructionsAreFilledInForEveryProduct(t *testing.T) {
	facts := acsmove.InstructionValues{
		Name: "ACME Corp", EntityID: "https://sso.example.com/saml/metadata", Metadata: "https://sso.example.com/saml/metadata/acme",
		Canonical: "https://sso.example.com/openapi/v1/oauth/device/sso-complete", Legacy: "https://sso.example.com/v1/device/sso-complete",
	}
	seen := map[string]acsmove.Product{}
	for _, p := range []acsmove.Product{
		acsmove.Okta, acsmove.Entra, acsmove.Google, acsmove.ADFS, acsmove.Ping, acsmove.OneLogin, acsmove.JumpCloud,
		acsmove.Keycloak, acsmove.SimpleSAMLphp, acsmove.Shibboleth, acsmove.Unknown,
	} {
		text := acsmove.Instructions(p, facts)
		for _, part := range []string{facts.Name, facts.EntityID, facts.Metadata, facts.Canonical, facts.Legacy, "\n  1. ", "What to do then"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: got no %q, want it in\n%s", p, part, text)
			}
		}
		if strings.ContainsAny(text, "{}") {
			t.Errorf("%s: got a place that is not filled in, want none:\n%s", p, text)
		}
		if other, is := seen[text]; is {
			t.Errorf("%s: got the text of %s, want one of its own", p, other)
		}
		seen[text] = p
	}
}

func TestInstructionsOfAMovedConnectionDoNotSayThatTheOldCallbackIsUsed(t *testing.T) {
	facts := acsmove.InstructionValues{
		Name: "ACME Corp", EntityID: "https://sso.example.com/saml/metadata", Metadata: "https://sso.example.com/saml/metadata/acme",
		Canonical: "https://sso.example.com/openapi/v1/oauth/device/sso-complete", Legacy: "https://sso.example.com/v1/device/sso-complete", Moved: true,
	}
	for _, p := range acsmove.Products() {
		for needs, want := range map[string]string{"": "no longer used: nothing stops", "a response came today": "Keep the old address for now: a response came today."} {
			facts.Needs = needs
			text := acsmove.Instructions(acsmove.Product(p), facts)
			for _, part := range []string{facts.Name, facts.EntityID, facts.Metadata, facts.Canonical, facts.Legacy, "\n  1. ", want} {
				if !strings.Contains(text, part) {
					t.Errorf("%s: got no %q, want it in\n%s", p, part, text)
				}
			}
			if strings.Contains(text, "still used") || strings.Contains(text, "switch over") || strings.ContainsAny(text, "{}") {
				t.Errorf("%s: got %s, want nothing of a move that is over", p, text)
			}
		}
	}
}
