// Package outbound guards requests to addresses that an operator has written down:
// they do not reach what only this machine or its network can reach, unless the
// operator allows it. An address is judged when it is dialled: after the
// resolution of its name, and after each redirect.
package outbound

import "net/netip"

// Reach says from where an address can be reached.
type Reach int

// The reaches.
const (
	Public    Reach = iota
	Private         // this machine or its network
	Forbidden       // no server that we need has one; on link-local ones, clouds answer with their secrets
)

// ReachOf returns the reach of an address, and the address that it leads to.
func ReachOf(addr netip.Addr) (Reach, netip.Addr) {
	ip := embedded(addr.Unmap().WithZone(""))
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return Forbidden, ip
	case ip.IsPrivate(), ip.IsLoopback(), sharedSpace.Contains(ip), ip.Is4() && ip.As4()[0] == 0:
		return Private, ip
	}
	return Public, ip
}

var (
	sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	nat64       = netip.MustParsePrefix("64:ff9b::/96")
	sixTo       = netip.MustParsePrefix("2002::/16")
)

// embedded is the IPv4 address that an IPv6 address leads to.
func embedded(ip netip.Addr) netip.Addr {
	b := ip.As16()
	switch {
	case nat64.Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixTo.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return ip
}
