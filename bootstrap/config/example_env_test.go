package config

import (
	"os"
	"regexp"
	"testing"
)

var exampleLine = regexp.MustCompile(`(?m)^(?:# )?([A-Z][A-Z0-9_]+)=(.*)$`)

// TestTheExampleEnvironmentHasEverySetting compares .env.example with the
// settings that are read, and the defaults that it shows with theirs.
func TestTheExampleEnvironmentHasEverySetting(t *testing.T) {
	text, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	// Settings whose line shows an example, because they have no default.
	shown := map[string]bool{
		"OPS_ADDR": true, "TRUSTED_PROXIES": true, "OPENAPI_CORS_ALLOW_ORIGINS": true, "INTROSPECTION_CLIENTS": true, "BRAND_COLOR": true,
	}
	effective := map[string]string{}
	for _, s := range (Variables{Values: map[string]string{}}).Effective() {
		effective[s.Name] = s.Value
	}
	effective["SAML_CLOCK_SKEW"], effective["SHUTDOWN_DELAY"], effective["LICENSE_GRACE"], effective["DB_CONN_MAX_LIFETIME"] = "180s", "10s", "24h", "1h"
	effective["INCIDENT_WINDOW"], effective["INCIDENT_HOLD"], effective["INCIDENT_WAIT"] = "24h", "1h", "2m"
	lines := map[string]bool{}
	for _, found := range exampleLine.FindAllSubmatch(text, -1) {
		name, value := string(found[1]), string(found[2])
		if lines[name] {
			t.Errorf("got %s twice in .env.example, want it once", name)
		}
		lines[name] = true
		if !isSetting(name) {
			t.Errorf("got %s in .env.example, want only settings that are read", name)
		}
		if found[0][0] == '#' && value != effective[name] && !shown[name] && value != "" {
			t.Errorf("%s: .env.example shows %q, want the default %q", name, value, effective[name])
		}
	}
	for _, s := range variables() {
		if !lines[s.name] {
			t.Errorf("got no %s in .env.example, want a line for each setting", s.name)
		}
	}
}
