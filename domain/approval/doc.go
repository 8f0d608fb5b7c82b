// Package approval covers the minutes between signing in and deciding.
//
// A [Transaction] is one trip of one browser to an identity provider and back:
//
//	       Arrive               Finish
//	Begun ───────▶ Vouched for ───────▶ Finished, and a Grant is made
//	      response              ticket + the browser that began
//	      accepted              (60 s)
//
// The identity provider's POST is cross-site and carries no cookie of ours. So
// it only earns a [Ticket], and the same-site GET that follows has to come from
// the browser that began the trip: nobody can finish another's.
//
// A [Grant] is five minutes of proof that this browser has just signed that
// subject in for that user code. It is spent once. The cookie's [Handle] names
// all grants of one browser, so that two tabs do not disturb each other; a new
// sign-in moves them under a new handle, so that a handle somebody planted is
// worth nothing.
package approval
