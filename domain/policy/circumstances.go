package policy

import (
	"net/netip"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
)

// Network is how the device's network compares with that of the person.
type Network string

// The relations of networks.
const (
	Near    Network = "near"
	Far     Network = "far"
	Unknown Network = "unknown" // cannot be compared
)

// NetworkOf words a comparison of addresses. A comparison that was not made is
// [Unknown].
func NetworkOf(match device.NetworkMatch) Network {
	switch match {
	case device.SameNetwork:
		return Near
	case device.OtherNetwork:
		return Far
	}
	return Unknown
}

// Match is what people are told of the relation: that by which policy decides.
func (n Network) Match() device.NetworkMatch {
	switch n {
	case Near:
		return device.SameNetwork
	case Far:
		return device.OtherNetwork
	}
	return device.UnknownNetwork
}

// Farther is the less trusted of two relations. An address that is far from one of
// the person's addresses is far.
func (n Network) Farther(than Network) Network {
	switch {
	case n == Far || than == Far:
		return Far
	case n == Unknown || than == Unknown:
		return Unknown
	}
	return Near
}

// Circumstances are what is known of a request when it is to be approved.
type Circumstances struct {
	Client     string // client_id
	Connection string // slug, through which the person signed in

	Network Network
	Device  netip.Addr // zero: not known
	Browser netip.Addr // zero: not known

	// KnownNetwork says that the person has a live token of the same client and
	// label that was started from the device's address.
	KnownNetwork bool
	// NewDevice says that the person has never connected the client and label.
	NewDevice bool
	// Suspected says that signals of phishing speak against the request.
	Suspected bool
	// Typed says that the person typed the user code. Otherwise a link may have
	// carried it.
	Typed bool
	// LoginHint is the person whom the device named at its start; zero: none.
	LoginHint identity.Email
}
