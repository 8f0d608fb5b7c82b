package phishing

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The networks of the play. Each /24 is one network, or /48 with IPv6.
const (
	office      = "198.51.100.7"  // one address for everyone there
	machineRoom = "203.0.113.20"  // of the company: remote machines for everyone
	buildFarm   = "198.18.251.%d" // of the company
	mobile      = "192.0.2.%d"    // of the telephone company
	homeOf      = "198.18.%d.5"   // of one person
	cloudOf     = "198.19.%d.80"  // a remote machine of one person
	abroad      = "100.64.7.9"    // the attacker's
	sameISP     = "198.18.250.66" // the attacker's, at the provider of the homes
	many        = "100.65.%d.4"   // the attacker's, one network each
	elsewhere   = "100.66.1.1"    // the attacker's, to poll from
	abroad6     = "2001:db8:bad:77::9"
	rotating    = "2001:db8:bad:%x:%x::1"
)

// at sends an actor's requests through the trusted proxy that says the actor's
// address.
type at struct {
	s       *service
	address string
	agent   string
	reading time.Duration // before each form is sent
}

func (a at) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost {
		a.s.skip(a.reading)
	}
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", a.agent)
	if strings.HasPrefix(a.s.public, req.URL.Scheme+"://"+req.URL.Host) {
		req.Header.Set("X-Forwarded-For", a.address)
	}
	return http.DefaultTransport.RoundTrip(req)
}

const (
	commandLine = "difyctl/1.4.0 (linux; amd64)"
	desktop     = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	telephone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"
	reading     = 5 * time.Second
)

func network(pattern string, numbers ...any) string { return fmt.Sprintf(pattern, numbers...) }
