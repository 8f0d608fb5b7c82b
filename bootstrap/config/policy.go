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

// Unknown names those of a client and a connection that the settings do not have.
// Either may be in the database, which is not asked. An empty name is not looked for.
func Unknown(vars map[string]string, clientID, slug string) (unknown []string, err error) {
	e, _ := parse(vars)
	var c Config
	wrong := problems{settled: map[string]bool{}}
	c.loadClients(e, &wrong)
	known := c.Clients.Has(clientID)
	if !known && c.ClientsFile != "" {
		inFile, _ := files.ReadClients(c.ClientsFile) // what is wrong with it is listed already
		known = inFile.Has(clientID)
	}
	if clientID != "" && !known {
		unknown = append(unknown, "client "+clientID+": neither OPENAPI_KNOWN_CLIENT_IDS nor CLIENTS_FILE names it; unless the database does, its start is refused")
	}
	if e.ConnectionsFile != "" {
		c.ConnectionRules = connectionRules(e)
		c.loadConnections(e, &wrong)
	}
	if _, err := c.Connections.Find(slug); slug != "" && err != nil {
		unknown = append(unknown, "connection "+slug+": CONNECTIONS_FILE does not name it; unless the database does, no sign-in goes through it")
	}
	return unknown, wrong.err()
}
