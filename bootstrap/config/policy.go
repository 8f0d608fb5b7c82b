package config

import (
	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/domain/policy"
)

// loadPolicy reads the preset, and checks POLICY_FILE.
func (c *Config) loadPolicy(e environment, wrong *problems) {
	c.PolicyFile = files.PolicyConfig{Path: e.PolicyFile, RequireTypedCode: e.RequireTypedCode}
	if e.Policy != "" {
		preset, err := policy.ParsePreset(e.Policy)
		if err != nil {
			wrong.add("POLICY", "%v", err)
			return
		}
		c.PolicyFile.Preset = preset
	}
	var err error
	if e.PolicyFile == "" {
		c.Policy, err = policy.New(policy.Settings{Preset: c.PolicyFile.Preset, RequireTypedCode: e.RequireTypedCode})
	} else {
		c.Policy, err = files.ReadPolicy(c.PolicyFile)
	}
	wrong.named(names{}, err)
}

// LoadPolicy reads the policy alone, for commands that need no other setting.
func LoadPolicy(vars map[string]string) (policy.Policy, error) {
	e, _ := parse(vars)
	var c Config
	wrong := problems{settled: map[string]bool{}}
	c.loadPolicy(e, &wrong)
	return c.Policy, wrong.err()
}
