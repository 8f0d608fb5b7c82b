// Package conformance checks a running server against the RFCs of the device
// flow (8628, 6749, 8414, 7009, 7662, 6750) and against devicegate's own API
// (docs/openapi.yaml). It knows the server by its address alone.
//
// Each [Row] of the [Report] is one rule with the clause that it comes from. A
// rule about something that the server does not offer is skipped, and so is one
// that needs a person while there is none.
package conformance
