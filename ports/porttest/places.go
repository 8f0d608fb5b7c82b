package porttest

import (
	"net/netip"
	"sync"
	"testing"

	"github.com/devicegate/devicegate/domain/place"
	"github.com/devicegate/devicegate/ports"
)

// PlacesUnderTest is what an adapter knows in [Places].
var PlacesUnderTest = map[netip.Prefix]place.Place{
	netip.MustParsePrefix("203.0.113.0/24"): place.New(
		place.Names{"en": "Cologne", "de": "Köln"}, place.Names{"en": "Germany", "de": "Deutschland"}, "Example Net"),
	netip.MustParsePrefix("2001:db8:1::/48"): place.New(nil, place.Names{"en": "France"}, ""),
}

// Places tests a [ports.Places]. Open returns one that knows [PlacesUnderTest].
func Places(t *testing.T, open func(t *testing.T) ports.Places) {
	t.Run("an address is in the place of its network", func(t *testing.T) {
		p := open(t)
		for _, address := range []string{"203.0.113.7", "::ffff:203.0.113.255"} {
			got := p.Of(netip.MustParseAddr(address))
			if got.City("de") != "Köln" || got.Country("de") != "Deutschland" || got.City() != "Cologne" || got.Operator() != "Example Net" {
				t.Errorf("%s: got %v, want Cologne", address, got)
			}
		}
		if got := p.Of(netip.MustParseAddr("2001:db8:1::7")); got.Country() != "France" || got.City() != "" || got.Operator() != "" {
			t.Errorf("got %v, want France and no more", got)
		}
	})

	t.Run("an address of no network is nowhere", func(t *testing.T) {
		p := open(t)
		for _, address := range []string{"198.51.100.1", "2001:db8:2::1", "10.0.0.1", "127.0.0.1", "::1", "fe80::1%eth0", "::", "0.0.0.0"} {
			if got := p.Of(netip.MustParseAddr(address)); !got.IsZero() {
				t.Errorf("%s: got %v, want nothing", address, got)
			}
		}
		if got := p.Of(netip.Addr{}); !got.IsZero() {
			t.Errorf("got %v for no address, want nothing", got)
		}
	})

	t.Run("many may ask at once", func(t *testing.T) {
		p := open(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if got := p.Of(netip.MustParseAddr("203.0.113.7")); got.City() != "Cologne" {
					t.Errorf("got %v, want Cologne", got)
				}
			})
		}
		wg.Wait()
	})
}
