// Package saml signs people in at SAML 2.0 identity providers: it is the
// service provider of the Web Browser SSO profile, and nothing more of SAML.
//
// Nothing is read that was not verified, and what was verified is read whole. A response goes through these steps, one file each, and the first
// that objects ends it with a reason of its own:
//
//	document the raw octets: size, depth, numbers, one root, no DTD
//	locate   one Status, one Assertion or EncryptedAssertion, no ID twice
//	decrypt  the EncryptedAssertion, if that is what it is
//	verify   the signatures, with the keys of the connection's metadata
//	decode   the octets that were signed, and no others
//	validate by the Web SSO profile: issuer, audience, times, the request
//	subject  the person, by the contract's rules and the connection's domains
//
// Spending the assertion's ID and the request's comes last, in the transaction
// that records the sign-in, and is the use case's.
//
// XML itself is read by package xmltree, signatures and encryption by package
// xmlsec; neither knows SAML. crewjam/saml gives the AuthnRequest.
package saml

// Namespaces and names of SAML 2.0.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"

	bindingPOST     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"

	formatEntity      = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
	formatEmail       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	formatUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	formatPersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	formatTransient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"

	statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"
	methodBearer  = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
)
