package device

import (
	"net/netip"

	"github.com/devicegate/devicegate/domain/request"
)

// NetworkMatch compares the network of a device with that of the person who
// decides about it.
type NetworkMatch string

// The matches.
const (
	SameNetwork    NetworkMatch = "same" // the same address, IPv4 /24 or IPv6 /48
	OtherNetwork   NetworkMatch = "other"
	UnknownNetwork NetworkMatch = "unknown" // the addresses cannot be compared
)

// NetworkMatchFor compares the address that the device asked from with the
// person's. It is [UnknownNetwork] if one of them is missing, if they are of
// different families (one household has both), or if a proxy hides one: then all
// requests have one address.
func (a *Authorization) NetworkMatchFor(person request.Origin) NetworkMatch {
	return matchOf(a.s.RequestedFrom, person.CertainAddress(), 24, 48)
}

// StartedBeside reports whether the other authorization was started from the same
// address, or the same IPv6 /64, which is one subscriber's.
func (a *Authorization) StartedBeside(other *Authorization) bool {
	return matchOf(a.s.RequestedFrom, other.s.RequestedFrom, 32, 64) == SameNetwork
}

func matchOf(a, b netip.Addr, bits4, bits6 int) NetworkMatch {
	a, b = a.Unmap().WithZone(""), b.Unmap().WithZone("")
	if !a.IsValid() || !b.IsValid() || a.BitLen() != b.BitLen() {
		return UnknownNetwork
	}
	bits := bits4
	if a.Is6() {
		bits = bits6
	}
	if network, err := a.Prefix(bits); err == nil && network.Contains(b) {
		return SameNetwork
	}
	return OtherNetwork
}
