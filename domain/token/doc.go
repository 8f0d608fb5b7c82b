// Package token models the bearer token that a device ends up with (RFC 6750).
//
// An [AccessToken] is made when an approval is redeemed, and never kept in the
// clear: a [Secret] is seen by the client alone, a store keeps its digest.
//
//	Mint ──▶ live ──Revoke, Expire──▶ revoked
//	          │ ▲
//	          └─┘ Reissue: another secret for the same token, if never used
//
// There is one live token for each [Device]: the same person, at the same
// identity provider, with the same client and device label. A new login there
// replaces the old one.
package token
