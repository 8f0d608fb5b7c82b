// Package device models the OAuth 2.0 device authorization grant (RFC 8628).
//
// An [Authorization] is one attempt of one client to get a token. It moves one
// way:
//
//	            Approve             Redeem
//	Pending ───────────▶ Approved ──────────▶ Redeemed
//	   │                    │
//	   │ Deny               │ Undo
//	   └───────▶ Denied ◀───┘
//
// Expiry is not a state: an authorization that has run out refuses to move. An
// approval given in the last seconds stays redeemable for a minute. A redeemed
// authorization may be answered once more ([Authorization.Repeat]), because an
// HTTP client re-sends when a kept-alive connection dies under it; undoing the
// approval ends that, too.
//
// A [Code] is the client's secret, a [UserCode] what the person types.
package device
