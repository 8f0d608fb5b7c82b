package phishing

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/bootstrap/demo"
)

// staffSize is more than any campaign and its honest logins need. The identity
// provider's page lists all of them.
func staffSize() int {
	if *whole {
		return 1000
	}
	return 200
}

// staff are the company's people. The first ones fall for campaigns.
func staff() (all []demoidp.User) {
	for i := range staffSize() {
		all = append(all, demoidp.User{Email: user(i) + "@acme.example", Name: fmt.Sprint("Person ", i)})
	}
	return all
}

func user(i int) string { return fmt.Sprintf("p%d", i) }

func (s *service) device(address, label string) demo.Device {
	return demo.Device{
		API: s.public + "/openapi/v1", ClientID: "difyctl", Label: label,
		HTTP: &http.Client{Timeout: 30 * time.Second, Transport: at{s: s, address: address, agent: commandLine}},
	}
}

// person approves in a fresh browser.
func (s *service) person(user, address, agent string) *demo.Person {
	return demo.NewPerson(user, demoidp.Password, "approve", io.Discard).Through(at{s, address, agent, reading})
}

// login is one login that a device began.
type login struct {
	device demo.Device
	from   string // the device's address
	codes  demo.Codes
	token  string // empty: not yet
	ended  bool   // there will be no token
	begun  time.Time
}

func (s *service) start(address, label string) *login {
	s.t.Helper()
	return s.startAs("difyctl", address, label)
}

// startAs starts a login of a client.
func (s *service) startAs(client, address, label string) *login {
	s.t.Helper()
	d := s.device(address, label)
	d.ClientID = client
	codes, err := d.Start(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return &login{device: d, from: address, codes: codes, begun: s.now()}
}

// link is the page's address with the code, whether or not the server gives one.
func (l *login) link() string {
	if l.codes.Complete != "" {
		return l.codes.Complete
	}
	return l.codes.URI + "?user_code=" + l.codes.UserCode
}

// honestLink is the address that the device shows.
func (l *login) honestLink() string {
	if l.codes.Complete != "" {
		return l.codes.Complete
	}
	return l.codes.URI
}

// poll asks for the token once.
func (s *service) poll(l *login) {
	s.t.Helper()
	token, refused, err := l.device.Poll(s.t.Context(), l.codes.DeviceCode)
	switch {
	case err != nil:
		s.t.Fatal(err)
	case refused == "":
		l.token = token.AccessToken
	case refused == "access_denied", refused == "expired_token":
		l.ended = true
	}
}

// pollAll polls for every open code, after the interval.
func (s *service) pollAll(all []*login) {
	s.skip(6 * time.Second)
	for _, l := range all {
		if l.token == "" && !l.ended {
			s.poll(l)
		}
	}
}

// alive counts the tokens that are valid.
func (s *service) alive(all []*login) (n int) {
	s.t.Helper()
	for _, l := range all {
		if l.token == "" {
			continue
		}
		status, body, err := l.device.Account(s.t.Context(), l.token)
		switch {
		case err != nil || status != http.StatusOK && status != http.StatusUnauthorized:
			s.t.Fatalf("account: got %d %s (%v), want 200 or 401", status, body, err)
		case status == http.StatusOK:
			n++
		}
	}
	return n
}
