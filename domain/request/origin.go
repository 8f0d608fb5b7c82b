// Package request describes where a request came from.
package request

import "net/netip"

// ShortIDLength is how much of the id of a request the page shows.
const ShortIDLength = 12

// ShortID is the end of the id of a request, which is enough to find it and can be
// read out.
func ShortID(id string) string { return id[max(0, len(id)-ShortIDLength):] }

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
