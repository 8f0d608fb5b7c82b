package policy

import (
	"fmt"
	"slices"
	"time"
)

// Preset is a policy that is complete by itself.
type Preset string

// The presets.
const (
	// Parity asks nothing: the page warns, as it does in the reference.
	Parity Preset = "parity"
	// Default is [Parity] until a request is suspected of phishing. Such a request
	// is not approved by a link alone and, from another network, not without a new
	// sign-in.
	Default Preset = "default"
	// Strict approves a device in another network only if that network is trusted,
	// or known of the same device and person. No link carries a code.
	Strict Preset = "strict"
)

// Presets are all that exist.
var Presets = []Preset{Parity, Default, Strict}

// ParsePreset reads the name of a preset.
func ParsePreset(name string) (Preset, error) {
	if !slices.Contains(Presets, Preset(name)) {
		return "", fmt.Errorf("%q: use parity, default or strict", shortened(name))
	}
	return Preset(name), nil
}

var elsewhere = []Network{Far, Unknown}

// settings are the rules and changes of the preset.
func (p Preset) settings() ([]Rule, Changes) {
	switch p {
	case Default:
		return []Rule{
			{
				Name: "default: suspected", Then: Type,
				When:   Conditions{Suspected: Yes},
				Reason: "Signals of phishing speak against the request, so a link alone does not approve it.",
			},
			{
				Name: "default: suspected elsewhere", Then: Reauthenticate,
				When:   Conditions{Suspected: Yes, Networks: elsewhere},
				Reason: "Signals of phishing speak against the request, and the device is not in the person's network.",
			},
		}, Changes{}
	case Strict:
		return []Rule{
			{
				Name: "strict: foreign network", Then: Refuse,
				When:   Conditions{Networks: elsewhere, Device: Untrusted, KnownNetwork: No},
				Reason: "The device is not in the person's network, nor in a trusted one, nor where the person connected it before. An attacker's device looks the same.",
			},
			{
				Name: "strict: known network", Then: Reauthenticate,
				When:   Conditions{Networks: elsewhere, Device: Untrusted},
				Reason: "The device is in a network that only this person has used for it.",
			},
			{
				Name: "strict: person outside", Then: Reauthenticate,
				When:   Conditions{Networks: elsewhere, Browser: Untrusted},
				Reason: "The device is in a trusted network, and the person is not.",
			},
			{
				Name: "strict: suspected", Then: Reauthenticate,
				When:   Conditions{Suspected: Yes},
				Reason: "Signals of phishing speak against the request.",
			},
		}, Changes{LinkCarriesCode: No, CodeTTL: 10 * time.Minute, TokenTTLFar: 24 * time.Hour}
	}
	return nil, Changes{}
}
