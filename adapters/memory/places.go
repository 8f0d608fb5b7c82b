package memory

import (
	"net/netip"

	"github.com/devicegate/devicegate/domain/place"
)

// Places is a [ports.Places] that knows the given networks, of which none lies in
// another. The zero Places knows none.
type Places map[netip.Prefix]place.Place

// Of implements [ports.Places].
func (p Places) Of(addr netip.Addr) place.Place {
	for network, where := range p {
		if network.Contains(addr.Unmap()) {
			return where
		}
	}
	return place.Place{}
}
