package phishing

import "testing"

// check compares what came of a campaign with what a preset is for.
func (c campaign) check(t *testing.T, preset string, r result) {
	t.Helper()
	if preset == "strict" {
		if !c.insider && !c.within && r.tokens != 0 {
			t.Errorf("got %d tokens for the attacker, want none", r.tokens)
		}
		if !c.insider {
			return
		}
	}
	if preset == "parity" && r.tokens == 0 && !c.late {
		t.Error("got no token for the attacker, want one: the attack is none")
	}
	by := c.noticedBy()
	if by == never || by > r.victims {
		return
	}
	if r.noticed == 0 || r.noticed > by {
		t.Errorf("got it noticed by victim %d (0: never), want %d at the latest", r.noticed, by)
	}
	if r.alive != 0 {
		t.Errorf("got %d tokens that work after containment, want none", r.alive)
	}
}

// checkHonest compares what honest people met with what a preset may cost them.
func checkHonest(t *testing.T, preset string, all map[string]tally) {
	t.Helper()
	if at := all[atOffice]; at.refused != 0 || at.hindered*100 >= max(at.logins, 1) {
		t.Errorf("office: got %d of %d logins refused and %d hindered, want none and less than one in a hundred", at.refused, at.logins, at.hindered)
	}
	for _, kind := range kinds() {
		n := all[kind]
		if n.ended != 0 {
			t.Errorf("%s: got %d of %d tokens ended, want none", kind, n.ended, n.logins)
		}
		if preset == "strict" && kind == overSSH { // its networks are not trusted
			continue
		}
		if n.refused != 0 {
			t.Errorf("%s: got %d of %d logins refused, want none", kind, n.refused, n.logins)
		}
		if preset != "strict" && n.again+n.moved != 0 {
			t.Errorf("%s: got %d people who signed in again and %d who moved, want none: typing the code is all it may cost", kind, n.again, n.moved)
		}
	}
}
