package explain

import "github.com/devicegate/devicegate/domain/acsmove"

// words are what the administration of a product calls its settings.
type words struct {
	name        string // of the product
	acs         string // where the callback is entered
	audience    string // where our entity ID is entered
	nameID      string
	attributes  string // where an attribute with the e-mail address is added
	signing     string
	encryption  string
	certificate string // where its certificate and its metadata are
	assignment  string // the people that may sign in
}

var products = map[acsmove.Product]words{
	acsmove.Okta: {
		"Okta", `"Single sign-on URL" (with "Use this for Recipient URL and Destination URL") or "Other Requestable SSO URLs"`,
		`"Audience URI (SP Entity ID)"`, `"Name ID format" and "Application username"`,
		`"Attribute Statements": name email, value user.email`, `"Assertion Signature", "Response" and "Signature Algorithm" under Show Advanced Settings`,
		`"Assertion Encryption" and "Encryption Certificate" under Show Advanced Settings`,
		`"Sign On" > "SAML Signing Certificates" and "Metadata URL"`, `"Assignments"`,
	},
	acsmove.Entra: {
		"Entra ID", `"Reply URL (Assertion Consumer Service URL)" in Basic SAML Configuration`,
		`"Identifier (Entity ID)" in Basic SAML Configuration`, `"Unique User Identifier (Name ID)" in Attributes & Claims`,
		`Attributes & Claims: a claim emailaddress with the source user.mail (guests often have no mail: user.userprincipalname)`,
		`"Signing Option" and "Signing Algorithm" in SAML Certificates`, `"Token encryption"`,
		`SAML Certificates: "App Federation Metadata Url", and the certificate that is active`, `"Users and groups"`,
	},
	acsmove.Google: {
		"Google Workspace", `"ACS URL" in Service provider details`, `"Entity ID" in Service provider details`,
		`"Name ID format" and "Name ID" in Service provider details`, `"SAML attribute mapping": Primary email to email`,
		`"Signed response" in Service provider details`, `Google encrypts nothing`,
		`"Download metadata" of the application`, `"User access" of the application`,
	},
	acsmove.ADFS: {
		"AD FS", `"Endpoints" of the relying party trust`, `"Identifiers" of the relying party trust`,
		`a rule of the claim issuance policy with the outgoing claim type Name ID`,
		`a rule of the claim issuance policy: Send LDAP Attributes as Claims, E-Mail-Addresses to E-Mail Address`,
		`Set-AdfsRelyingPartyTrust -SamlResponseSignature, and "Secure hash algorithm" under Advanced`,
		`"Encryption" of the relying party trust`, `/FederationMetadata/2007-06/FederationMetadata.xml, and Service > Certificates: Token-signing`,
		`"Access Control Policy" of the relying party trust`,
	},
	acsmove.Ping: {
		"Ping", `"ACS URLs" (PingFederate: "Assertion Consumer Service URL")`, `"Entity ID" (PingFederate: "Partner's Entity ID")`,
		`"Subject NameID Format" (PingFederate: SAML_SUBJECT in the attribute contract)`, `"Attribute Mappings": email to Email Address`,
		`"Sign Assertion", "Sign Response" and "Signing Algorithm" (PingFederate: Signature Policy)`,
		`"Enable Encryption" (PingFederate: Encryption Policy)`, `"IdP Metadata URL" and the signing key of the application`, `"Access" of the application`,
	},
	acsmove.OneLogin: {
		"OneLogin", `"ACS (Consumer) URL" and "ACS (Consumer) URL Validator"; "Recipient" may be empty`, `"Audience (EntityID)"`,
		`"SAML nameID format" and the parameter NameID value`, `"Parameters": a field email with "Include in SAML assertion"`,
		`"SAML signature element", and the algorithm under SSO`, `"Encrypt assertion"`, `"SSO": "Issuer URL" and "X.509 Certificate"`, `"Users" and "Access"`,
	},
	acsmove.JumpCloud: {
		"JumpCloud", `"ACS URLs"`, `"SP Entity ID"`, `"SAMLSubject NameID" and its format`, `"User Attribute Mapping": email to email`,
		`"Sign" (Assertion, Response or both) and "Signature Algorithm"`, `"Encrypt Assertion"`, `"Export Metadata" and "IdP Certificate"`, `"User Groups" of the application`,
	},
	acsmove.Keycloak: {
		"Keycloak", `"Valid redirect URIs", with an empty "Assertion Consumer Service POST Binding URL" under Advanced`, `"Client ID"`,
		`"Name ID format", with "Force name ID format" on`, `Client scopes > the dedicated scope > Add mapper > User Attribute or X500 email`,
		`"Sign assertions", "Sign documents" and "Signature algorithm"`, `"Encrypt assertions" under Keys`,
		`Realm settings > "SAML 2.0 Identity Provider Metadata", and Keys`, `the roles that the authentication flow asks for`,
	},
	acsmove.SimpleSAMLphp: {
		"SimpleSAMLphp", `AssertionConsumerService in metadata/saml20-sp-remote.php`, `the key of $metadata in metadata/saml20-sp-remote.php`,
		`NameIDFormat, and the filter saml:AttributeNameID`, `the attribute mail in authproc, and "attributes" of the service provider`,
		`saml20.sign.assertion, saml20.sign.response and signature.algorithm`, `assertion.encryption, and "keys" of the service provider`,
		`saml2/idp/metadata.php`, `the filters in authproc`,
	},
	acsmove.Shibboleth: {
		"Shibboleth", `the AssertionConsumerService of our metadata, which it has to read again`, `the entityID of our metadata`,
		`saml-nameid.xml`, `attribute-filter.xml: release mail to our entity ID`, `p:signAssertions and p:signResponses in relying-party.xml`,
		`p:encryptAssertions in relying-party.xml, and the certificate in our metadata`, `idp-metadata.xml and credentials/idp-signing.crt`, `attribute-filter.xml and the intercept flows`,
	},
	acsmove.Unknown: {
		"the identity provider", `the Assertion Consumer Service (ACS, Reply, Single sign-on) URL`, `the entity ID (audience) of our application`,
		`the format and the source of the NameID`, `an attribute with the e-mail address, usually called mail or email`,
		`what is signed, and with which algorithm`, `the certificate that assertions are encrypted for`, `its metadata and signing certificate`, `the people or groups that the application is assigned to`,
	},
}

func wordsOf(p acsmove.Product) words {
	if w, known := products[p]; known {
		return w
	}
	return products[acsmove.Unknown]
}
