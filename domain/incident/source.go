package incident

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/secret"
)

// SourceKind is a kind of source.
type SourceKind string

// The kinds of sources.
const (
	// Network is the device's network: the IPv4 /24 or the IPv6 /48, as for
	// [device.NetworkMatch]. A host chooses its IPv6 addresses freely within it.
	Network SourceKind = "network"
	// Address is one address of a device, for people in the same network: it counts
	// those who are beside it ([Observation.IsBeside]).
	Address SourceKind = "address"
	// Devices are those of one client with one label and one user agent, in
	// whatever networks.
	Devices SourceKind = "devices"
	// FirstTime are the codes that people in other networks open for a device they
	// have never connected, of all clients: an attacker may choose one for each
	// device. Nothing else has to be alike, so honest devices are always among them.
	FirstTime SourceKind = "first_time"
	// DevicesAtAddress are those of one client with one label and one user agent at one
	// address, for people at that very address. Behind a gateway that is an office, so it
	// is noticed, and holds nothing before an administrator contains it.
	DevicesAtAddress SourceKind = "devices_at_address"
)

// Source is what the codes of one campaign have in common.
type Source struct {
	Kind    SourceKind
	Network netip.Prefix // of a [Network]; of an address, that address alone

	// Of [Devices] and of [DevicesAtAddress].
	ClientID, Label, UserAgent string
}

// NetworkOf is the network of an address; zero: no address is known.
func NetworkOf(ip netip.Addr) netip.Prefix {
	ip = plain(ip)
	bits := 24
	if ip.Is6() {
		bits = 48
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// plain is an address in the form in which addresses are compared.
func plain(ip netip.Addr) netip.Addr { return ip.Unmap().WithZone("") }

// AddressOf is the source of devices at one address; zero: no address is known.
func AddressOf(ip netip.Addr) Source {
	if ip = plain(ip); !ip.IsValid() {
		return Source{}
	}
	return Source{Kind: Address, Network: netip.PrefixFrom(ip, ip.BitLen())}
}

// At is the source of [Devices] at one address.
func (s Source) At(ip netip.Addr) Source {
	s.Kind, s.Network = DevicesAtAddress, AddressOf(ip).Network
	return s
}

// Anywhere is the source of the same [Devices] at any address.
func (s Source) Anywhere() Source {
	s.Kind, s.Network = Devices, netip.Prefix{}
	return s
}

// SourcesOf are those that an authorization belongs to, [FirstTime] last.
func SourcesOf(d device.Snapshot) []Source {
	devices := Source{Kind: Devices, ClientID: d.ClientID, Label: d.Label, UserAgent: d.UserAgent}
	sources := []Source{devices}
	if network := NetworkOf(d.RequestedFrom); network.IsValid() {
		sources = append(sources, Source{Kind: Network, Network: network}, AddressOf(d.RequestedFrom), devices.At(d.RequestedFrom))
	}
	return append(sources, Source{Kind: FirstTime})
}

// IsZero reports whether there is no source.
func (s Source) IsZero() bool { return s.Kind == "" }

// Key is the source in one short text, for look-ups.
func (s Source) Key() string {
	switch s.Kind {
	case Network:
		return string(Network) + " " + s.Network.String()
	case Address:
		return string(Address) + " " + s.Network.Addr().String()
	case FirstTime:
		return string(FirstTime)
	case DevicesAtAddress:
		return string(DevicesAtAddress) + strings.TrimPrefix(s.Anywhere().Key(), string(Devices)) + " " + s.Network.Addr().String()
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{s.ClientID, s.Label, s.UserAgent}, "\x00")))
	return string(Devices) + " " + secret.Digest(sum).Hex()[:32]
}

// String is the source as operators read it.
func (s Source) String() string {
	switch s.Kind {
	case Network:
		return s.Network.String()
	case Address:
		return s.Network.Addr().String()
	case FirstTime:
		return "first connections from other networks"
	case DevicesAtAddress:
		return s.Anywhere().String() + " at " + s.Network.Addr().String()
	}
	return fmt.Sprintf("devices %s of %s with %s", strconv.Quote(s.Label), s.ClientID, strconv.Quote(s.UserAgent))
}

func (s Source) possible() bool {
	switch s.Kind {
	case Network:
		return s.Network.IsValid() && s == Source{Kind: Network, Network: NetworkOf(s.Network.Addr())}
	case Address:
		return s.Network.IsSingleIP() && s == AddressOf(s.Network.Addr())
	case Devices:
		return s.ClientID != "" && s == Source{Kind: Devices, ClientID: s.ClientID, Label: s.Label, UserAgent: s.UserAgent}
	case FirstTime:
		return s == Source{Kind: FirstTime}
	case DevicesAtAddress:
		return s.ClientID != "" && s.Network.IsSingleIP() && s == s.At(s.Network.Addr())
	}
	return false
}
