package phishing

import (
	"fmt"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
)

// Honest people whose addresses are none of the campaigns' plays: no login is
// refused, and where device and browser share a network nothing more is asked.
func TestHonestPeopleWithUnusualAddresses(t *testing.T) {
	const vpn = "100.67.0.1"
	for _, mix := range []struct {
		name, preset string
		of           func(i int) trip
		typed        int // of six logins
	}{
		{"IPv6 addresses that change, in one office", "default", changingAddresses, 0},
		{"IPv6 addresses that change, in one office", "strict", changingAddresses, 0},
		{"a kiosk that everybody uses", "strict", func(int) trip { return trip{office, "198.51.100.40", desktop, "", ""} }, 0},
		// The first two look like a coincidence, the others like a campaign.
		{"a VPN in the browser only, on the first day", "default", func(i int) trip {
			return trip{network(homeOf, i), vpn, desktop, network("host-%d", i), ""}
		}, 4},
	} {
		t.Run(fmt.Sprintf("%s, %s", mix.name, mix.preset), func(t *testing.T) {
			t.Parallel()
			s := serve(t, mix.preset)
			var sum tally
			for i := range 6 {
				one, _ := s.play(user(i), mix.of(i))
				sum = sum.plus(one)
				s.skip(5 * time.Minute)
			}
			if want := (tally{logins: 6, hindered: mix.typed, typed: mix.typed}); sum != want {
				t.Errorf("got %+v, want %+v", sum, want)
			}
			if n, want := s.events(audit.IncidentNoticed), min(1, mix.typed); n != want {
				t.Errorf("got %d incidents, want %d", n, want)
			}
		})
	}
}

// changingAddresses are those of privacy extensions (RFC 8981): a new one for each
// device and for each browser, in the /48 of one office.
func changingAddresses(i int) trip {
	return trip{network("2001:db8:77:1:a%x::%x", i, i*7), network("2001:db8:77:1:b%x::%x", i, i*3), desktop, network("host-%d", i), ""}
}
