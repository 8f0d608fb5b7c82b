// Package approval covers the minutes between signing in and deciding.
//
// A [Transaction] is one sign-in of one browser at an identity provider:
//
//	       AcceptAssertion          Complete
//	begun ────────────────▶ accepted ───────▶ completed, and a Grant is made
//	      the response was           ticket (60 s) and
//	      verified                   the browser that began
//
// The identity provider's POST is cross-site and carries no cookie of ours. So
// it earns a [Ticket] only, and the same-site GET that follows has to come from
// the browser that began the transaction.
//
// A [Grant] is five minutes of proof that this browser has just signed that
// subject in for a [Purpose]. A grant for a device is spent once, on a decision;
// what package device then demands is the [Decision] that [Grants.Spend] returns.
// The cookie's [GrantSession] names all grants of one browser, so that two tabs
// do not disturb each other. A new sign-in moves them into a new session, so that
// a session that an attacker planted in the browser is worth nothing.
package approval
