package httpserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

func TestTheClientsAddressIsTheNearestThatIsNoTrustedProxys(t *testing.T) {
	c := httpserver.NewClientAddress(config(t, "https://sso.example.com", "https://sso.example.com", "10.0.0.0/8", "fd00::/8"))
	for name, test := range map[string]struct {
		peer string
		hops []string
		want string
	}{
		"no proxy":                                    {"192.0.2.7:1234", nil, "192.0.2.7"},
		"a claim without a trusted proxy":             {"192.0.2.7:1234", []string{"203.0.113.1"}, "192.0.2.7"},
		"a trusted proxy":                             {"10.0.0.1:1", []string{"192.0.2.7"}, "192.0.2.7"},
		"two trusted proxies":                         {"10.0.0.1:1", []string{"192.0.2.7, 10.9.9.9"}, "192.0.2.7"},
		"what the client claims comes first":          {"10.0.0.1:1", []string{"203.0.113.1, 192.0.2.7"}, "192.0.2.7"},
		"a claim to be a trusted proxy":               {"10.0.0.1:1", []string{"203.0.113.1, 10.1.1.1, 192.0.2.7, 10.2.2.2"}, "192.0.2.7"},
		"several headers":                             {"10.0.0.1:1", []string{"203.0.113.1", "192.0.2.7"}, "192.0.2.7"},
		"a hop that is no address":                    {"10.0.0.1:1", []string{"192.0.2.7, unknown"}, "10.0.0.1"},
		"a port, as some proxies write it":            {"10.0.0.1:1", []string{"192.0.2.7:5555"}, "192.0.2.7"},
		"an empty header":                             {"10.0.0.1:1", []string{""}, "10.0.0.1"},
		"a client in a trusted network (an intranet)": {"10.0.0.1:1", []string{"10.1.2.3"}, "10.1.2.3"},
		"IPv6":                        {"[fd00::1]:1", []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv6 in brackets, with port": {"[fd00::1]:1", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		"IPv4 in IPv6":                {"[::ffff:10.0.0.1]:1", []string{"::ffff:192.0.2.7"}, "192.0.2.7"},
		"a zone":                      {"[fe80::1%eth0]:1", nil, "fe80::1"},
		"a Unix socket":               {"@", []string{"192.0.2.7"}, "invalid IP"},
	} {
		t.Run(name, func(t *testing.T) {
			var header []string
			for _, h := range test.hops {
				header = append(header, "X-Forwarded-For", h)
			}
			if got := c.Of(request(test.peer, header...)).String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestSignsOfAnUnknownProxy(t *testing.T) {
	for name, test := range map[string]struct {
		public string
		r      *http.Request
		want   bool
	}{
		"a browser":                                 {"https://gate.example", request("192.0.2.7:1"), false},
		"a proxy that names the client":             {"https://gate.example", request("192.0.2.7:1", "X-Forwarded-For", "198.51.100.1"), true},
		"a proxy that says it as RFC 7239 does":     {"https://gate.example", request("192.0.2.7:1", "Forwarded", "for=198.51.100.1"), true},
		"nginx that names the address its own way":  {"https://gate.example", request("192.0.2.7:1", "X-Real-IP", "198.51.100.1"), true}, // F34
		"a proxy that says only which scheme":       {"https://gate.example", request("192.0.2.7:1", "X-Forwarded-Proto", "https"), true},
		"a cache that says only that it is there":   {"https://gate.example", request("192.0.2.7:1", "Via", "1.1 cache"), true},
		"a network of proxies":                      {"https://gate.example", request("192.0.2.7:1", "CF-Connecting-IP", "198.51.100.1"), true},
		"a trusted proxy that names it its own way": {"https://gate.example", request("10.0.0.1:1", "X-Real-IP", "198.51.100.1"), true},
		"a trusted proxy":                           {"https://gate.example", request("10.0.0.1:1", "X-Forwarded-For", "198.51.100.1"), false},
		"a trusted proxy that says no address":      {"https://gate.example", request("10.0.0.1:1", "X-Forwarded-For", "unknown"), true}, // F65
		"a trusted proxy that says nothing":         {"https://gate.example", request("10.0.0.1:1"), true},
		"a trusted proxy that says an empty text":   {"https://gate.example", request("10.0.0.1:1", "X-Forwarded-For", ""), true},
		"one in front of it that says nothing":      {"https://gate.example", request("10.0.0.1:1", "X-Forwarded-For", "192.0.2.9"), true},
		"one in front of it that says an address":   {"https://gate.example", request("10.0.0.1:1", "X-Forwarded-For", "198.51.100.1, 192.0.2.9"), false},
		"a client in a trusted network":             {"https://gate.example", request("10.0.0.1:1", "X-Forwarded-For", "10.9.9.9"), false},
		"a proxy on this machine that says nothing": {"https://gate.example", request("127.0.0.1:1"), true},
		"a trusted proxy here that says nothing":    {"https://gate.example", request("127.0.0.9:1"), true},
		"a browser on this machine":                 {"http://localhost:8080", request("127.0.0.1:1"), false},
		"a browser on this machine, by address":     {"http://[::1]:8080", request("[::1]:1"), false},
	} {
		t.Run(name, func(t *testing.T) {
			c := httpserver.NewClientAddress(config(t, test.public, test.public, "10.0.0.0/8", "192.0.2.9/32", "127.0.0.0/8"))
			if got := c.BehindUnknownProxy(test.r); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
			origin, trusted := c.Origin(test.r), c.IsTrusted(test.r)
			if got := origin.BehindUnknownProxy; got != test.want {
				t.Errorf("the origin says %t, want %t", got, test.want)
			}
			if want := test.want && trusted; origin.OfProxy != want { // a client cannot claim it
				t.Errorf("the origin says that it is a proxy's: %t, want %t", origin.OfProxy, want)
			}
		})
	}
}

func TestTheUserAgentIsCutAndValid(t *testing.T) {
	c := httpserver.NewClientAddress(config(t, "https://sso.example.com", "https://sso.example.com"))
	origin := c.Origin(request("192.0.2.7:1", "User-Agent", strings.Repeat("ü", 300)+"\xff"))
	if want := strings.Repeat("ü", 255); origin.UserAgent != want || origin.IP.String() != "192.0.2.7" {
		t.Errorf("got %+v, want the address and %s", origin, want)
	}
}
