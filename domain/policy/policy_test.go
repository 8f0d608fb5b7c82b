package policy_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/setting"
)

var (
	office  = netip.MustParsePrefix("192.0.2.0/24")
	inside  = netip.MustParseAddr("192.0.2.7")
	outside = netip.MustParseAddr("198.51.100.7")
)

func must(t *testing.T, s policy.Settings) policy.Policy {
	t.Helper()
	p, err := policy.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPresets(t *testing.T) {
	near := policy.Circumstances{Network: policy.Near, Device: outside, Browser: outside}
	far := policy.Circumstances{Network: policy.Far, Device: outside, Browser: netip.MustParseAddr("203.0.113.9")}
	with := func(c policy.Circumstances, change func(*policy.Circumstances)) policy.Circumstances {
		change(&c)
		return c
	}
	for _, test := range []struct {
		name                    string
		of                      policy.Circumstances
		parity, default_, stric policy.Outcome
		strictTypes             bool
	}{
		{"near", near, policy.Warn, policy.Warn, policy.Type, true},
		{"far", far, policy.Warn, policy.Warn, policy.Refuse, true},
		{"not comparable", with(far, func(c *policy.Circumstances) { c.Network = policy.Unknown }), policy.Warn, policy.Warn, policy.Refuse, true},
		{"far, code typed", with(far, func(c *policy.Circumstances) { c.Typed = true }), policy.Warn, policy.Warn, policy.Refuse, true},
		{"near, suspected", with(near, func(c *policy.Circumstances) { c.Suspected = true }), policy.Warn, policy.Type, policy.Reauthenticate, true},
		{"far, suspected", with(far, func(c *policy.Circumstances) { c.Suspected = true }), policy.Warn, policy.Reauthenticate, policy.Refuse, true},
		{"far, from a known network", with(far, func(c *policy.Circumstances) { c.KnownNetwork = true }), policy.Warn, policy.Warn, policy.Reauthenticate, true},
		{"far, from a known network, person in a trusted one", with(far, func(c *policy.Circumstances) { c.KnownNetwork, c.Browser = true, inside }), policy.Warn, policy.Warn, policy.Reauthenticate, true},
		{"far, device in a trusted network", with(far, func(c *policy.Circumstances) { c.Device = inside }), policy.Warn, policy.Warn, policy.Reauthenticate, true},
		{"far, person in a trusted network", with(far, func(c *policy.Circumstances) { c.Browser = inside }), policy.Warn, policy.Warn, policy.Refuse, true},
		{"far, both in trusted networks", with(far, func(c *policy.Circumstances) { c.Device, c.Browser = inside, inside }), policy.Warn, policy.Warn, policy.Type, true},
		{"no addresses", policy.Circumstances{Network: policy.Unknown}, policy.Warn, policy.Warn, policy.Refuse, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			for preset, want := range map[policy.Preset]policy.Outcome{policy.Parity: test.parity, policy.Default: test.default_, policy.Strict: test.stric} {
				got := must(t, policy.Settings{Preset: preset, Trusted: []netip.Prefix{office}}).Resolve(test.of)
				if got.Outcome != want {
					t.Errorf("%s: got %s by %q, want %s", preset, got.Outcome, got.Rule.Name, want)
				}
				if preset == policy.Strict && got.MustType() != test.strictTypes {
					t.Errorf("strict: got typed %t, want %t", got.MustType(), test.strictTypes)
				}
			}
		})
	}
}

func TestARuleMatchesIfAllConditionsHold(t *testing.T) {
	of := policy.Circumstances{
		Client: "difyctl", Connection: "acme", Network: policy.Far, Device: outside, Browser: inside, NewDevice: true,
	}
	for name, test := range map[string]struct {
		when policy.Conditions
		want bool
	}{
		"always":                {policy.Conditions{}, true},
		"client":                {policy.Conditions{Clients: []string{"other", "difyctl"}}, true},
		"another client":        {policy.Conditions{Clients: []string{"other"}}, false},
		"connection":            {policy.Conditions{Connections: []string{"acme"}}, true},
		"another connection":    {policy.Conditions{Connections: []string{"globex"}}, false},
		"network":               {policy.Conditions{Networks: []policy.Network{policy.Far, policy.Unknown}}, true},
		"another network":       {policy.Conditions{Networks: []policy.Network{policy.Near}}, false},
		"device untrusted":      {policy.Conditions{Device: policy.Untrusted}, true},
		"device trusted":        {policy.Conditions{Device: policy.Trusted}, false},
		"browser trusted":       {policy.Conditions{Browser: policy.Trusted}, true},
		"browser untrusted":     {policy.Conditions{Browser: policy.Untrusted}, false},
		"new":                   {policy.Conditions{NewDevice: policy.Yes}, true},
		"not new":               {policy.Conditions{NewDevice: policy.No}, false},
		"known network":         {policy.Conditions{KnownNetwork: policy.Yes}, false},
		"suspected":             {policy.Conditions{Suspected: policy.Yes}, false},
		"by link":               {policy.Conditions{Code: policy.ByLink}, true},
		"typed":                 {policy.Conditions{Code: policy.ByHand}, false},
		"unbound":               {policy.Conditions{LoginHint: policy.No}, true},
		"all but one condition": {policy.Conditions{Clients: []string{"difyctl"}, NewDevice: policy.No}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := must(t, policy.Settings{
				Preset: policy.Parity, Trusted: []netip.Prefix{office},
				Rules: []policy.Rule{{Name: "rule 1", When: test.when, Then: policy.Refuse}},
			})
			got := p.Resolve(of)
			if (got.Outcome == policy.Refuse) != test.want {
				t.Errorf("got %s, want a match: %t", got.Outcome, test.want)
			}
			step := p.Explain(of)[0]
			if step.Matches != test.want || (step.Why == "") != test.want {
				t.Errorf("got the explanation %+v, want a match: %t", step, test.want)
			}
		})
	}
}

func TestTheStrictestRuleWins(t *testing.T) {
	p := must(t, policy.Settings{Preset: policy.Parity, Rules: []policy.Rule{
		{Name: "rule 1", When: policy.Conditions{Networks: []policy.Network{policy.Far}}, Then: policy.Type},
		{Name: "rule 2", When: policy.Conditions{Clients: []string{"difyctl"}}, Then: policy.Reauthenticate},
		{Name: "rule 3", When: policy.Conditions{Clients: []string{"other"}}, Then: policy.Refuse},
	}})
	got := p.Resolve(policy.Circumstances{Client: "difyctl", Network: policy.Far})
	if got.Outcome != policy.Reauthenticate || got.Rule.Name != "rule 2" {
		t.Errorf("got %s by %s, want reauthenticate by rule 2", got.Outcome, got.Rule.Name)
	}
	if !got.MustType() || !got.MustReauthenticate() || got.Refused() != nil {
		t.Errorf("got type %t, reauthenticate %t, refused %v; want both demanded", got.MustType(), got.MustReauthenticate(), got.Refused())
	}
	got = p.Resolve(policy.Circumstances{Client: "difyctl", Network: policy.Near})
	if got.MustType() {
		t.Error("got the code demanded, want only what rules that match demand")
	}
}

func TestARefusalNamesNetworksIfItIsAboutThem(t *testing.T) {
	for name, test := range map[string]struct {
		when policy.Conditions
		want error
	}{
		"network":  {policy.Conditions{Networks: []policy.Network{policy.Far}}, policy.ErrNetworkNotAllowed},
		"device":   {policy.Conditions{Device: policy.Untrusted}, policy.ErrNetworkNotAllowed},
		"new":      {policy.Conditions{NewDevice: policy.Yes}, policy.ErrApprovalRefused},
		"anything": {policy.Conditions{}, policy.ErrApprovalRefused},
	} {
		p := must(t, policy.Settings{Trusted: []netip.Prefix{office}, Rules: []policy.Rule{{Name: "rule 1", When: test.when, Then: policy.Refuse}}})
		if got := p.Resolve(policy.Circumstances{Network: policy.Far, NewDevice: true}).Refused(); !errors.Is(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestALinkThatIsRefusedCanBeTyped(t *testing.T) {
	p := must(t, policy.Settings{Rules: []policy.Rule{{Name: "rules[0]", When: policy.Conditions{Code: policy.ByLink}, Then: policy.Refuse}}})
	byLink, typed := p.Resolve(policy.Circumstances{}), p.Resolve(policy.Circumstances{Typed: true})
	if byLink.Refused() != nil || !byLink.MustType() {
		t.Errorf("by link: got refused %v, type %t; want the code asked for", byLink.Refused(), byLink.MustType())
	}
	if typed.Refused() != nil || typed.MustType() {
		t.Errorf("typed: got refused %v, type %t; want nothing asked", typed.Refused(), typed.MustType())
	}
}

func TestNetworksOfTheDevice(t *testing.T) {
	for match, want := range map[device.NetworkMatch]policy.Network{
		device.SameNetwork: policy.Near, device.OtherNetwork: policy.Far, device.UnknownNetwork: policy.Unknown, "": policy.Unknown,
	} {
		if got := policy.NetworkOf(match); got != want {
			t.Errorf("%q: got %s, want %s", match, got, want)
		}
	}
	order := []policy.Network{policy.Near, policy.Unknown, policy.Far}
	for i, a := range order {
		for j, b := range order {
			if got, want := a.Farther(b), order[max(i, j)]; got != want {
				t.Errorf("%s and %s: got %s, want %s", a, b, got, want)
			}
		}
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	far := policy.Conditions{Networks: []policy.Network{policy.Far}}
	rule := func(name string, when policy.Conditions, then policy.Outcome) policy.Rule {
		return policy.Rule{Name: name, When: when, Then: then}
	}
	for name, test := range map[string]struct {
		s    policy.Settings
		want []string // each problem's field and a part of its reason
	}{
		"preset":            {policy.Settings{Preset: "lax"}, []string{"preset: ", "parity, default or strict"}},
		"host bits":         {policy.Settings{Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24")}}, []string{"trusted_networks: 192.0.2.7/24 has host bits; write 192.0.2.0/24"}},
		"network twice":     {policy.Settings{Trusted: []netip.Prefix{office, office}}, []string{"trusted_networks: 192.0.2.0/24 stands there twice"}},
		"negative life":     {policy.Settings{Set: policy.Changes{CodeTTL: -1}}, []string{"code_ttl: -1ns: use 1m to 1h"}},
		"far longer":        {policy.Settings{Set: policy.Changes{TokenTTL: 3600e9, TokenTTLFar: 7200e9}}, []string{"token_ttl_far: 2h0m0s is longer"}},
		"empty rule":        {policy.Settings{Rules: []policy.Rule{rule("rules[0]", far, 0)}}, []string{"rules[0]: says neither"}},
		"unknown network":   {policy.Settings{Rules: []policy.Rule{rule("rules[0]", policy.Conditions{Networks: []policy.Network{"away"}}, policy.Type)}}, []string{`rules[0]: network "away": use near, far or unknown`}},
		"trust in nothing":  {policy.Settings{Rules: []policy.Rule{rule("rules[0]", policy.Conditions{Device: policy.Trusted}, policy.Type)}}, []string{"rules[0]: device and browser ask for trusted_networks"}},
		"client":            {policy.Settings{Rules: []policy.Rule{rule("rules[0]", policy.Conditions{Clients: []string{""}}, policy.Type)}}, []string{`rules[0]: client ""`}},
		"contradiction":     {policy.Settings{Rules: []policy.Rule{rule("rules[0]", far, policy.Type), rule("rules[1]", far, policy.Warn)}}, []string{"rules[1]: contradicts rules[0]"}},
		"never decides":     {policy.Settings{Rules: []policy.Rule{rule("rules[0]", policy.Conditions{}, policy.Refuse), rule("rules[1]", far, policy.Warn)}}, []string{"rules[1]: warn can never decide: rules[0] (refuse)"}},
		"never decides now": {policy.Settings{Rules: []policy.Rule{rule("rules[0]", far, policy.Warn), rule("rules[1]", policy.Conditions{}, policy.Refuse)}}, []string{"rules[0]: warn can never decide: rules[1] (refuse)"}},
		"laxer than preset": {policy.Settings{Preset: policy.Strict, Rules: []policy.Rule{rule("rules[0]", policy.Conditions{Suspected: policy.Yes, Clients: []string{"x"}}, policy.Warn)}}, []string{"rules[0]: warn can never decide: strict: suspected"}},
		"set by network":    {policy.Settings{Rules: []policy.Rule{{Name: "rules[0]", When: far, Set: policy.Changes{TokenTTL: 3600e9}}}}, []string{"rules[0]: set depends on client and connection alone"}},
		"start by connection": {policy.Settings{Rules: []policy.Rule{{
			Name: "rules[0]", When: policy.Conditions{Connections: []string{"acme"}}, Set: policy.Changes{CodeTTL: 300e9},
		}}}, []string{"rules[0]: devices_from"}},
		"a rule that widens":     {policy.Settings{Rules: []policy.Rule{{Name: "rules[0]", Set: policy.Changes{LinkCarriesCode: policy.Yes}}}}, []string{"rules[0]: a rule narrows"}},
		"too many rules":         {policy.Settings{Rules: make([]policy.Rule, 201)}, []string{"rules: 201; at most 200"}},
		"no outcome":             {policy.Settings{Rules: []policy.Rule{rule("rules[0]", far, 9)}}, []string{"rules[0]: then: there is no such outcome"}},
		"connection":             {policy.Settings{Rules: []policy.Rule{rule("rules[0]", policy.Conditions{Connections: []string{"No Slug"}}, policy.Type)}}, []string{`rules[0]: connection "No Slug" is not the slug`}},
		"condition twice":        {policy.Settings{Rules: []policy.Rule{rule("rules[0]", policy.Conditions{Networks: []policy.Network{policy.Far, policy.Far}}, policy.Type)}}, []string{`rules[0]: network "far" stands there twice`}},
		"life in a rule":         {policy.Settings{Rules: []policy.Rule{{Name: "rules[0]", Set: policy.Changes{GrantTTL: -1}}}}, []string{"rules[0]: grant_ttl: -1ns: use 30s to 15m"}},
		"life of tokens":         {policy.Settings{Set: policy.Changes{TokenTTL: -1, TokenTTLFar: -1}}, []string{"token_ttl: -1ns: use 1m", "token_ttl_far: -1ns: use 1m"}},
		"where devices start":    {policy.Settings{Set: policy.Changes{DevicesFrom: []netip.Prefix{netip.MustParsePrefix("2001:db8::1/32")}}}, []string{"devices_from: 2001:db8::1/32 has host bits"}},
		"neither true nor false": {policy.Settings{Set: policy.Changes{LinkCarriesCode: "perhaps", RequireLoginHint: "no"}}, []string{`link_carries_code: "perhaps": use true or false`, `require_login_hint: "no": use`}},
		"scope of no client":     {policy.Settings{Set: policy.Changes{ScopesFar: scope.Restore(scope.Full)}}, []string{"scopes_far: \"" + scope.Full + "\" cannot be a scope"}},
		"too many networks":      {policy.Settings{Trusted: make([]netip.Prefix, 1001)}, []string{"trusted_networks: 1001 networks; at most 1000"}},
		"no network":             {policy.Settings{Trusted: make([]netip.Prefix, 1)}, []string{"trusted_networks: one is not a network"}},
		"IPv4 within IPv6":       {policy.Settings{Trusted: []netip.Prefix{netip.MustParsePrefix("::ffff:192.0.2.0/120")}}, []string{"trusted_networks: ::ffff:192.0.2.0/120: write it as an IPv4 network"}},
		"several": {policy.Settings{
			Preset: "lax", Set: policy.Changes{CodeTTL: -1, GrantTTL: 1},
		}, []string{"preset: ", "code_ttl: ", "grant_ttl: "}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.New(test.s)
			if err == nil {
				t.Fatal("got no error, want the problem named")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
			for _, one := range setting.Split(err) {
				var named setting.Problem
				if !errors.As(one, &named) || named.Field == "" {
					t.Errorf("got %v, want a field named", one)
				}
			}
		})
	}
}

func TestTheExampleOfTheDocumentationIsRight(t *testing.T) {
	p := must(t, policy.Settings{Trusted: []netip.Prefix{office}, Rules: []policy.Rule{
		{Name: "rules[0]", When: policy.Conditions{Networks: []policy.Network{policy.Far}}, Then: policy.Warn},
		{Name: "rules[1]", When: policy.Conditions{
			Clients: []string{"difyctl"}, Networks: []policy.Network{policy.Far, policy.Unknown}, Connections: []string{"acme"},
		}, Then: policy.Type},
	}})
	if got := p.Resolve(policy.Circumstances{Client: "difyctl", Connection: "acme", Network: policy.Unknown}); got.Outcome != policy.Type {
		t.Errorf("got %s, want type", got.Outcome)
	}
	if got := p.Clients(); len(got) != 1 || got[0] != "difyctl" {
		t.Errorf("got the clients %v, want difyctl", got)
	}
}

func TestTypingForAllKeepsThePageFromFillingTheCodeIn(t *testing.T) {
	for name, test := range map[string]struct {
		s    policy.Settings
		want bool
	}{
		"default":            {policy.Settings{}, true},
		"strict":             {policy.Settings{Preset: policy.Strict}, false},
		"REQUIRE_TYPED_CODE": {policy.Settings{Preset: policy.Parity, RequireTypedCode: true}, false},
		"link_carries_code":  {policy.Settings{Set: policy.Changes{LinkCarriesCode: policy.No}}, false},
		"strict, overridden": {policy.Settings{Preset: policy.Strict, Set: policy.Changes{LinkCarriesCode: policy.Yes}}, true},
		"for one client":     {policy.Settings{Rules: []policy.Rule{{Name: "rules[0]", When: policy.Conditions{Clients: []string{"x"}}, Then: policy.Type}}}, true},
	} {
		if got := must(t, test.s).PrefillsCode(); got != test.want {
			t.Errorf("%s: got %t, want %t", name, got, test.want)
		}
	}
}

func TestOnlyStrictLinksCarryNoCode(t *testing.T) {
	for preset, want := range map[policy.Preset]bool{policy.Parity: true, policy.Default: true, policy.Strict: false} {
		p, err := policy.New(policy.Settings{Preset: preset})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.PrefillsCode(); got != want {
			t.Errorf("%s: got that the page fills the code in %t, want %t", preset, got, want)
		}
		if got := p.Limits("difyctl", "").LinkCarriesCode; got != want {
			t.Errorf("%s: got that links carry the code %t, want %t", preset, got, want)
		}
	}
}

// A link of an attacker carries a code all the same, so it has to be typed where the
// client's links carry none.
func TestARuleWithoutCodesInLinksAsksForTheTypedCode(t *testing.T) {
	p := must(t, policy.Settings{Preset: policy.Parity, Rules: []policy.Rule{
		{Name: "rules[0]", When: policy.Conditions{Clients: []string{"ci"}}, Set: policy.Changes{LinkCarriesCode: policy.No}},
	}})
	for client, want := range map[string]policy.Outcome{"ci": policy.Type, "difyctl": policy.Warn} {
		if got := p.Resolve(policy.Circumstances{Client: client, Network: policy.Near}).Outcome; got != want {
			t.Errorf("%s: got %s, want %s", client, got, want)
		}
	}
}

func TestHistoryIsReadOnlyForRulesAboutIt(t *testing.T) {
	for name, test := range map[string]struct {
		when policy.Conditions
		want bool
	}{
		"known network": {policy.Conditions{KnownNetwork: policy.No}, true},
		"new device":    {policy.Conditions{NewDevice: policy.Yes}, true},
		"neither":       {policy.Conditions{Networks: []policy.Network{policy.Far}}, false},
	} {
		p := must(t, policy.Settings{Preset: policy.Parity, Rules: []policy.Rule{{Name: "rules[0]", When: test.when, Then: policy.Type}}})
		if got := p.AsksHistory(); got != test.want {
			t.Errorf("%s: got %t, want %t", name, got, test.want)
		}
	}
}
