// Package spkeys models the key pairs of the SAML service provider.
//
// A key is rotated without downtime: the new pair is published as next until
// every identity provider has read it, then becomes the active one, and the old
// pair stays as previous while responses encrypted for it may still arrive.
package spkeys
