package files

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/setting"
)

const wholePolicy = `policy:
  preset: default
  trusted_networks: [192.0.2.0/24]
  rules:
    - when: {network: far}
      then: warn
    - when: {client: difyctl, network: [far, unknown], connection: acme}
      then: type
      reason: Contractors sign in from everywhere.
    - when: {device: untrusted, browser: trusted, new_device: true, known_network: false, code: link, login_hint: false}
      then: refuse
    - when: {client: [ci, tv]}
      set: {code_ttl: 5m, require_login_hint: true, devices_from: [192.0.2.0/25], scopes_far: ["apps:run"]}
  devices_from: []
  link_carries_code: true
  require_login_hint: false
  code_ttl: 15m
  grant_ttl: 2m
  token_ttl: 48h
  token_ttl_far: 24h
`

func policyFileOf(t *testing.T, text string) PolicyConfig {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"policy.yaml": text})
	return PolicyConfig{Path: filepath.Join(dir, "policy.yaml")}
}

func TestAPolicyFileIsRead(t *testing.T) {
	p, err := ReadPolicy(policyFileOf(t, wholePolicy))
	if err != nil {
		t.Fatal(err)
	}
	got := p.Resolve(policy.Circumstances{Client: "difyctl", Connection: "acme", Network: policy.Unknown})
	if got.Outcome != policy.Type || got.Rule.Name != "rule 2" || got.Rule.Why() != "Contractors sign in from everywhere." {
		t.Errorf("got %s by %q (%s), want type by rule 2", got.Outcome, got.Rule.Name, got.Rule.Why())
	}
	common, tv := p.Limits("difyctl", ""), p.Limits("tv", "")
	if common.CodeTTL != 15*time.Minute || common.TokenTTLFar != 24*time.Hour || common.GrantTTL != 2*time.Minute || common.RequireLoginHint {
		t.Errorf("got %+v, want what stands at the top", common)
	}
	if tv.CodeTTL != 5*time.Minute || !tv.RequireLoginHint || tv.ScopesFar.String() != "apps:run" {
		t.Errorf("got %+v, want what the rule narrows", tv)
	}
}

func TestEverythingThatIsWrongInAPolicyFileIsNamedAtOnce(t *testing.T) {
	_, err := ReadPolicy(policyFileOf(t, `policy:
  preset: lax
  trusted_network: [192.0.2.0/24]
  trusted_networks: [192.0.2.7/24, nonsense]
  rules:
    - when: {network: away, colour: red}
      then: shrug
    - when: {network: far, suspected: true}
      then: type
    - when: {suspected: true, network: far}
      then: warn
    - {}
    - when: {new_device: maybe}
      then: type
    - when: {network: far}
      set: {token_ttl: 1h}
  link_carries_code: sometimes
  code_ttl: -5m
  token_ttl: 0s
  token_ttl_far: soon
colour: red
`))
	for _, want := range []string{
		`preset: "lax"`, `unknown field "trusted_network"`, "192.0.2.7/24 has host bits; write 192.0.2.0/24", `trusted_networks: "nonsense"`,
		`rule 1: network "away"`, `rule 1: when: unknown field "colour"`, `rule 1: then: "shrug"`, "rule 3: contradicts rule 2", "rule 4: says neither",
		"rule 5: when: new_device: a bool is wanted", "rule 6: set depends on client and connection", "code_ttl: -5m0s", `token_ttl: "0s"`, `token_ttl_far: "soon"`,
		`unknown field "colour"`, "link_carries_code: a bool is wanted",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got no %q in:\n%v", want, err)
		}
	}
	for _, one := range setting.Split(err) {
		if named, is := one.(setting.Problem); !is || named.Field != "POLICY_FILE" {
			t.Errorf("got %v, want POLICY_FILE named", one)
		}
	}
}

func TestAnUnquotedScopeIsRefusedWithAHint(t *testing.T) {
	for _, text := range []string{
		"policy: {preset: default, scopes_far: [apps:run]}\n", "policy:\n  preset: default\n  scopes_far: [apps: run]\n",
		"policy:\n  preset: default\n  rules:\n    - {when: {client: ci}, set: {scopes_far: [full, apps:run]}}\n",
	} {
		if _, err := ReadPolicy(policyFileOf(t, text)); err == nil || !strings.Contains(err.Error(), `scopes_far: a string is wanted, not a mapping; put a text with a colon in quotes, like "apps:run"`) {
			t.Errorf("%s: got %v, want quotes asked for", text, err)
		}
	}
	for _, text := range []string{"policy: {preset: default, scopes_far: ['apps:run']}\n", "policy:\n  preset: default\n  scopes_far: [apps:run]\n"} {
		p, err := ReadPolicy(policyFileOf(t, text))
		if err != nil || p.Limits("", "").ScopesFar.String() != "apps:run" {
			t.Errorf("%s: got %v, %v, want apps:run", text, p.Limits("", "").ScopesFar, err)
		}
	}
}

func TestInvalidPoliciesAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "another file": "clients: []\n", "no mapping": "policy: [1]\n", "half a list": "policy: [1\n", "a word": "policy: strict\n",
	} {
		if _, err := ReadPolicy(policyFileOf(t, text)); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
	cfg := policyFileOf(t, wholePolicy)
	cfg.Preset = policy.Strict
	if _, err := ReadPolicy(cfg); err == nil || !strings.Contains(err.Error(), "POLICY is strict") {
		t.Errorf("got %v, want two presets refused", err)
	}
}

func TestAPolicyFileThatIsNotRightChangesNothing(t *testing.T) {
	dir, logs := t.TempDir(), new(bytes.Buffer)
	writeFiles(t, dir, map[string]string{"policy.yaml": "policy: {preset: strict}\n"})
	p, err := OpenPolicy(PolicyConfig{Path: filepath.Join(dir, "policy.yaml")}, slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a mistyped word": "policy: {preset: strickt}\n", "an empty file": "", "half of it": "policy: {pre"} {
		writeFiles(t, dir, map[string]string{"policy.yaml": text})
		p.Reload(t.Context())
		if got, _ := p.Policy(t.Context()); got.Preset() != policy.Strict || p.Current() {
			t.Errorf("%s: got %s, current %t, want the last good policy", name, got.Preset(), p.Current())
		}
	}
	if !strings.Contains(logs.String(), "policy file not taken up; the last good state is served") {
		t.Errorf("got the log %s, want the refusal", logs)
	}
	writeFiles(t, dir, map[string]string{"policy.yaml": "policy: {preset: parity}\n"})
	p.Reload(t.Context())
	if got, _ := p.Policy(t.Context()); got.Preset() != policy.Parity || !p.Current() {
		t.Errorf("got %s, current %t, want the new policy", got.Preset(), p.Current())
	}
}
