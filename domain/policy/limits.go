package policy

import (
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/token"
)

// Changes are settings that a policy changes. What is zero is not changed.
type Changes struct {
	// DevicesFrom are the networks in which a device may start.
	DevicesFrom []netip.Prefix
	// LinkCarriesCode says whether links to the page carry the user code. Where they
	// do not, an approval needs the code typed.
	LinkCarriesCode Truth
	// RequireLoginHint says whether a device has to name the approving person.
	RequireLoginHint Truth
	CodeTTL          time.Duration // of the device and the user code
	GrantTTL         time.Duration // from signing in to deciding
	TokenTTL         time.Duration
	// TokenTTLFar and ScopesFar are for tokens of devices that are not near.
	TokenTTLFar time.Duration
	ScopesFar   scope.Set
}

// IsZero reports whether nothing is changed.
func (c Changes) IsZero() bool {
	return c.DevicesFrom == nil && c.LinkCarriesCode == "" && c.RequireLoginHint == "" && c.CodeTTL == 0 &&
		c.GrantTTL == 0 && c.TokenTTL == 0 && c.TokenTTLFar == 0 && c.ScopesFar.IsZero()
}

// over is c where it says something, else base: what an operator says of the
// whole installation replaces what the preset says.
func (c Changes) over(base Changes) Changes {
	if c.DevicesFrom != nil {
		base.DevicesFrom = c.DevicesFrom
	}
	if c.LinkCarriesCode != "" {
		base.LinkCarriesCode = c.LinkCarriesCode
	}
	if c.RequireLoginHint != "" {
		base.RequireLoginHint = c.RequireLoginHint
	}
	for _, d := range []struct{ to, from *time.Duration }{
		{&base.CodeTTL, &c.CodeTTL},
		{&base.GrantTTL, &c.GrantTTL},
		{&base.TokenTTL, &c.TokenTTL},
		{&base.TokenTTLFar, &c.TokenTTLFar},
	} {
		if *d.from != 0 {
			*d.to = *d.from
		}
	}
	if !c.ScopesFar.IsZero() {
		base.ScopesFar = c.ScopesFar
	}
	return base
}

// Limits are the settings that apply to one client and connection.
type Limits struct {
	LinkCarriesCode  bool
	RequireLoginHint bool
	CodeTTL          time.Duration // 0: that of the installation; so are the others
	GrantTTL         time.Duration
	TokenTTL         time.Duration
	TokenTTLFar      time.Duration
	ScopesFar        scope.Set // zero: not narrowed

	devicesFrom [][]netip.Prefix // in one of each list
	narrowed    bool             // ScopesFar is narrowed, even if nothing is left
}

// Limits are those of a client and a connection. At the start of a device the
// connection is not known: it is empty then.
func (p Policy) Limits(client, connection string) Limits {
	l := Limits{LinkCarriesCode: true}
	l.narrow(p.set)
	for _, r := range p.narrowing {
		if r.When.unmet(Circumstances{Client: client, Connection: connection}, nil) == "" {
			l.narrow(r.Set)
		}
	}
	return l
}

func (l *Limits) narrow(by Changes) {
	if by.DevicesFrom != nil {
		l.devicesFrom = append(l.devicesFrom, by.DevicesFrom)
	}
	l.LinkCarriesCode = l.LinkCarriesCode && by.LinkCarriesCode != No
	l.RequireLoginHint = l.RequireLoginHint || by.RequireLoginHint == Yes
	l.CodeTTL, l.GrantTTL = shorter(l.CodeTTL, by.CodeTTL), shorter(l.GrantTTL, by.GrantTTL)
	l.TokenTTL, l.TokenTTLFar = shorter(l.TokenTTL, by.TokenTTL), shorter(l.TokenTTLFar, by.TokenTTLFar)
	switch {
	case by.ScopesFar.IsZero():
	case !l.narrowed:
		l.ScopesFar, l.narrowed = by.ScopesFar, true
	default:
		l.ScopesFar = l.ScopesFar.Within(by.ScopesFar)
	}
}

// shorter is the shorter of two lives, of which 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// CheckStart returns [ErrStartNotAllowed] unless a device may start at the
// address; one that is not known is in no network. Without the hint where one is
// required it returns [ErrLoginHintRequired].
func (l Limits) CheckStart(from netip.Addr, hinted bool) error {
	for _, networks := range l.devicesFrom {
		if !within(networks, from) {
			return ErrStartNotAllowed
		}
	}
	if l.RequireLoginHint && !hinted {
		return ErrLoginHintRequired
	}
	return nil
}

// TokenLife is how long a token lives that would live for otherwise.
func (l Limits) TokenLife(network Network, otherwise token.Lifetime) token.Lifetime {
	life := shorter(time.Duration(otherwise), l.TokenTTL)
	if network != Near {
		life = shorter(life, l.TokenTTLFar)
	}
	return token.Lifetime(life)
}

// Scopes are those that a token gets that would get asked. It returns
// [ErrNetworkNotAllowed] if nothing is left of them.
func (l Limits) Scopes(network Network, asked scope.Set) (scope.Set, error) {
	if !l.narrowed || network == Near {
		return asked, nil
	}
	left := asked.Within(l.ScopesFar)
	if left.IsZero() {
		return scope.Set{}, ErrNetworkNotAllowed
	}
	return left, nil
}

// Life is the shorter of the installation's duration and a policy's, of which 0 is
// none.
func Life(installed, policy time.Duration) time.Duration { return shorter(installed, policy) }
