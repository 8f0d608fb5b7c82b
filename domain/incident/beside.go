package incident

import (
	"net/netip"
	"slices"
	"time"
)

// IsBeside reports whether the person is in the device's network, but at another
// address than the device. Where each machine has an address of its own, that is how
// a colleague's device differs from one's own. A server that several people use over
// SSH looks the same.
func (o Observation) IsBeside() bool {
	return o.Where == Near && o.DeviceAddress.IsValid() && o.BrowserAddress.IsValid() && o.DeviceAddress != o.BrowserAddress
}

// WhereaboutsOf is where the person of o is as seen from the source. Of an [Address]
// only that very address is near.
func (s Source) WhereaboutsOf(o Observation) Whereabouts {
	if s.Kind == Address && o.IsBeside() {
		return Far
	}
	return o.Where
}

// seenBy is what was observed of a source as it is weighed, the oldest first. Of an
// [Address] the observations of its network are given. A person beside it is far. So
// is none whose address other people's browsers have, too: such an address is that of
// a proxy or of a gateway, and says nothing about a machine. People in other networks
// are the network's matter.
func (r Rules) seenBy(source Source, seen []Observation) []Observation {
	seen = slices.SortedFunc(slices.Values(seen), func(a, b Observation) int { return a.At.Compare(b.At) })
	switch source.Kind {
	case Network, Devices, FirstTime:
		return seen
	case DevicesAtAddress:
		return seenAtDevice(seen)
	}
	shared := r.sharedAddresses(seen)
	var there []Observation
	for _, o := range seen {
		switch {
		case o.DeviceAddress != source.Network.Addr():
			continue
		case o.IsBeside() && !shared[o.BrowserAddress]:
			o.Where = Far
		case o.IsBeside(), o.Where == Far:
			o.Where = Unknown
		}
		there = append(there, o)
	}
	return there
}

// sharedAddresses are those from which the browsers of several people came within a
// window. Over a longer time, addresses are given to other machines.
func (r Rules) sharedAddresses(seen []Observation) map[netip.Addr]bool {
	type visitor struct {
		person
		at time.Time
	}
	last, shared := map[netip.Addr]visitor{}, map[netip.Addr]bool{}
	seen = slices.SortedFunc(slices.Values(seen), func(a, b Observation) int { return a.At.Compare(b.At) })
	for _, o := range seen {
		if o.Person.IsZero() || !o.BrowserAddress.IsValid() {
			continue
		}
		before, known := last[o.BrowserAddress]
		if known && before.person != o.person() && !o.At.After(before.at.Add(r.Window)) {
			shared[o.BrowserAddress] = true
		}
		last[o.BrowserAddress] = visitor{o.person(), o.At}
	}
	return shared
}

// presentNear is how many of the people near count as present. One person at an
// [Address] may be the attacker, whose machine it is.
func (s Source) presentNear(people int) int {
	if s.Kind == Address {
		return max(people-1, 0)
	}
	return people
}
