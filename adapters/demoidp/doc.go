// Package demoidp is a small SAML identity provider for the demo and for tests:
// a login form of its own, three people, one key that lives as long as the
// process. It is not for production: every user's password is on the page.
//
//	/metadata     its entityID, address and signing key
//	/sso          an AuthnRequest comes in, by GET or POST
//	/login        the person signs in, continues, changes the account or cancels
//	/sign-out     ends the session
//
// It stands on crewjam/saml for reading requests and for writing, signing and
// encrypting responses. The library's own samlidp is not used: it refuses a
// request after 90 seconds, which people take for a login, signs by SHA-1, and
// lets every client on the network add users.
package demoidp
