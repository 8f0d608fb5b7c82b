package policy

import (
	"net/netip"
	"slices"
)

// Rule matches some approvals, and says what they ask of the person, or narrows
// settings for a client or a connection.
type Rule struct {
	Name   string // where it stands, or that of the preset
	When   Conditions
	Then   Outcome // zero: the rule has settings only
	Set    Changes // only of a rule whose conditions are clients and connections
	Reason string  // a sentence for operators
}

// Why is the reason for the rule or, without one, its conditions.
func (r Rule) Why() string {
	if r.Reason != "" {
		return r.Reason
	}
	return r.When.String()
}

// Settings are a policy as configuration states it.
type Settings struct {
	Preset  Preset // empty: [Default]
	Trusted []netip.Prefix
	Rules   []Rule  // beside those of the preset
	Set     Changes // of the whole installation: replaces what the preset says
	// RequireTypedCode is a rule that every approval needs the code typed.
	RequireTypedCode bool
}

// Policy is what this installation asks of approvals. It does not change. The zero
// Policy asks nothing.
type Policy struct {
	preset  Preset
	trusted []netip.Prefix
	rules   []Rule
	set     Changes
	// narrowing are those of the rules that change settings: each start asks for them.
	narrowing []Rule
}

// New checks the settings. Its error lists everything that is wrong; each
// [setting.Problem] names a field as the policy file does.
func New(s Settings) (Policy, error) {
	if s.Preset == "" {
		s.Preset = Default
	}
	if err := s.check(); err != nil {
		return Policy{}, err
	}
	rules, set := s.Preset.settings()
	p := Policy{preset: s.Preset, trusted: slices.Clone(s.Trusted), rules: append(rules, s.Rules...), set: s.Set.over(set)}
	if s.RequireTypedCode {
		p.rules = append(p.rules, Rule{Name: "REQUIRE_TYPED_CODE", Then: Type, Reason: "Every approval needs the code typed."})
	}
	p.rules = append(p.rules, p.typedWithoutLink()...)
	for _, r := range p.rules {
		if !r.Set.IsZero() && r.When.onRequestOnly() {
			p.narrowing = append(p.narrowing, r)
		}
	}
	return p, nil
}

// typedWithoutLink are the rules that follow from links which carry no code: a link
// of an attacker carries one all the same.
func (p Policy) typedWithoutLink() (out []Rule) {
	const reason = "Links carry no code, so one that carried it is not from here."
	if p.set.LinkCarriesCode == No {
		out = append(out, Rule{Name: "link_carries_code", Then: Type, Reason: reason})
	}
	for _, r := range p.rules {
		if r.Set.LinkCarriesCode == No {
			out = append(out, Rule{Name: r.Name + ": link_carries_code", When: r.When, Then: Type, Reason: reason})
		}
	}
	return out
}

// Must is New for settings that are known to be right.
func Must(s Settings) Policy {
	p, err := New(s)
	if err != nil {
		panic(err)
	}
	return p
}

// Preset is the one that the policy refines.
func (p Policy) Preset() Preset { return p.preset }

// Clients are the client_ids that rules name.
func (p Policy) Clients() []string {
	return p.named(func(w Conditions) []string { return w.Clients })
}

// Connections are the slugs that rules name.
func (p Policy) Connections() []string {
	return p.named(func(w Conditions) []string { return w.Connections })
}

// AsksHistory reports whether a rule asks for what the person connected before.
func (p Policy) AsksHistory() bool {
	return slices.ContainsFunc(p.rules, func(r Rule) bool { return r.When.KnownNetwork != "" || r.When.NewDevice != "" })
}

func (p Policy) named(of func(Conditions) []string) (out []string) {
	for _, r := range p.rules {
		out = append(out, of(r.When)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// PrefillsCode reports whether the page may put the code of a link into its field,
// before it knows the client.
func (p Policy) PrefillsCode() bool {
	return !slices.ContainsFunc(p.rules, func(r Rule) bool {
		return r.Then == Type && r.When.covers(Conditions{})
	})
}
