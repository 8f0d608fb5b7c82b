package acsmove

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/devicegate/devicegate/domain/fault"
)

// Product is what an identity provider runs on.
type Product string

// The products whose administrators get instructions of their own.
const (
	Okta          Product = "okta"
	Entra         Product = "entra"
	Google        Product = "google"
	ADFS          Product = "adfs"
	Ping          Product = "ping"
	OneLogin      Product = "onelogin"
	JumpCloud     Product = "jumpcloud"
	Keycloak      Product = "keycloak"
	SimpleSAMLphp Product = "simplesamlphp"
	Shibboleth    Product = "shibboleth"
	Unknown       Product = "unknown"
)

// marks are the texts by which [Recognise] knows a product: parts of its addresses
// and entity IDs.
var marks = []struct {
	product Product
	text    string
}{
	{Okta, "okta.com"},
	{Okta, "oktapreview.com"},
	{Entra, "sts.windows.net"},
	{Entra, "login.microsoftonline."},
	{Google, "accounts.google.com"},
	{ADFS, "/adfs/"},
	{ADFS, "/federationmetadata/2007-06/"},
	{Ping, "pingone."},
	{Ping, "pingidentity."},
	{Ping, "/idp/sso.saml2"},
	{OneLogin, "onelogin.com"},
	{JumpCloud, "jumpcloud.com"},
	{Keycloak, "/realms/"},
	{SimpleSAMLphp, "simplesaml"},
	{SimpleSAMLphp, "/saml2/idp/"},
	{Shibboleth, "/idp/shibboleth"},
	{Shibboleth, "/idp/profile/saml2"},
}

// ErrUnknownProduct says that there are no instructions for a product of that name.
var ErrUnknownProduct = fault.InvalidRequest("There is no such product. Write one of: " + strings.Join(Products(), ", ") + ".")

// Products are the names that [ParseProduct] reads.
func Products() []string {
	known := map[string]bool{string(Unknown): true}
	for _, m := range marks {
		known[string(m.product)] = true
	}
	return slices.Sorted(maps.Keys(known))
}

// ParseProduct reads the name of a product. It returns [ErrUnknownProduct].
func ParseProduct(name string) (Product, error) {
	if !slices.Contains(Products(), name) {
		return "", ErrUnknownProduct
	}
	return Product(name), nil
}

// Recognise finds a product by entity IDs and addresses. It returns [Unknown] if
// none fits.
func Recognise(texts ...string) Product {
	for _, m := range marks {
		for _, text := range texts {
			if strings.Contains(strings.ToLower(text), m.text) {
				return m.product
			}
		}
	}
	return Unknown
}

// InstructionValues fill the placeholders of instructions.
type InstructionValues struct {
	Name      string // of the connection
	EntityID  string // ours
	Metadata  string // address of ours for this connection
	Canonical string // the new callback
	Legacy    string // the old one
	Moved     bool   // requests name the new one
	Needs     string // why the old one is needed although it has moved; empty: it is not
}

// Instructions are what an identity provider's administrator has to do: add the
// new callback beside the old one, and later remove that.
func Instructions(p Product, f InstructionValues) string {
	now, later := steps(p)
	fill := strings.NewReplacer(
		"{needs}", f.Needs, "{name}", f.Name, "{entity}", f.EntityID, "{metadata}", f.Metadata, "{new}", f.Canonical, "{old}", f.Legacy,
		"{regexp}", "^("+regexp.QuoteMeta(f.Canonical)+"|"+regexp.QuoteMeta(f.Legacy)+")$",
	)
	if f.Moved {
		return fill.Replace(movedText(now, later, f.Needs != ""))
	}
	return fill.Replace(`Subject: a second callback address for {name}

The address to which your identity provider sends people back after they have
signed in (Assertion Consumer Service, also called ACS, Reply or SSO URL) gets a
successor:

  new: {new}
  old: {old}

Our entity ID stays: {entity}
Our metadata:        {metadata}

What to do now. Add the new address; keep the old one, which is still used.

` + numbered(now) + `
Please tell us when that is done. We test it with one sign-in, switch over, and
tell you when the old address is no longer used. Nothing stops working meanwhile.

What to do then:

` + numbered(later))
}

// movedText is for a connection whose requests name the new callback.
func movedText(now, later []string, oldIsUsed bool) string {
	text := `Subject: the old callback address for {name}

The address to which your identity provider sends people back after they have
signed in (Assertion Consumer Service, also called ACS, Reply or SSO URL) has a
successor, which our requests name:

  new: {new}
  old: {old}

Our entity ID stays: {entity}
Our metadata:        {metadata}

`
	if oldIsUsed {
		text += `Keep the old address for now: {needs}. If your product has
a default among its addresses, make the new one that. We tell you when the old one
is no longer used.
`
	} else {
		text += `The old address is no longer used: nothing stops working without it.
`
	}
	text += `
How the new address is added, if that has not been done:

` + numbered(now) + `
`
	if oldIsUsed {
		return text + "What to do when the old one is no longer used:\n\n" + numbered(later)
	}
	return text + "What to do with the old one, if it is registered:\n\n" + numbered(later)
}

func numbered(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		b.WriteString("  " + string(rune('1'+i)) + ". " + strings.ReplaceAll(line, "\n", "\n     ") + "\n")
	}
	return b.String()
}

// steps are what to do now, and what to do when the old callback is no longer used.
func steps(p Product) (now, later []string) {
	switch p {
	case Okta:
		return []string{
			"Okta Admin Console: Applications > Applications > the application whose Audience URI is\n{entity} > General > SAML Settings > Edit > Next.",
			"Leave \"Single sign-on URL\" as it is. Under \"Show Advanced Settings\", at \"Other\nRequestable SSO URLs\", choose Add Another and enter {new}\nwith any free index. (Where there is no such list, first tick \"Allow this app to request other\nSSO URLs\". With \"Signed Requests\" ticked, Okta empties the list and takes the address of each\nrequest: then there is nothing to add.)",
			"Next > Finish.",
		}, []string{"In the same place, enter {new} as \"Single sign-on URL\",\nwith \"Use this for Recipient URL and Destination URL\" ticked, and remove the other entry."}
	case Entra:
		return []string{
			"Microsoft Entra admin center: Enterprise applications > the application whose Identifier is\n{entity} > Single sign-on > Basic SAML Configuration > Edit.",
			"At \"Reply URL (Assertion Consumer Service URL)\" choose \"Add reply URL\" and enter\n{new}. Leave the default where it is.",
			"Save.",
		}, []string{"In the same place, make {new} the default and delete {old}."}
	case Google:
		return []string{
			"Google lets an application have one ACS URL only, and refuses requests that name another.\nPlease agree on a moment with us; sign-ins fail between your change and ours.",
			"At that moment, Google Admin console: Apps > Web and mobile apps > the application whose\nEntity ID is {entity} > Service provider details > ACS URL: {new}",
			"Save, and tell us at once. (We then run: devicegate migration advance --unproven.)\nGoogle may take some minutes, seldom a day, until the change is effective everywhere.",
		}, []string{"Nothing: the old address is gone already."}
	case ADFS:
		return []string{
			"AD FS Management: Relying Party Trusts > the trust whose identifier is\n{entity} > Properties > Endpoints > Add SAML.",
			"Endpoint type: SAML Assertion Consumer. Binding: POST. Index: 0, or another that is free.\nTrusted URL: {new}. Do not set it as default yet.",
			"OK > Apply. If the trust is updated from our metadata, \"Update from Federation Metadata\"\ndoes the same.",
		}, []string{"In the same place, edit the new endpoint to be the default, and remove {old}."}
	case Ping:
		return []string{
			"PingOne: Applications > the application whose Entity ID is {entity} >\nConfiguration > Edit > ACS URLs > Add, and enter {new}.",
			"PingFederate instead: SP Connections > the connection > Browser SSO > Protocol Settings >\nAssertion Consumer Service URL > Add: binding POST, a free index,\n{new}. Leave the default where it is.",
			"Save.",
		}, []string{"In the same place, make {new} the default and remove {old}."}
	case OneLogin:
		return []string{
			"OneLogin Administration: Applications > the application whose Audience is {entity} >\nConfiguration.",
			"Leave \"ACS (Consumer) URL\" as it is. At \"ACS (Consumer) URL Validator\" enter\n{regexp}",
			"Save.",
		}, []string{"Enter {new} as \"ACS (Consumer) URL\", and the same as validator, with a\nbackslash before each dot."}
	case JumpCloud:
		return []string{
			"JumpCloud Admin Portal: SSO Applications > the application whose SP Entity ID is\n{entity} > SSO.",
			"At \"ACS URLs\" choose Add URL and enter {new}.\nLeave the default where it is.",
			"Save.",
		}, []string{"In the same place, make {new} the default and remove {old}."}
	case Keycloak:
		return []string{
			"Keycloak Admin Console: the realm > Clients > the client whose Client ID is\n{entity} > Settings.",
			"At \"Valid redirect URIs\" choose \"Add valid redirect URIs\" and enter {new}.",
			"Under Advanced, \"Assertion Consumer Service POST Binding URL\" has to be empty: the address\nof each request counts then. Save.",
		}, []string{"Remove {old} from \"Valid redirect URIs\", and enter {new} as\n\"Master SAML Processing URL\" if the old address stands there."}
	case SimpleSAMLphp:
		return []string{
			"In metadata/saml20-sp-remote.php, find $metadata['{entity}'].",
			"Make its AssertionConsumerService a list of both:\n" +
				"'AssertionConsumerService' => [\n" +
				"  ['index' => 0, 'isDefault' => true, 'Binding' => 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST', 'Location' => '{new}'],\n" +
				"  ['index' => 1, 'isDefault' => false, 'Binding' => 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST', 'Location' => '{old}'],\n" +
				"],",
			"If the file is made from metadata (metarefresh), let it read {metadata} again.",
		}, []string{"Remove the entry with index 1, or read our metadata again."}
	case Shibboleth:
		return []string{
			"Find our metadata among the providers in conf/metadata-providers.xml, under the entity ID\n{entity}.",
			"If it is a file, fetch it anew: {metadata}. It lists both addresses.\nIf it is an HTTP provider, it reads the change by itself.",
			"Reload: bin/reload-service.sh -id shibboleth.MetadataResolverService",
		}, []string{"Fetch our metadata once more; it lists the new address alone then."}
	}
	now = []string{
		"Find our application (service provider, relying party) by its entity ID:\n{entity}",
		"Add {new} to its Assertion Consumer Service URLs, with the\nbinding HTTP-POST. If it can have one only, tell us before you change it.",
		"If your product reads metadata, let it read {metadata} again instead.",
	}
	return now, []string{"Make {new} the default and remove {old}."}
}
