package phishing

import (
	"math/rand/v2"
	"time"
)

// The honest logins, by where people and devices are.
const (
	atOffice = "office"
	atHome   = "home"
	overSSH  = "SSH to a machine of one's own"
	overJump = "SSH to the company's machine room"
	byPhone  = "telephone on another network"
	inCI     = "CI"
)

// mixes are how often each occurs, in the order of a day.
var mixes = []string{
	atOffice, atHome, atOffice, overSSH, atOffice, byPhone, atOffice, atHome, atOffice, inCI, atOffice, overJump,
}

// tally is what became of honest logins of one kind.
type tally struct {
	logins, refused, hindered int
	typed, again, moved, late int // what the hindered ones had to do
	ended                     int // tokens that an operator has ended
}

func (a tally) plus(b tally) tally {
	return tally{
		a.logins + b.logins, a.refused + b.refused, a.hindered + b.hindered,
		a.typed + b.typed, a.again + b.again, a.moved + b.moved, a.late + b.late, a.ended + b.ended,
	}
}

// crowd are the honest people of a campaign. They are not its victims.
type crowd struct {
	each  int // logins after each victim
	next  int
	known int // people of the day before who come again; 0: all are new
	done  map[string]tally
	got   map[string][]*login
}

// newCrowd begins the order of the day at the given login.
func newCrowd(each, first int) *crowd {
	return &crowd{each: each, next: first, done: map[string]tally{}, got: map[string][]*login{}}
}

// again has people of the day before come again, with their machines. In every third
// round of the day they are others still, in new places.
func (c *crowd) again(before int) *crowd {
	c.known = before
	return c
}

// who is the number of the person of the next login.
func (c *crowd) who() int {
	if rounds := len(mixes); c.known > 0 && c.next/rounds%3 != 2 {
		return c.next%c.known + 1
	}
	return c.next + 1
}

// trip is one honest login.
type trip struct {
	device, browser, agent, label string
	beside                        string // a browser in the device's network, if there is one
}

// tripOf makes the login of the i-th person.
func tripOf(kind string, i int) trip {
	label := ""
	if rand.New(rand.NewPCG(1, uint64(i))).IntN(2) == 0 {
		label = network("host-%d", i)
	}
	home := network(homeOf, i%200)
	switch kind {
	case atHome:
		return trip{home, home, desktop, label, home}
	case overSSH:
		return trip{network(cloudOf, i%200), home, desktop, label, ""}
	case overJump:
		return trip{machineRoom, office, desktop, label, ""}
	case byPhone: // the laptop is at home, the telephone is not in its WLAN
		return trip{home, network(mobile, 10+i%200), telephone, label, home}
	case inCI:
		return trip{network(buildFarm, 10+i%100), office, desktop, "runner", ""}
	}
	return trip{office, office, desktop, label, office}
}

// logIn plays the next honest logins.
func (c *crowd) logIn(s *service) {
	s.t.Helper()
	for range c.each {
		kind, who := mixes[c.next%len(mixes)], c.who()
		c.next++
		one, l := s.play(user(staffSize()/2+who), tripOf(kind, who))
		c.done[kind] = c.done[kind].plus(one)
		c.got[kind] = append(c.got[kind], l)
		s.skip(20 * time.Second)
	}
}

// ended is what became of the honest logins in the end.
func (c *crowd) ended(s *service) map[string]tally {
	for kind, all := range c.got {
		n, young := c.done[kind], c.young(s, all)
		n.ended = len(young) - s.alive(young)
		c.done[kind] = n
	}
	return c.done
}

// young are the logins whose tokens no policy has let end by now.
func (c *crowd) young(s *service, all []*login) (out []*login) {
	for _, l := range all {
		if l.token != "" && s.now().Before(l.begun.Add(20*time.Hour)) {
			out = append(out, l)
		}
	}
	return out
}

// play plays one honest login to its end. While its device waits, an operator goes on
// working.
func (s *service) play(user string, on trip) (out tally, l *login) {
	s.t.Helper()
	out.logins = 1
	l = s.start(on.device, on.label)
	person := s.person(user, on.browser, on.agent)
	ended, err := person.Decide(s.t.Context(), l.honestLink(), l.codes.UserCode)
	if err != nil {
		s.t.Fatal(err)
	}
	out.typed, out.again = min(1, person.Steps.Typed), min(1, person.Steps.SignedAgain)
	if ended != "approved" && on.beside != "" && on.beside != on.browser { // as the page advises
		out.moved = 1
		person = s.person(user, on.beside, desktop)
		if ended, err = person.Decide(s.t.Context(), l.honestLink(), l.codes.UserCode); err != nil {
			s.t.Fatal(err)
		}
	}
	for minute := 0; l.token == "" && !l.ended && ended == "approved"; minute++ {
		if s.pollAll([]*login{l}); l.token == "" {
			out.late = 1
			s.skip(30 * time.Second)
			s.tend()
		}
	}
	if l.token == "" {
		out.refused = 1
		return out, l
	}
	out.hindered = min(1, out.typed+out.again+out.moved+out.late)
	return out, l
}
