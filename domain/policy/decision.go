package policy

// Decision is what a policy makes of one approval.
type Decision struct {
	Outcome Outcome
	// Rule decides: the first of the strictest ones that match. It is the zero Rule
	// if none matches; the outcome is [Warn] then.
	Rule     Rule
	demanded []Rule // all that match
	// typingHelps says that the approval is refused only because the code was not
	// typed.
	typingHelps bool
}

// MustType reports whether the person has to type the user code.
func (d Decision) MustType() bool { return d.demands(Type) || d.typingHelps }

// MustReauthenticate reports whether the person has to sign in anew.
func (d Decision) MustReauthenticate() bool { return d.demands(Reauthenticate) }

func (d Decision) demands(what Outcome) bool {
	for _, r := range d.demanded {
		if r.Then == what {
			return true
		}
	}
	return false
}

// Refused is nil unless the approval is refused even if the code is typed: then it
// is [ErrNetworkNotAllowed] or [ErrApprovalRefused].
func (d Decision) Refused() error {
	switch {
	case d.Outcome != Refuse || d.typingHelps:
		return nil
	case d.Rule.When.onNetworks():
		return ErrNetworkNotAllowed
	}
	return ErrApprovalRefused
}

// Resolve judges the circumstances.
func (p Policy) Resolve(c Circumstances) Decision {
	d := Decision{Outcome: Warn}
	for _, r := range p.rules {
		if r.Then == none || r.When.unmet(c, p.trusted) != "" {
			continue
		}
		d.demanded = append(d.demanded, r)
		if r.Then > d.Outcome || d.Rule.Name == "" && r.Then == d.Outcome {
			d.Outcome, d.Rule = r.Then, r
		}
	}
	if d.Outcome == Refuse && !c.Typed {
		c.Typed = true
		d.typingHelps = p.Resolve(c).Outcome != Refuse
	}
	return d
}

// Step is what one rule makes of the circumstances.
type Step struct {
	Rule    Rule
	Matches bool
	Why     string // it does not match
}

// Explain lists what each rule makes of the circumstances, in the order of the
// policy.
func (p Policy) Explain(c Circumstances) []Step {
	var steps []Step
	for _, r := range p.rules {
		why := r.When.unmet(c, p.trusted)
		steps = append(steps, Step{Rule: r, Matches: why == "", Why: why})
	}
	return steps
}
