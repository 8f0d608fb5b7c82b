package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Truth is a condition that may be left open.
type Truth string

// The values of a [Truth]. The zero Truth is met by either.
const (
	Yes Truth = "true"
	No  Truth = "false"
)

// TruthOf is the condition that is met by value.
func TruthOf(value bool) Truth {
	if value {
		return Yes
	}
	return No
}

// Trust is a condition on an address.
type Trust string

// The values of a [Trust]. The zero Trust is met by any address.
const (
	Trusted   Trust = "trusted"   // in one of the trusted networks
	Untrusted Trust = "untrusted" // in none of them, or not known
)

// Entry is a condition on how the user code reached the page.
type Entry string

// The values of an [Entry]. The zero Entry is met by either.
const (
	ByHand Entry = "typed"
	ByLink Entry = "link" // or it is not known that it was typed
)

// Conditions are what a rule asks of the circumstances. It matches if all hold; a
// condition that is left out always holds.
type Conditions struct {
	Clients      []string // client_ids
	Connections  []string // slugs
	Networks     []Network
	Device       Trust
	Browser      Trust
	KnownNetwork Truth
	NewDevice    Truth
	Suspected    Truth
	Code         Entry
	LoginHint    Truth // the device named a person
}

// dimension is one condition: what it allows, nil for anything, and what is the
// case.
type dimension struct {
	name    string
	allowed []string
	is      string
}

func one[T ~string](value T) []string {
	if value == "" {
		return nil
	}
	return []string{string(value)}
}

func all[T ~string](values []T) (out []string) {
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

// dimensions lists the conditions by the names that the policy file has for them.
func (w Conditions) dimensions(c Circumstances, trusted []netip.Prefix) []dimension {
	entry := ByLink
	if c.Typed {
		entry = ByHand
	}
	return []dimension{
		{"client", w.Clients, c.Client},
		{"connection", w.Connections, c.Connection},
		{"network", all(w.Networks), string(c.Network)},
		{"device", one(w.Device), string(trustIn(trusted, c.Device))},
		{"browser", one(w.Browser), string(trustIn(trusted, c.Browser))},
		{"known_network", one(w.KnownNetwork), string(TruthOf(c.KnownNetwork))},
		{"new_device", one(w.NewDevice), string(TruthOf(c.NewDevice))},
		{"suspected", one(w.Suspected), string(TruthOf(c.Suspected))},
		{"code", one(w.Code), string(entry)},
		{"login_hint", one(w.LoginHint), string(TruthOf(!c.LoginHint.IsZero()))},
	}
}

func trustIn(networks []netip.Prefix, address netip.Addr) Trust {
	if within(networks, address) {
		return Trusted
	}
	return Untrusted
}

func within(networks []netip.Prefix, address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(address) })
}

// unmet is the first condition that does not hold; empty: all do.
func (w Conditions) unmet(c Circumstances, trusted []netip.Prefix) string {
	for _, d := range w.dimensions(c, trusted) {
		if d.allowed != nil && !slices.Contains(d.allowed, d.is) {
			return fmt.Sprintf("%s is %s, not %s", d.name, orUnknown(d.is), strings.Join(d.allowed, " or "))
		}
	}
	return ""
}

func orUnknown(value string) string {
	if value == "" {
		return "not known"
	}
	return value
}

// covers reports whether w holds wherever other does.
func (w Conditions) covers(other Conditions) bool {
	theirs := other.dimensions(Circumstances{}, nil)
	for i, d := range w.dimensions(Circumstances{}, nil) {
		if d.allowed == nil {
			continue
		}
		if theirs[i].allowed == nil || slices.ContainsFunc(theirs[i].allowed, func(v string) bool { return !slices.Contains(d.allowed, v) }) {
			return false
		}
	}
	return true
}

// String lists the conditions; "always" if there are none.
func (w Conditions) String() string {
	var parts []string
	for _, d := range w.dimensions(Circumstances{}, nil) {
		if d.allowed != nil {
			parts = append(parts, d.name+" "+strings.Join(d.allowed, " or "))
		}
	}
	if parts == nil {
		return "always"
	}
	return strings.Join(parts, ", ")
}

// onNetworks reports whether a refusal by these conditions is about networks.
func (w Conditions) onNetworks() bool {
	return len(w.Networks) > 0 || w.Device != "" || w.Browser != "" || w.KnownNetwork != ""
}

// onRequestOnly reports whether the conditions are about the client and the
// connection alone, as settings need.
func (w Conditions) onRequestOnly() bool {
	w.Clients, w.Connections = nil, nil
	return w.String() == "always"
}
