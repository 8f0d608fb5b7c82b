package policy_test

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/policy"
)

var (
	anyTruth   = rapid.SampledFrom([]policy.Truth{"", policy.Yes, policy.No})
	anyTrust   = rapid.SampledFrom([]policy.Trust{"", policy.Trusted, policy.Untrusted})
	anyAddress = rapid.SampledFrom([]netip.Addr{{}, inside, outside})
	anyNetwork = rapid.SampledFrom([]policy.Network{policy.Near, policy.Far, policy.Unknown})
	anyName    = rapid.SampledFrom([]string{"a", "b", "c"})
)

var anyRule = rapid.Custom(func(t *rapid.T) policy.Rule {
	return policy.Rule{
		When: policy.Conditions{
			Clients:      rapid.SliceOfNDistinct(anyName, 0, 2, rapid.ID).Draw(t, "clients"),
			Connections:  rapid.SliceOfNDistinct(anyName, 0, 2, rapid.ID).Draw(t, "connections"),
			Networks:     rapid.SliceOfNDistinct(anyNetwork, 0, 2, rapid.ID).Draw(t, "networks"),
			Device:       anyTrust.Draw(t, "device"),
			Browser:      anyTrust.Draw(t, "browser"),
			KnownNetwork: anyTruth.Draw(t, "known network"),
			NewDevice:    anyTruth.Draw(t, "new device"),
			Suspected:    anyTruth.Draw(t, "suspected"),
			Code:         rapid.SampledFrom([]policy.Entry{"", policy.ByHand, policy.ByLink}).Draw(t, "code"),
		},
		Then: rapid.SampledFrom([]policy.Outcome{policy.Warn, policy.Type, policy.Reauthenticate, policy.Refuse}).Draw(t, "then"),
	}
})

var anyCircumstances = rapid.Custom(func(t *rapid.T) policy.Circumstances {
	return policy.Circumstances{
		Client: anyName.Draw(t, "client"), Connection: anyName.Draw(t, "connection"),
		Network: anyNetwork.Draw(t, "network"), Device: anyAddress.Draw(t, "device"), Browser: anyAddress.Draw(t, "browser"),
		KnownNetwork: rapid.Bool().Draw(t, "known network"), NewDevice: rapid.Bool().Draw(t, "new device"),
		Suspected: rapid.Bool().Draw(t, "suspected"), Typed: rapid.Bool().Draw(t, "typed"),
	}
})

func TestAFurtherRuleNeverMakesAnOutcomeLaxer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := policy.Settings{
			Preset:  rapid.SampledFrom(policy.Presets).Draw(t, "preset"),
			Trusted: []netip.Prefix{office},
		}
		for i, r := range rapid.SliceOfN(anyRule, 1, 5).Draw(t, "rules") {
			r.Name = fmt.Sprintf("rules[%d]", i)
			s.Rules = append(s.Rules, r)
		}
		more, err := policy.New(s)
		if err != nil {
			t.Skip("a rule that can never decide")
		}
		left := rapid.IntRange(0, len(s.Rules)-1).Draw(t, "left out")
		s.Rules = append(append([]policy.Rule{}, s.Rules[:left]...), s.Rules[left+1:]...)
		fewer := policy.Must(s)
		of := anyCircumstances.Draw(t, "circumstances")
		before, after := fewer.Resolve(of), more.Resolve(of)
		if after.Outcome < before.Outcome {
			t.Fatalf("got %s with one more rule, want at least %s", after.Outcome, before.Outcome)
		}
		if after.Refused() == nil && (before.MustType() && !after.MustType() || before.MustReauthenticate() && !after.MustReauthenticate()) {
			t.Fatal("got a demand dropped by one more rule, want all that was demanded before")
		}
		if before.Refused() != nil && after.Refused() == nil {
			t.Fatal("got no refusal with one more rule, want one")
		}
	})
}

func TestTheDecidingRuleIsOneThatMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRule.Draw(t, "rule")
		r.Name = "rules[0]"
		p, err := policy.New(policy.Settings{Preset: rapid.SampledFrom(policy.Presets).Draw(t, "preset"), Trusted: []netip.Prefix{office}, Rules: []policy.Rule{r}})
		if err != nil {
			t.Skip("a rule that can never decide")
		}
		of := anyCircumstances.Draw(t, "circumstances")
		got := p.Resolve(of)
		strictest, found := policy.Warn, got.Rule.Name == ""
		for _, step := range p.Explain(of) {
			if step.Matches {
				strictest = max(strictest, step.Rule.Then)
				found = found || step.Rule.Name == got.Rule.Name
			}
		}
		if got.Outcome != strictest || !found {
			t.Fatalf("got %s by %q, want %s by a rule that matches", got.Outcome, got.Rule.Name, strictest)
		}
	})
}

// TestStrictRefusesWhateverTheVictimDoes is the aim of the preset: a device in
// neither the person's network nor a trusted or known one gets no token.
func TestStrictRefusesWhateverTheVictimDoes(t *testing.T) {
	p := policy.Must(policy.Settings{Preset: policy.Strict, Trusted: []netip.Prefix{office}})
	rapid.Check(t, func(t *rapid.T) {
		of := anyCircumstances.Draw(t, "circumstances")
		of.Network, of.Device, of.KnownNetwork = rapid.SampledFrom([]policy.Network{policy.Far, policy.Unknown}).Draw(t, "elsewhere"), outside, false
		if got := p.Resolve(of); got.Refused() == nil {
			t.Fatalf("got %s, want refuse", got.Outcome)
		}
	})
}
