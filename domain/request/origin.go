// Package request describes where a request came from: the address, the user agent
// and the id under which the log has it. Events record an [Origin], and rules compare
// addresses of origins; what a request asks for belongs to the package of its subject.
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
	// BehindUnknownProxy says that IP may be the address of a proxy, so that it says
	// nothing certain about the sender. A client can claim so, to hide.
	BehindUnknownProxy bool
	// OfProxy says that IP is the address of a trusted proxy, which passes no client's
	// on. No client can cause it.
	OfProxy bool
}

// Address is the sender's, or that of a proxy that is not known; zero: a trusted
// proxy hides it.
func (o Origin) Address() netip.Addr {
	if o.OfProxy {
		return netip.Addr{}
	}
	return o.IP
}

// CertainAddress is the sender's own; zero: it may be that of a proxy.
func (o Origin) CertainAddress() netip.Addr {
	if o.BehindUnknownProxy {
		return netip.Addr{}
	}
	return o.Address()
}
