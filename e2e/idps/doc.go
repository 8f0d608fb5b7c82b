// Package idps signs people in at real identity providers: SimpleSAMLphp,
// LemonLDAP::NG, Lasso and pysaml2 from Debian, samlp and samlify from npm. Each is
// started by a script in testdata, in the variants in which it can sign and encrypt.
//
// The same sign-ins are how the corpus of the SAML adapter was recorded. The service
// has the address and the key pair of that package's tests, so that what an identity
// provider answers here is accepted there:
//
//	go test ./e2e/idps -capture ../../adapters/saml/testdata/vendors
//
// That makes new keys for the identity providers and writes their metadata, the
// responses, and the IDs of the requests that these answer; people are invented.
package idps
