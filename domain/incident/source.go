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
)

// Source is what the codes of one campaign have in common.
type Source struct {
	Kind    SourceKind
	Network netip.Prefix // of a [Network]; of an [Address], that address alone

	ClientID         string // of [Devices]
	Label, UserAgent string // of [Devices]
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

// SourcesOf are those that an authorization belongs to, [FirstTime] last.
func SourcesOf(d device.Snapshot) []Source {
	sources := []Source{{Kind: Devices, ClientID: d.ClientID, Label: d.Label, UserAgent: d.UserAgent}}
	if network := NetworkOf(d.RequestedFrom); network.IsValid() {
		sources = append(sources, Source{Kind: Network, Network: network}, AddressOf(d.RequestedFrom))
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
	}
	return false
}
