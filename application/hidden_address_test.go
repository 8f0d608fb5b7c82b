package application_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/webui"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

// hidden is from where a proxy's requests seem to come that passes no address on.
var hidden = request.Origin{ID: "request-1", IP: netip.MustParseAddr(home), BehindUnknownProxy: true, OfProxy: true}

// journey are the origins of a login's requests.
type journey struct{ start, response, decision, poll request.Origin }

func journeyFrom(address string) journey {
	o := applicationtest.From(address)
	return journey{o, o, o, o}
}

// approves signs in and approves, and returns the device and what is shown of
// its network.
func (s *fixture) approves(j journey) (device.Code, device.NetworkMatch, error) {
	s.t.Helper()
	started, err := s.Start.Execute(s.t.Context(), application.Start{ClientID: "difyctl", Label: laptop, Origin: j.start})
	must(s.t, err)
	out, err := s.Initiate.Execute(s.t.Context(), application.Initiate{UserCode: started.UserCode.String(), Connection: "acme", Mount: connection.Canonical, Origin: j.decision})
	must(s.t, err)
	ticket, err := s.acceptFrom(j.response, s.Broker.Last().RelayState, "ok "+secret.Random("", 9).Reveal()+" "+ann)
	must(s.t, err)
	completed, err := s.Complete.Execute(s.t.Context(), ticket, application.Completion{Mount: connection.Canonical, Browser: out.Browser, Origin: j.decision})
	must(s.t, err)
	described, err := s.Describe.Execute(s.t.Context(), completed.Session, started.UserCode, j.decision)
	must(s.t, err)
	_, err = s.Approve.Execute(s.t.Context(), approval.Proof{Session: completed.Session, CSRF: described.CSRF, Typed: started.UserCode}, started.UserCode, j.decision)
	return started.Code, described.NetworkMatch, err
}

// A proxy that passes no address on gives all requests its own. That they are alike
// makes no device near, whichever request it hides.
func TestAnAddressThatAProxyHidesIsNeverNear(t *testing.T) {
	for name, c := range map[string]struct {
		hide func(*journey)
		told device.NetworkMatch
	}{
		"all requests":   {func(j *journey) { *j = journey{hidden, hidden, hidden, hidden} }, device.UnknownNetwork},
		"the start":      {func(j *journey) { j.start = hidden }, device.UnknownNetwork},
		"the sign-in":    {func(j *journey) { j.response = hidden }, device.UnknownNetwork},
		"the decision":   {func(j *journey) { j.decision = hidden }, device.UnknownNetwork},
		"none, all near": {func(*journey) {}, device.SameNetwork},
	} {
		t.Run(name, func(t *testing.T) {
			j := journeyFrom(home)
			c.hide(&j)
			strict := under(t, policy.Settings{Preset: policy.Strict, Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Rules: []policy.Rule{
				{Name: "unknown", When: policy.Conditions{Networks: []policy.Network{policy.Unknown}}, Then: policy.Refuse},
			}})
			_, told, err := strict.approves(j)
			if told != c.told {
				t.Errorf("got told %s, want %s", told, c.told)
			}
			if c.told == device.SameNetwork {
				must(t, err)
			} else {
				is(t, err, policy.ErrNetworkNotAllowed)
			}

			s := under(t, policy.Settings{Preset: policy.Parity})
			_, _, err = s.approves(j)
			must(t, err)
			if got, want := s.whereabouts(j.start), (map[device.NetworkMatch]incident.Whereabouts{device.SameNetwork: incident.Near, device.UnknownNetwork: incident.Unknown})[c.told]; got != want {
				t.Errorf("incidents: got the person %q, want %s", got, want)
			}
		})
	}
}

// whereabouts are those of the approval that was observed of a device.
func (s *fixture) whereabouts(of request.Origin) (where incident.Whereabouts) {
	s.t.Helper()
	err := s.Store.View(s.t.Context(), func(ctx context.Context, r ports.Reader) error {
		seen, err := r.Incidents().Seen(ctx, incident.Source{Kind: incident.Devices, ClientID: "difyctl", Label: laptop, UserAgent: of.UserAgent}, s.Clock.Now().Add(-time.Hour), 10)
		for _, o := range seen {
			if o.Kind == incident.Approved {
				where = o.Where
			}
		}
		return err
	})
	must(s.t, err)
	return where
}

// Neither a poll from elsewhere nor the place of a device is derived from the proxy's
// address, and an answer can be had once more all the same.
func TestAHiddenAddressIsNotShownAsTheDevices(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	j := journey{hidden, applicationtest.From(home), applicationtest.From(home), hidden}
	code, _, err := s.approves(j)
	must(t, err)
	_, err = s.Poll.Execute(t.Context(), code, "difyctl", hidden)
	must(t, err)
	s.Clock.Advance(gap)
	if _, err := s.Poll.Execute(t.Context(), code, "difyctl", hidden); err != nil {
		t.Errorf("once more: got %v, want the token", err)
	}
	if n := s.Count(t, audit.DeviceCodeCrossIP); n != 0 {
		t.Errorf("got %d polls from elsewhere, want none: %s", n, s.History(t))
	}
	if all := s.sessions(1, 10).Sessions; len(all) != 1 || all[0].From.IsValid() {
		t.Errorf("got the sessions %+v, want one from no known address", all)
	}
	mailer := new(memory.Mailer)
	send := application.NewSendNotice(s.Store, s.Clients, memory.Places{}, webui.NewNoticeWriter(webui.Config{}, nil), mailer)
	for _, e := range s.AuditEvents(t) {
		if e.Kind == audit.TokenMinted {
			must(t, send.Execute(t.Context(), notice.Order{Kind: notice.DeviceConnected, Event: e.ID}.Key()))
		}
	}
	if sent := mailer.Sent(); len(sent) != 1 || strings.Contains(sent[0].Text, home) {
		t.Errorf("got the mails %+v, want one without the proxy's address", sent)
	}
}
