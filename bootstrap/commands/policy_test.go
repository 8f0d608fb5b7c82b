package commands

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPolicyExplainSaysWhichRuleDecides(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("POLICY", "strict")
	for name, test := range map[string]struct {
		of                     explainPolicy
		outcome, rule, refusal string
	}{
		"near":           {explainPolicy{DeviceIP: "192.0.2.7", BrowserIP: "192.0.2.9"}, "type", "link_carries_code", ""},
		"far":            {explainPolicy{DeviceIP: "192.0.2.7", BrowserIP: "198.51.100.9"}, "refuse", "strict: foreign network", "network_not_allowed"},
		"another family": {explainPolicy{DeviceIP: "2001:db8::7", BrowserIP: "198.51.100.9"}, "refuse", "strict: foreign network", "network_not_allowed"},
		"known":          {explainPolicy{DeviceIP: "192.0.2.7", BrowserIP: "198.51.100.9", KnownNetwork: true}, "reauthenticate", "strict: known network", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			test.of.JSON = true
			if err := test.of.Run(&out); err != nil {
				t.Fatal(err)
			}
			var got explanation
			if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Outcome != test.outcome || got.Rule != test.rule || got.Refusal != test.refusal {
				t.Errorf("got %s by %q (%s), %v; want %s by %q (%s)", got.Outcome, got.Rule, got.Refusal, err, test.outcome, test.rule, test.refusal)
			}
			out.Reset()
			test.of.JSON = false
			if err := test.of.Run(&out); err != nil || !strings.Contains(out.String(), test.rule) {
				t.Errorf("got %s, %v; want the rule in it", &out, err)
			}
		})
	}
}

func TestPolicyExplainRefusesInvalidSettings(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, of := range []explainPolicy{
		{DeviceIP: "192.0.2"}, {BrowserIP: "192.0.2.0/24"}, {LoginHint: "ada"}, {New: true, KnownNetwork: true},
	} {
		var out bytes.Buffer
		if err := of.Run(&out); err == nil || out.Len() > 0 {
			t.Errorf("%+v: got %q, %v; want an error and nothing printed", of, &out, err)
		}
	}
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte("policy: {preset: lax}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("POLICY_FILE", path)
	if err := (explainPolicy{}).Run(new(bytes.Buffer)); !errors.As(err, new(configError)) || !strings.Contains(err.Error(), "preset") {
		t.Errorf("got %v, want an error of the configuration", err)
	}
}

func TestPolicyExplainSaysWhichNamesAreNotKnown(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"clients.yaml":     "clients:\n  - {id: tv}\n",
		"connections.yaml": "connections:\n  - {slug: acme, domains: [acme.example], metadata_url: 'https://idp.example/'}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		of    explainPolicy
		files bool
		want  []string
	}{
		"neither":            {explainPolicy{Client: "nosuch", Connection: "nosuch"}, true, []string{"client nosuch: ", "connection nosuch: "}},
		"of the environment": {explainPolicy{Client: "difyctl"}, true, nil},
		"of the files":       {explainPolicy{Client: "tv", Connection: "acme"}, true, nil},
		"without files":      {explainPolicy{Client: "tv", Connection: "acme"}, false, []string{"client tv: ", "connection acme: "}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.files {
				t.Setenv("CLIENTS_FILE", "clients.yaml")
				t.Setenv("CONNECTIONS_FILE", "connections.yaml")
			}
			var plain, asJSON bytes.Buffer
			if err := c.of.Run(&plain); err != nil {
				t.Fatal(err)
			}
			c.of.JSON = true
			if err := c.of.Run(&asJSON); err != nil {
				t.Fatal(err)
			}
			var got explanation
			if err := json.Unmarshal(asJSON.Bytes(), &got); err != nil || len(got.Unknown) != len(c.want) || strings.Count(plain.String(), "not known") != len(c.want) {
				t.Fatalf("got %q and %s, %v; want %q", got.Unknown, &plain, err, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(got.Unknown[i], want) || !strings.Contains(plain.String(), got.Unknown[i]) {
					t.Errorf("got %q and %s, want %q in both", got.Unknown[i], &plain, want)
				}
			}
		})
	}
}
