package policy_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/token"
)

func TestLimitsAreTheStrictestThatApply(t *testing.T) {
	vpn := netip.MustParsePrefix("192.0.2.0/25")
	p := must(t, policy.Settings{
		Set: policy.Changes{
			DevicesFrom: []netip.Prefix{office}, CodeTTL: 10 * time.Minute, TokenTTL: 48 * time.Hour,
			ScopesFar: scope.Restore("apps:run other"),
		},
		Rules: []policy.Rule{
			{Name: "rules[0]", When: policy.Conditions{Clients: []string{"ci"}}, Set: policy.Changes{
				DevicesFrom: []netip.Prefix{vpn}, CodeTTL: 5 * time.Minute, LinkCarriesCode: policy.No,
				RequireLoginHint: policy.Yes, ScopesFar: scope.Restore("apps:run more"),
			}},
			{Name: "rules[1]", When: policy.Conditions{Connections: []string{"acme"}}, Set: policy.Changes{
				TokenTTL: 24 * time.Hour, TokenTTLFar: time.Hour, GrantTTL: time.Minute,
			}},
		},
	})
	common, ci, acme := p.Limits("difyctl", ""), p.Limits("ci", ""), p.Limits("difyctl", "acme")
	if common.CodeTTL != 10*time.Minute || ci.CodeTTL != 5*time.Minute {
		t.Errorf("got code lives %s and %s, want 10m and 5m", common.CodeTTL, ci.CodeTTL)
	}
	if !common.LinkCarriesCode || ci.LinkCarriesCode {
		t.Errorf("got links with code %t and %t, want true and false", common.LinkCarriesCode, ci.LinkCarriesCode)
	}
	if common.GrantTTL != 0 || acme.GrantTTL != time.Minute {
		t.Errorf("got grant lives %s and %s, want 0s and 1m", common.GrantTTL, acme.GrantTTL)
	}
	for name, test := range map[string]struct {
		of   policy.Limits
		from string
		hint bool
		want error
	}{
		"in the office":            {common, "192.0.2.200", false, nil},
		"in the office, mapped":    {common, "::ffff:192.0.2.200", false, nil},
		"outside":                  {common, "198.51.100.1", true, policy.ErrStartNotAllowed},
		"in the wider one only":    {ci, "192.0.2.200", true, policy.ErrStartNotAllowed},
		"in both":                  {ci, "192.0.2.7", true, nil},
		"without the hint":         {ci, "192.0.2.7", false, policy.ErrLoginHintRequired},
		"without anything allowed": {p.Limits("", ""), "192.0.2.7", false, nil},
	} {
		if err := test.of.CheckStart(netip.MustParseAddr(test.from), test.hint); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	if err := common.CheckStart(netip.Addr{}, false); !errors.Is(err, policy.ErrStartNotAllowed) {
		t.Errorf("got %v for no address, want it refused", err)
	}
	for name, test := range map[string]struct {
		of      policy.Limits
		network policy.Network
		want    time.Duration
	}{
		"near":             {acme, policy.Near, 24 * time.Hour},
		"far":              {acme, policy.Far, time.Hour},
		"not comparable":   {acme, policy.Unknown, time.Hour},
		"another, far":     {common, policy.Far, 48 * time.Hour},
		"policy is longer": {policy.Limits{TokenTTL: 1000 * time.Hour}, policy.Near, 336 * time.Hour},
	} {
		if got := test.of.TokenLife(test.network, token.Lifetime(336*time.Hour)); got != token.Lifetime(test.want) {
			t.Errorf("%s: got %s, want %s", name, time.Duration(got), test.want)
		}
	}
	for name, test := range map[string]struct {
		of      policy.Limits
		network policy.Network
		asked   string
		want    string
		err     error
	}{
		"near":             {ci, policy.Near, "apps:run other", "apps:run other", nil},
		"far":              {common, policy.Far, "apps:run more", "apps:run", nil},
		"far, twice":       {ci, policy.Far, "apps:run more other", "apps:run", nil},
		"nothing is left":  {ci, policy.Unknown, "other", "", policy.ErrNetworkNotAllowed},
		"nothing narrowed": {policy.Limits{}, policy.Far, "other", "other", nil},
	} {
		got, err := test.of.Scopes(test.network, scope.Restore(test.asked))
		if got.String() != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: got %q, %v; want %q, %v", name, got, err, test.want, test.err)
		}
	}
}

func TestWhatIsSaidOfTheInstallationReplacesThePreset(t *testing.T) {
	p := must(t, policy.Settings{Preset: policy.Strict, Set: policy.Changes{CodeTTL: 20 * time.Minute, LinkCarriesCode: policy.Yes}})
	l := p.Limits("difyctl", "")
	if l.CodeTTL != 20*time.Minute || !l.LinkCarriesCode || l.TokenTTLFar != 24*time.Hour {
		t.Errorf("got %+v, want the file's life and link, and the preset's token_ttl_far", l)
	}
}

func TestStrictShortensLives(t *testing.T) {
	l := must(t, policy.Settings{Preset: policy.Strict}).Limits("difyctl", "")
	if l.CodeTTL != 10*time.Minute || l.TokenTTLFar != 24*time.Hour || l.LinkCarriesCode {
		t.Errorf("got %+v, want codes of 10m, tokens of 24h elsewhere, and no code in links", l)
	}
}

// A later rule that is wider takes nothing back.
func TestOfSeveralRulesTheNarrowestSettingCounts(t *testing.T) {
	narrow := policy.Changes{
		DevicesFrom: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/25")}, CodeTTL: 5 * time.Minute, ScopesFar: scope.Restore("apps:run"),
	}
	wide := policy.Changes{DevicesFrom: []netip.Prefix{office}, CodeTTL: 10 * time.Minute, ScopesFar: scope.Restore("apps:run other")}
	short := policy.Changes{GrantTTL: time.Minute, TokenTTL: 24 * time.Hour, TokenTTLFar: time.Hour}
	long := policy.Changes{GrantTTL: 2 * time.Minute, TokenTTL: 48 * time.Hour, TokenTTLFar: 2 * time.Hour}
	ci, acme := policy.Conditions{Clients: []string{"ci"}}, policy.Conditions{Connections: []string{"acme"}}
	for name, changes := range map[string][]policy.Changes{"the narrow ones first": {narrow, short, wide, long}, "and last": {wide, long, narrow, short}} {
		var rules []policy.Rule
		for i, c := range changes {
			rules = append(rules, policy.Rule{Name: string(rune('a' + i)), When: []policy.Conditions{ci, acme}[i%2], Set: c})
		}
		l := must(t, policy.Settings{Preset: policy.Parity, Rules: rules}).Limits("ci", "acme")
		if l.CodeTTL != 5*time.Minute || l.GrantTTL != time.Minute || l.TokenTTL != 24*time.Hour || l.TokenTTLFar != time.Hour {
			t.Errorf("%s: got %+v, want the shorter lives", name, l)
		}
		if err := l.CheckStart(netip.MustParseAddr("192.0.2.200"), true); !errors.Is(err, policy.ErrStartNotAllowed) {
			t.Errorf("%s: got %v for a device in the wider networks only, want it refused", name, err)
		}
		if got, err := l.Scopes(policy.Far, scope.Restore("apps:run other")); err != nil || got.String() != "apps:run" {
			t.Errorf("%s: got the scopes %s, %v, want apps:run", name, got, err)
		}
	}
}
