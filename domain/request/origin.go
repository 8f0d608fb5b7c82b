// Package request describes where a request came from.
package request

import "net/netip"

// Origin is what is known about the sender of a request: for audit events,
// limits and the comparison of networks. It holds no secret.
type Origin struct {
	ID        string // of the request, as it stands in the log
	IP        netip.Addr
	UserAgent string
	// Language is what the browser in which a person decides asks for: a BCP 47 tag,
	// or empty.
	Language string
	// BehindUnknownProxy says that IP may be the address of a proxy that is not
	// configured as trusted, so that it says nothing about the sender.
	BehindUnknownProxy bool
}
