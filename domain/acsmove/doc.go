// Package acsmove models the move of identity providers from the legacy callback
// (AssertionConsumerService) to the canonical one.
//
// A [Ledger] is what was seen of one connection on either callback: requests that
// named it, sign-ins that ended on it. Its [Verdict] says how far the move is. A
// [Move] is what was decided: whether requests name the canonical callback
// although the connection's setting says legacy, and the last [Test].
//
//	        NewTest           OpenTest              PassTest
//	no test ───────▶ waiting ─────────▶ opened ───────────────▶ passed, and moved
//	                                      │ FailTest      ▲
//	                                      ▼               │
//	                                    failed, nothing moved
//
// A test is one sign-in, without a device, that names the canonical callback.
package acsmove
