package commands

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/devicegate/devicegate/bootstrap/config"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
)

type policyCommand struct {
	Explain explainPolicy `cmd:"" help:"Say what the policy makes of an approval, which rule decides and why. Reads the settings, and asks no store."`
}

type explainPolicy struct {
	Client       string `default:"difyctl" help:"The client_id of the device."`
	Connection   string `placeholder:"SLUG" help:"The connection that the person signs in through."`
	DeviceIP     string `name:"device-ip" placeholder:"ADDRESS" help:"Where the device starts; none: not known."`
	BrowserIP    string `name:"browser-ip" placeholder:"ADDRESS" help:"Where the person's browser is; none: not known."`
	New          bool   `help:"The person has never connected this client and label."`
	KnownNetwork bool   `help:"The person has a live token of this client and label from the device's address."`
	Suspected    bool   `help:"Signals of phishing speak against the request."`
	Typed        bool   `help:"The person types the user code. Otherwise a link carries it."`
	LoginHint    string `placeholder:"EMAIL" help:"The person that the device names at its start."`
	JSON         bool   `name:"json" help:"Print JSON."`
}

// Run explains the policy of POLICY and POLICY_FILE.
func (e explainPolicy) Run(out io.Writer) error {
	of, err := e.circumstances()
	if err != nil {
		return err
	}
	vars, err := config.ReadVariables(os.Environ())
	if err != nil {
		return configError{err}
	}
	rules, err := config.LoadPolicy(vars.Values)
	if err != nil {
		return configError{err}
	}
	explained := explainApproval(rules, of)
	if explained.Unknown, err = config.Unknown(vars.Values, e.Client, e.Connection); err != nil {
		return configError{err}
	}
	if e.JSON {
		return printJSON(out, explained)
	}
	return explained.print(out)
}

// explanation is what the command prints as JSON.
type explanation struct {
	Preset  string         `json:"preset"`
	Network string         `json:"network"`
	Outcome string         `json:"outcome"`
	Rule    string         `json:"rule,omitempty"` // empty: none matches
	Why     string         `json:"why"`
	Demands []string       `json:"demands"` // what the approval needs; empty: nothing
	Refusal string         `json:"refusal,omitempty"`
	Rules   []explainedOne `json:"rules"`
	Terms   termsBody      `json:"terms"`
	Unknown []string       `json:"unknown,omitempty"` // names that the settings do not have
}

type explainedOne struct {
	Rule    string `json:"rule"`
	When    string `json:"when"`
	Then    string `json:"then,omitempty"`
	Matches bool   `json:"matches"`
	Why     string `json:"why,omitempty"` // it does not match
}

// termsBody are the settings in force for the client and the connection; what is
// empty is as installed.
type termsBody struct {
	LinkCarriesCode  bool   `json:"link_carries_code"`
	RequireLoginHint bool   `json:"require_login_hint"`
	Start            string `json:"start"` // allowed, or the refusal
	CodeTTL          string `json:"code_ttl,omitempty"`
	GrantTTL         string `json:"grant_ttl,omitempty"`
	TokenTTL         string `json:"token_ttl,omitempty"`
	ScopesFar        string `json:"scopes_far,omitempty"`
}

func explainApproval(p policy.Policy, of policy.Circumstances) explanation {
	d := p.Resolve(of)
	out := explanation{
		Preset: string(p.Preset()), Network: string(of.Network), Outcome: d.Outcome.String(), Rule: d.Rule.Name,
		Why: "No rule matches, so the page warns and nothing is asked.", Demands: []string{},
	}
	if d.Rule.Name != "" {
		out.Why = d.Rule.Why()
	}
	if refusal, refused := fault.Of(d.Refused()); refused {
		out.Refusal = refusal.Code
	}
	if d.MustReauthenticate() {
		out.Demands = append(out.Demands, policy.Reauthenticate.String())
	}
	if d.MustType() && !of.Typed {
		out.Demands = append(out.Demands, policy.Type.String())
	}
	for _, step := range p.Explain(of) {
		out.Rules = append(out.Rules, explainedOne{step.Rule.Name, step.Rule.When.String(), step.Rule.Then.String(), step.Matches, step.Why})
	}
	l := p.Limits(of.Client, of.Connection)
	out.Terms = termsBody{
		LinkCarriesCode: l.LinkCarriesCode, RequireLoginHint: l.RequireLoginHint, Start: "allowed",
		CodeTTL: life(l.CodeTTL), GrantTTL: life(l.GrantTTL), ScopesFar: l.ScopesFar.String(),
		TokenTTL: life(time.Duration(l.TokenLife(of.Network, 0))),
	}
	if refusal, refused := fault.Of(l.CheckStart(of.Device, !of.LoginHint.IsZero())); refused {
		out.Terms.Start = refusal.Code + ": " + refusal.Message
	}
	return out
}

func life(of time.Duration) string {
	if of == 0 {
		return ""
	}
	return of.String()
}

func (e explanation) print(out io.Writer) error {
	outcome := e.Outcome
	if e.Refusal != "" {
		outcome += " (" + e.Refusal + ")"
	}
	by := e.Rule
	if by == "" {
		by = "no rule"
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "outcome\t%s\n", outcome)
	fmt.Fprintf(table, "decided by\t%s\n", by)
	fmt.Fprintf(table, "why\t%s\n", e.Why)
	if len(e.Demands) > 0 && e.Refusal == "" {
		fmt.Fprintf(table, "asked\t%s\n", strings.Join(e.Demands, " and "))
	}
	fmt.Fprintf(table, "network\t%s\npreset\t%s\nstart\t%s\nlink carries code\t%t\n", e.Network, e.Preset, e.Terms.Start, e.Terms.LinkCarriesCode)
	for _, one := range [][2]string{
		{"code lives", e.Terms.CodeTTL}, {"sign-in lives", e.Terms.GrantTTL}, {"token lives at most", e.Terms.TokenTTL}, {"scopes when not near", e.Terms.ScopesFar},
	} {
		if one[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", one[0], one[1])
		}
	}
	for _, name := range e.Unknown {
		fmt.Fprintf(table, "not known\t%s\n", name)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(e.Rules) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	rules := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(rules, "RULE\tTHEN\tMATCHES\tWHEN")
	for _, one := range e.Rules {
		matches := "yes"
		if !one.Matches {
			matches = "no: " + one.Why
		}
		then := one.Then
		if then == "" {
			then = "-"
		}
		fmt.Fprintf(rules, "%s\t%s\t%s\t%s\n", one.Rule, then, matches, one.When)
	}
	return rules.Flush()
}

func (e explainPolicy) circumstances() (policy.Circumstances, error) {
	of := policy.Circumstances{
		Client: e.Client, Connection: e.Connection, KnownNetwork: e.KnownNetwork, NewDevice: e.New, Suspected: e.Suspected, Typed: e.Typed,
	}
	var errs []error
	for flag, at := range map[string]struct {
		text string
		to   *netip.Addr
	}{"--device-ip": {e.DeviceIP, &of.Device}, "--browser-ip": {e.BrowserIP, &of.Browser}} {
		if at.text == "" {
			continue
		}
		read, err := netip.ParseAddr(at.text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %q: write one address, like 192.0.2.7 or 2001:db8::7", flag, at.text))
		}
		*at.to = read
	}
	if e.LoginHint != "" {
		hint, err := identity.ParseEmail(e.LoginHint)
		if err != nil {
			errs = append(errs, fmt.Errorf("--login-hint %q: write one e-mail address", e.LoginHint))
		}
		of.LoginHint = hint
	}
	if e.KnownNetwork && e.New {
		errs = append(errs, errors.New("--new and --known-network: a device that was connected before is not new"))
	}
	if err := errors.Join(errs...); err != nil {
		return of, err
	}
	of.Network = networkOf(of.Device, of.Browser)
	return of, nil
}

// networkOf compares two addresses as an approval does.
func networkOf(from, browser netip.Addr) policy.Network {
	by := client.Must(client.Settings{ID: "explained"})
	a, _, _ := device.Start(by, device.Label{}, scope.Set{}, device.StandardTiming, time.Unix(0, 0), request.Origin{IP: from})
	return policy.NetworkOf(a.NetworkMatchFor(request.Origin{IP: browser}))
}
