package ports

import (
	"net/netip"

	"github.com/devicegate/devicegate/domain/place"
)

// Places tells where network addresses are used.
type Places interface {
	// Of is zero for an address that is not known, among them all that are not
	// public. An IPv4 address in IPv6 form is the IPv4 address. It answers from
	// memory and never fails.
	Of(addr netip.Addr) place.Place
}
