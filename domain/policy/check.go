package policy

import (
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/setting"
)

// The bounds of what a policy may set.
const (
	codeMin  = time.Minute // a person has to read and type it
	codeMax  = time.Hour
	grantMin = 30 * time.Second
	grantMax = 15 * time.Minute
	rulesMax = 200
	listMax  = 1000
)

var (
	slugForm = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	idForm   = regexp.MustCompile(`^[\x21-\x7e]([\x20-\x7e]{0,62}[\x21-\x7e])?$`)
)

type problem func(field, format string, args ...any)

func (s Settings) check() error {
	var errs []error
	wrong := problem(func(field, format string, args ...any) { errs = append(errs, setting.Wrong(field, format, args...)) })
	if _, err := ParsePreset(string(s.Preset)); err != nil {
		wrong("preset", "%v", err)
	}
	checkNetworks(wrong, "trusted_networks", s.Trusted)
	s.Set.check(wrong, "")
	if len(s.Rules) > rulesMax {
		wrong("rules", "%d; at most %d", len(s.Rules), rulesMax)
		return errors.Join(errs...)
	}
	preset, _ := s.Preset.settings()
	for i, r := range s.Rules {
		r.check(wrong, s.Trusted)
		for _, before := range preset {
			r.checkAgainst(wrong, before, r.Name)
		}
		for _, before := range s.Rules[:i] {
			r.checkAgainst(wrong, before, r.Name)
			before.checkAgainst(wrong, r, r.Name)
		}
	}
	return errors.Join(errs...)
}

func (r Rule) check(wrong problem, trusted []netip.Prefix) {
	w := r.When
	if r.Then == none && r.Set.IsZero() {
		wrong(r.Name, "says neither then nor set")
	}
	if outcomes[r.Then] == "" && r.Then != none {
		wrong(r.Name, "then: there is no such outcome")
	}
	for _, id := range w.Clients {
		if !idForm.MatchString(id) {
			wrong(r.Name, "client %q: a client_id has 1 to 64 printable ASCII characters", shortened(id))
		}
	}
	for _, slug := range w.Connections {
		if !slugForm.MatchString(slug) {
			wrong(r.Name, "connection %q is not the slug of a connection", shortened(slug))
		}
	}
	for _, d := range []struct {
		name    string
		given   []string
		allowed []string
	}{
		{"network", all(w.Networks), all([]Network{Near, Far, Unknown})},
		{"device", one(w.Device), all([]Trust{Trusted, Untrusted})},
		{"browser", one(w.Browser), all([]Trust{Trusted, Untrusted})},
		{"known_network", one(w.KnownNetwork), all([]Truth{Yes, No})},
		{"new_device", one(w.NewDevice), all([]Truth{Yes, No})},
		{"suspected", one(w.Suspected), all([]Truth{Yes, No})},
		{"code", one(w.Code), all([]Entry{ByHand, ByLink})},
		{"login_hint", one(w.LoginHint), all([]Truth{Yes, No})},
	} {
		for i, value := range d.given {
			if !slices.Contains(d.allowed, value) {
				wrong(r.Name, "%s %q: use %s", d.name, shortened(value), list(d.allowed))
			}
			if slices.Contains(d.given[:i], value) {
				wrong(r.Name, "%s %q stands there twice", d.name, shortened(value))
			}
		}
	}
	if (w.Device != "" || w.Browser != "") && len(trusted) == 0 {
		wrong(r.Name, "device and browser ask for trusted_networks, and there are none")
	}
	if r.Set.IsZero() {
		return
	}
	if !w.onRequestOnly() {
		wrong(r.Name, "set depends on client and connection alone; take the other conditions out")
	}
	if len(w.Connections) > 0 && r.Set.atStart() {
		wrong(r.Name, "devices_from, link_carries_code, require_login_hint and code_ttl apply before the connection is known; take connection out")
	}
	if r.Set.LinkCarriesCode == Yes || r.Set.RequireLoginHint == No {
		wrong(r.Name, "a rule narrows: link_carries_code can be false only, and require_login_hint true")
	}
	r.Set.check(wrong, r.Name)
}

// checkAgainst reports that r can never decide, because a stricter rule applies
// wherever it does. A contradiction is reported of the later rule.
func (r Rule) checkAgainst(wrong problem, stricter Rule, later string) {
	if r.Then == none || r.Then >= stricter.Then || !stricter.When.covers(r.When) {
		return
	}
	if !r.When.covers(stricter.When) {
		wrong(r.Name, "%s can never decide: %s (%s) applies wherever it does, and the strictest rule wins", r.Then, stricter.Name, stricter.Then)
		return
	}
	earlier := r.Name
	if earlier == later {
		earlier = stricter.Name
	}
	wrong(later, "contradicts %s: it has the same conditions and another outcome", earlier)
}

func (c Changes) atStart() bool {
	return c.DevicesFrom != nil || c.LinkCarriesCode != "" || c.RequireLoginHint != "" || c.CodeTTL != 0
}

// check names the fields of a rule after the rule.
func (c Changes) check(wrong problem, rule string) {
	at := func(field string) string {
		if rule == "" {
			return field
		}
		return rule + ": " + field
	}
	life := func(field string, value, least, most time.Duration, text string) {
		if value != 0 && (value < least || value > most) {
			wrong(at(field), "%s: use %s", value, text)
		}
	}
	life("code_ttl", c.CodeTTL, codeMin, codeMax, "1m to 1h")
	life("grant_ttl", c.GrantTTL, grantMin, grantMax, "30s to 15m")
	life("token_ttl", c.TokenTTL, client.LifeMin, client.LifeMax, "1m to 8760h")
	life("token_ttl_far", c.TokenTTLFar, client.LifeMin, client.LifeMax, "1m to 8760h")
	if c.TokenTTL != 0 && c.TokenTTLFar > c.TokenTTL {
		wrong(at("token_ttl_far"), "%s is longer than token_ttl, %s", c.TokenTTLFar, c.TokenTTL)
	}
	checkNetworks(wrong, at("devices_from"), c.DevicesFrom)
	for _, truth := range []struct {
		field string
		value Truth
	}{{"link_carries_code", c.LinkCarriesCode}, {"require_login_hint", c.RequireLoginHint}} {
		if truth.value != "" && truth.value != Yes && truth.value != No {
			wrong(at(truth.field), "%q: use true or false", shortened(string(truth.value)))
		}
	}
	for _, name := range c.ScopesFar.Names() {
		if !scope.Valid(name) || name == scope.Full {
			wrong(at("scopes_far"), "%q cannot be a scope of a client", shortened(name))
		}
	}
}

func checkNetworks(wrong problem, field string, networks []netip.Prefix) {
	if len(networks) > listMax {
		wrong(field, "%d networks; at most %d", len(networks), listMax)
		return
	}
	for i, n := range networks {
		switch {
		case !n.IsValid():
			wrong(field, "one is not a network")
		case n != n.Masked():
			wrong(field, "%s has host bits; write %s", n, n.Masked())
		case n.Addr().Is4In6():
			wrong(field, "%s: write it as an IPv4 network", n)
		case slices.Contains(networks[:i], n):
			wrong(field, "%s stands there twice", n)
		}
	}
}

func list(words []string) string {
	out := words[0]
	for i, w := range words[1:] {
		if i == len(words)-2 {
			out += " or " + w
			break
		}
		out += ", " + w
	}
	return out
}
