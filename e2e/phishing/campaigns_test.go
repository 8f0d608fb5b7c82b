package phishing

import (
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
)

// lure is how a code reaches a victim.
type lure int

const (
	mail   lure = iota // a link; all codes are started before the mail goes out
	click              // a link to a page of the attacker's, which starts a code and leads on
	spoken             // over the telephone; the victim types it
	qr                 // a picture, opened with a telephone
	relay              // a page that begins the sign-in itself and passes it on
)

// campaign is one way to attack.
type campaign struct {
	name    string
	lure    lure
	from    func(i int) string // the attacker's address for the i-th code
	label   func(i int) string // nil: none, as most devices
	insider bool               // the attacker is in the victims' network
	careful bool               // the second of each three victims reports instead
	by      int                // the victim by whom it is noticed at the latest; 0: the third

	client func(i int) string        // nil: difyctl
	at     func(i int) string        // where the i-th victim is; nil: in the office or at home, in turns
	press  func(i int) string        // what the i-th victim chooses; nil: to approve
	gap    func(i int) time.Duration // after the i-th victim; nil: a minute
	ready  func(s *service)          // what is there before
	within bool                      // the attacker is in a network that the company trusts
	late   bool                      // the attacker polls when codes are about to end, from elsewhere
}

const third, never = 3, -1

func hundred(i int) string { return network(many, i%100) }

func always(address string) func(int) string { return func(int) string { return address } }

var campaigns = []campaign{
	{name: "mass mail with a link", lure: mail, from: always(abroad)},
	{name: "a fresh code on each click", lure: click, from: always(abroad)},
	{name: "a false help desk, the code typed", lure: spoken, from: always(abroad)},
	{name: "a QR code", lure: qr, from: always(abroad)},
	{name: "a page that relays in real time", lure: relay, from: always(abroad)},
	{name: "an attacker at the victims' provider", lure: click, from: always(sameISP)},
	{name: "IPv6 addresses that rotate", lure: click, from: func(i int) string { return network(rotating, i%4, i) }},
	{name: "a hundred addresses", lure: click, from: hundred, label: func(int) string { return "WIN-7F3K2" }},
	{name: "a hundred addresses, devices without names", lure: click, from: hundred},
	{name: "a hundred addresses, a name for each device", lure: click, from: hundred, label: func(i int) string { return fmt.Sprintf("laptop-%d", 7000+i*37) }},
	{name: "an attacker in the company's network", lure: spoken, from: always(office), insider: true},
	{name: "an insider, and one victim in three reports", lure: spoken, from: always(office), insider: true, careful: true},
}

// noticedBy is the victim by whom the campaign is noticed at the latest.
func (c campaign) noticedBy() int {
	if c.by == 0 {
		return third
	}
	return c.by
}

// result is what came of a campaign.
type result struct {
	victims, noticed, signalled int // noticed, signalled: 0 is never
	tokens, alive               int
	asked                       int // people whom the operator asked
	honest                      map[string]tally
}

// operatorAfter is how long the operator takes to contain what was noticed, and to
// look again.
const operatorAfter = 5 * time.Minute

// play plays the campaign to its end, with honest logins after each victim, and so
// many on the day before.
func (c campaign) play(s *service, victims int, others *crowd, before int) result {
	s.t.Helper()
	r := result{victims: victims}
	if before > 0 {
		newCrowd(before, 0).logIn(s)
		s.skip(25 * time.Hour)
	}
	if c.ready != nil {
		c.ready(s)
	}
	var codes []*login
	if c.lure == mail {
		for i := range victims {
			codes = append(codes, c.start(s, i))
		}
	}
	var contain time.Time // for the next time
	op := newOperator(s, victims)
	tend := func() {
		if r.noticed > 0 && !s.now().Before(contain) {
			op.contain(codes)
			contain = s.now().Add(operatorAfter)
		}
	}
	s.tend = tend
	for i := range victims {
		if c.lure != mail {
			codes = append(codes, c.start(s, i))
		}
		c.deceive(s, codes[i], i)
		c.poll(s, codes)
		if r.signalled == 0 && s.events(audit.PhishingSuspected) > 0 {
			r.signalled = i + 1
		}
		if r.noticed == 0 && s.events(audit.IncidentNoticed) > 0 && len(op.incidents(codes[:i+1])) > 0 {
			r.noticed, contain = i+1, s.now().Add(operatorAfter)
		}
		tend()
		others.logIn(s)
		s.skip(time.Minute)
		if c.gap != nil && c.gap(i) > 0 {
			c.finish(s, codes, tend)
			s.skip(c.gap(i))
		}
	}
	c.finish(s, codes, tend)
	for _, l := range codes {
		if l.token != "" {
			r.tokens++
		}
	}
	r.alive, r.asked, r.honest = s.alive(codes), len(op.asked), others.ended(s)
	return r
}

// finish polls for longer than codes live.
func (c campaign) finish(s *service, codes []*login, tend func()) {
	for range 20 {
		s.skip(time.Minute)
		c.poll(s, codes)
		tend()
	}
}

// poll polls for the codes that are open.
func (c campaign) poll(s *service, codes []*login) {
	if !c.late {
		s.pollAll(codes)
		return
	}
	var now []*login
	for _, l := range codes {
		if s.now().After(l.begun.Add(13 * time.Minute)) {
			l.device.HTTP.Transport = at{s: s, address: elsewhere, agent: commandLine}
			now = append(now, l)
		}
	}
	s.pollAll(now)
}

func (c campaign) start(s *service, i int) *login {
	label, client := "", "difyctl"
	if c.label != nil {
		label = c.label(i)
	}
	if c.client != nil {
		client = c.client(i)
	}
	return s.startAs(client, c.from(i), label)
}

// victimAt is where the i-th victim is: in the office or at home, in turns. The
// insider's victims are in the office.
func (c campaign) victimAt(i int) string {
	switch {
	case c.at != nil:
		return c.at(i)
	case c.lure == qr:
		return network(mobile, 10+i%200)
	case c.insider, i%2 == 0:
		return office
	}
	return network(homeOf, i%200)
}

// deceive has the i-th victim follow the attacker's instructions. How the page ends
// does not matter: what counts is whether the attacker gets a token.
func (c campaign) deceive(s *service, l *login, i int) {
	s.t.Helper()
	if c.lure == relay {
		c.relay(s, l, i)
		return
	}
	agent, address := desktop, l.link()
	switch c.lure {
	case qr:
		agent = telephone
	case spoken:
		address = l.codes.URI
	}
	victim := s.person(user(i), c.victimAt(i), agent)
	if c.careful && i%3 == 1 {
		victim.Press = "deny-unasked"
	}
	if c.press != nil {
		victim.Press = c.press(i)
	}
	if _, err := victim.Decide(s.t.Context(), address, l.codes.UserCode); err != nil {
		s.t.Fatal(err)
	}
}
