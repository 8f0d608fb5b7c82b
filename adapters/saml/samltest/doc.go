// Package samltest is a SAML identity provider for tests: it builds, signs,
// encrypts and changes messages in every way that package saml checks.
//
// A [Message] is text until the last moment, so that a test can put anything
// anywhere, before or after it is signed:
//
//	idp := samltest.NewIdP(t, "https://idp.test/metadata")
//	raw := idp.Message(request).With(func(m *samltest.Message) {
//		m.NameID = "alice<!-- -->.evil"
//	}).Encode()
package samltest
