package phishing

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/incident"
)

// place is where honest people log in side by side, as victims of an insider do.
type place struct {
	name   string
	people int
	names  int // of devices that three of them have in common, at their own address: each is noticed once
	trip   func(i int) trip
	shared bool // all devices are at one address that is not the people's: it may cost a step at first
}

const (
	natAddress   = "198.51.100.7"
	sharedServer = "10.20.30.250" // to which people log in over SSH
	kiosk        = "10.20.40.9"   // a machine that many people use
	otherKiosk   = "10.20.50.9"
)

var hostNames = []string{"MacBook-Pro.local", "localhost", "", "DESKTOP", "raspberrypi"}

// places are played in this order, on one installation.
var places = []place{
	{name: "an office behind one address, five host names", people: 200, names: 5, trip: func(i int) trip {
		return trip{natAddress, natAddress, desktop, hostNames[i%len(hostNames)], ""}
	}},
	{name: "an office with an address for each machine", people: 190, trip: func(i int) trip {
		return trip{atDesk(i), atDesk(i), desktop, hostNames[i%len(hostNames)], ""}
	}},
	{name: "the server that ten of them share over SSH", people: 10, shared: true, trip: func(i int) trip {
		return trip{sharedServer, atDesk(i), desktop, "dev", ""}
	}},
	{name: "a kiosk in a laboratory", people: 20, names: 1, trip: func(int) trip {
		return trip{kiosk, kiosk, desktop, "lab-1", ""}
	}},
	{name: "another, approved with telephones in its network", people: 20, shared: true, trip: func(i int) trip {
		return trip{otherKiosk, network("10.20.50.%d", 20+i), telephone, "lab-2", ""}
	}},
}

// TestPeopleWhoWorkSideBySide has honest people log in where an insider would hide.
// Nobody is refused, and what they share costs its users a step on the first day at
// most. Names of devices are noticed on the first day, and hold nothing. A short play has
// fewer people.
func TestPeopleWhoWorkSideBySide(t *testing.T) {
	t.Parallel()
	s, report := serve(t, "default"), func(format string, a ...any) {
		if *whole || testing.Verbose() {
			fmt.Fprintf(t.Output(), format, a...)
		}
	}
	report("\n| side by side, with default | logins | refused | one more step on the first day | on the second | noticed on the first day | on the second |\n| --- | --: | --: | --: | --: | --: | --: |\n")
	for _, p := range places {
		before := s.noticedNames()
		first := p.day(s)
		names := s.noticedNames() - before
		s.skip(25 * time.Hour)
		second := p.day(s)
		again := s.noticedNames() - before - names
		if names != p.names || again != 0 {
			t.Errorf("%s: got %d and %d names of devices noticed, want %d on the first day and none on the second", p.name, names, again, p.names)
		}
		if n := first.refused + second.refused; n != 0 {
			t.Errorf("%s: got %d logins refused, want none", p.name, n)
		}
		if !p.shared && first.hindered != 0 || second.hindered != 0 {
			t.Errorf("%s: got %d and %d logins with one more step, want none", p.name, first.hindered, second.hindered)
		}
		if first.hindered > first.logins-2 {
			t.Errorf("%s: got %d of %d with one more step, want it to begin with the third person", p.name, first.hindered, first.logins)
		}
		report("| %s | %d | %d | %d | %d | %d | %d |\n", p.name, first.logins+second.logins, first.refused+second.refused, first.hindered, second.hindered, names, again)
	}
}

// day has the people of a place log in once, within the limits of one address.
func (p place) day(s *service) (out tally) {
	people := p.people
	if !*whole {
		people = min(people, 15) // three for each host name
	}
	for i := range people {
		one, _ := s.play(user(i), p.trip(i))
		out = out.plus(one)
		s.skip(72 * time.Second)
	}
	return out
}

// noticedNames counts the incidents of devices that are alike at one address.
func (s *service) noticedNames() (n int) {
	s.t.Helper()
	var list struct {
		Data []struct {
			Source struct{ Kind incident.SourceKind }
		}
	}
	s.administer(http.MethodGet, "/incidents", nil, &list)
	for _, i := range list.Data {
		if i.Source.Kind == incident.DevicesAtAddress {
			n++
		}
	}
	return n
}
