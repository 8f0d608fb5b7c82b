package files

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/setting"
)

// PolicyConfig names a policy file, and what the environment says beside it.
type PolicyConfig struct {
	Path             string
	Preset           policy.Preset // of POLICY; empty: not given
	RequireTypedCode bool
}

// Policy is that of a policy file.
type Policy struct {
	polled[policy.Policy]
}

// OpenPolicy reads the file. Its error lists everything that is wrong with it.
func OpenPolicy(cfg PolicyConfig, log *slog.Logger) (*Policy, error) {
	log = log.With("file", cfg.Path)
	p := &Policy{polled[policy.Policy]{
		read: func() (policy.Policy, digest, error) { return readPolicy(cfg) },
		Source: lastgood.NewSource("policy file", log, func(ctx context.Context, now policy.Policy) {
			log.InfoContext(ctx, "policy file read", "preset", string(now.Preset()))
		}),
	}}
	if err := p.open(); err != nil {
		return nil, err
	}
	return p, nil
}

// Policy implements [ports.Policies].
func (p *Policy) Policy(context.Context) (policy.Policy, error) { return p.Get(), nil }

// ReadPolicy reads a policy file. Its error lists everything that is wrong; each
// [setting.Problem] names the setting.
func ReadPolicy(cfg PolicyConfig) (policy.Policy, error) {
	p, _, err := readPolicy(cfg)
	return p, err
}

// policyFile is POLICY_FILE (see docs/policy.md).
type policyFile struct {
	Policy *strict[policyEntry] `yaml:"policy"`
}

type policyEntry struct {
	Preset  string              `yaml:"preset"`
	Trusted []string            `yaml:"trusted_networks"`
	Rules   []strict[ruleEntry] `yaml:"rules"`

	// As in setEntry: of an inline struct, the library reads nothing more after the
	// first field of another type, and what is wrong with the rest would stay hidden.
	DevicesFrom      []string `yaml:"devices_from"`
	LinkCarriesCode  *bool    `yaml:"link_carries_code"`
	RequireLoginHint *bool    `yaml:"require_login_hint"`
	CodeTTL          string   `yaml:"code_ttl"`
	GrantTTL         string   `yaml:"grant_ttl"`
	TokenTTL         string   `yaml:"token_ttl"`
	TokenTTLFar      string   `yaml:"token_ttl_far"`
	ScopesFar        []string `yaml:"scopes_far"`
}

type ruleEntry struct {
	When   strict[whenEntry] `yaml:"when"`
	Then   string            `yaml:"then"`
	Set    strict[setEntry]  `yaml:"set"`
	Reason string            `yaml:"reason"`
}

type whenEntry struct {
	Client       words  `yaml:"client"`
	Connection   words  `yaml:"connection"`
	Network      words  `yaml:"network"`
	Device       string `yaml:"device"`
	Browser      string `yaml:"browser"`
	KnownNetwork *bool  `yaml:"known_network"`
	NewDevice    *bool  `yaml:"new_device"`
	Suspected    *bool  `yaml:"suspected"`
	Code         string `yaml:"code"`
	LoginHint    *bool  `yaml:"login_hint"`
}

type setEntry struct {
	DevicesFrom      []string `yaml:"devices_from"`
	LinkCarriesCode  *bool    `yaml:"link_carries_code"`
	RequireLoginHint *bool    `yaml:"require_login_hint"`
	CodeTTL          string   `yaml:"code_ttl"`
	GrantTTL         string   `yaml:"grant_ttl"`
	TokenTTL         string   `yaml:"token_ttl"`
	TokenTTLFar      string   `yaml:"token_ttl_far"`
	ScopesFar        []string `yaml:"scopes_far"`
}

// words are one word or a list of them.
type words []string

// UnmarshalYAML reads either.
func (w *words) UnmarshalYAML(read func(any) error) error {
	var one string
	if read(&one) == nil {
		*w = words{one}
		return nil
	}
	return read((*[]string)(w))
}

func readPolicy(cfg PolicyConfig) (p policy.Policy, sum digest, err error) {
	r := reader{filepath.Dir(cfg.Path), newDigester()}
	defer func() { sum = r.sum() }()
	text, err := r.file(cfg.Path)
	if err != nil {
		return p, sum, setting.Wrong("POLICY_FILE", "%v", err)
	}
	var file strict[policyFile]
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		return p, sum, setting.Wrong("POLICY_FILE", "%s: %s", cfg.Path, yaml.FormatError(err, false, false))
	}
	var errs policyErrors
	errs.all("", file.unread)
	stated := file.of.Policy
	if stated == nil {
		if file.unread == nil {
			errs.add("", "policy: is not there")
		}
		return p, sum, errs.in(cfg.Path)
	}
	errs.all("", stated.unread)
	s := stated.of.settings(cfg, &errs)
	p, err = policy.New(s)
	for _, one := range setting.Split(err) {
		errs.add("", one.Error())
	}
	return p, sum, errs.in(cfg.Path)
}

// policyErrors are what is wrong with a file, each line with its place.
type policyErrors []string

func (e *policyErrors) add(at, line string) {
	if at != "" {
		line = at + ": " + line
	}
	*e = append(*e, line)
}

func (e *policyErrors) all(at string, lines []string) {
	for _, line := range lines {
		e.add(at, line)
	}
}

func (e policyErrors) in(path string) error {
	var errs []error
	for _, line := range e {
		errs = append(errs, setting.Wrong("POLICY_FILE", "%s: %s", path, line))
	}
	return errors.Join(errs...)
}

func (e policyEntry) settings(cfg PolicyConfig, errs *policyErrors) policy.Settings {
	s := policy.Settings{Preset: policy.Preset(e.Preset), RequireTypedCode: cfg.RequireTypedCode}
	switch {
	case s.Preset == "":
		s.Preset = cfg.Preset
	case cfg.Preset != "" && cfg.Preset != s.Preset:
		errs.add("preset", fmt.Sprintf("is %s, and POLICY is %s; leave one of them out", e.Preset, cfg.Preset))
	}
	s.Trusted = errs.networks("trusted_networks", e.Trusted)
	s.Set = setEntry{
		e.DevicesFrom, e.LinkCarriesCode, e.RequireLoginHint, e.CodeTTL, e.GrantTTL, e.TokenTTL, e.TokenTTLFar, e.ScopesFar,
	}.changes("", errs)
	for i, part := range e.Rules {
		name := fmt.Sprintf("rule %d", i+1)
		errs.all(name, part.unread)
		s.Rules = append(s.Rules, part.of.rule(name, errs))
	}
	return s
}

func (e ruleEntry) rule(name string, errs *policyErrors) policy.Rule {
	errs.all(name+": when", e.When.unread)
	errs.all(name, e.Set.unread)
	r := policy.Rule{Name: name, Reason: e.Reason, Set: e.Set.of.changes(name, errs)}
	if e.Then != "" {
		var err error
		if r.Then, err = policy.ParseOutcome(e.Then); err != nil {
			errs.add(name, "then: "+err.Error())
			r.Then = policy.Warn // else the rule would also say nothing
		}
	}
	w := e.When.of
	r.When = policy.Conditions{
		Clients: w.Client, Connections: w.Connection,
		Device: policy.Trust(w.Device), Browser: policy.Trust(w.Browser), Code: policy.Entry(w.Code),
		KnownNetwork: truth(w.KnownNetwork), NewDevice: truth(w.NewDevice), Suspected: truth(w.Suspected), LoginHint: truth(w.LoginHint),
	}
	for _, n := range w.Network {
		r.When.Networks = append(r.When.Networks, policy.Network(n))
	}
	return r
}

func truth(value *bool) policy.Truth {
	if value == nil {
		return ""
	}
	return policy.TruthOf(*value)
}

func (e setEntry) changes(at string, errs *policyErrors) policy.Changes {
	field := func(name string) string {
		if at == "" {
			return name
		}
		return at + ": " + name
	}
	c := policy.Changes{
		DevicesFrom:     errs.networks(field("devices_from"), e.DevicesFrom),
		LinkCarriesCode: truth(e.LinkCarriesCode), RequireLoginHint: truth(e.RequireLoginHint),
		ScopesFar: scope.Restore(strings.Join(e.ScopesFar, " ")),
	}
	for _, life := range []struct {
		name, text string
		to         *time.Duration
	}{
		{"code_ttl", e.CodeTTL, &c.CodeTTL},
		{"grant_ttl", e.GrantTTL, &c.GrantTTL},
		{"token_ttl", e.TokenTTL, &c.TokenTTL},
		{"token_ttl_far", e.TokenTTLFar, &c.TokenTTLFar},
	} {
		if life.text == "" {
			continue
		}
		read, err := time.ParseDuration(life.text)
		if err != nil || read == 0 {
			errs.add(field(life.name), fmt.Sprintf("%q: write a duration like 15m or 24h", life.text))
		}
		*life.to = read
	}
	return c
}

// networks reads CIDR notation. An empty list is none.
func (e *policyErrors) networks(field string, texts []string) (out []netip.Prefix) {
	for _, text := range texts {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			e.add(field, fmt.Sprintf("%q is not a network; write it like 192.0.2.0/24", text))
			continue
		}
		out = append(out, n)
	}
	return out
}
