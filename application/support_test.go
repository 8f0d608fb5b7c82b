package application_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

// Names of people, and the addresses of their requests.
const (
	home      = "192.0.2.7"
	office    = "198.51.100.9"
	laptop    = "laptop"
	interval  = 5 * time.Second
	gap       = 4500 * time.Millisecond
	lifetime  = 15 * time.Minute
	grantTime = 5 * time.Minute
)

// fixture is an [applicationtest.Fixture] with the steps that many tests begin with.
type fixture struct {
	*applicationtest.Fixture
	t *testing.T
}

func newFixture(t *testing.T, o applicationtest.Options) *fixture {
	t.Helper()
	return &fixture{applicationtest.New(t, o), t}
}

func (s *fixture) start(label string) application.Started {
	s.t.Helper()
	started, err := s.Start.Execute(s.t.Context(), application.Start{ClientID: "difyctl", Label: label, Origin: applicationtest.From(home)})
	must(s.t, err)
	return started
}

// begin begins an SSO transaction at the identity provider acme.
func (s *fixture) begin(code device.UserCode, b approval.BrowserBinding) approval.BrowserBinding {
	s.t.Helper()
	return s.beginVia("acme", code, b, approval.GrantSession{})
}

func (s *fixture) beginVia(slug string, code device.UserCode, b approval.BrowserBinding, h approval.GrantSession) approval.BrowserBinding {
	s.t.Helper()
	out, err := s.Initiate.Execute(s.t.Context(), application.Initiate{
		UserCode: code.String(), Connection: slug, Mount: connection.Canonical, Browser: b, GrantSession: h, Origin: applicationtest.From(home),
	})
	must(s.t, err)
	return out.Browser
}

// accept posts a response for the SSO transaction that was begun last.
func (s *fixture) accept(says string) (approval.Ticket, error) {
	return s.acceptFor(s.Broker.Last().RelayState, says)
}

func (s *fixture) acceptFor(relay approval.RelayState, says string) (approval.Ticket, error) {
	return s.acceptFrom(applicationtest.From(home), relay, says)
}

func (s *fixture) acceptFrom(from request.Origin, relay approval.RelayState, says string) (approval.Ticket, error) {
	return s.Accept.Execute(s.t.Context(), application.ReceivedResponse{
		Response: says, RelayState: relay, Mount: connection.Canonical, Origin: from,
	})
}

func (s *fixture) complete(ticket approval.Ticket, b approval.BrowserBinding, h approval.GrantSession) (approval.GrantSession, error) {
	completed, err := s.Complete.Execute(s.t.Context(), ticket, application.Completion{
		Mount: connection.Canonical, Browser: b, GrantSession: h, Origin: applicationtest.From(home),
	})
	return completed.Session, err
}

// signIn is a complete SSO transaction of one browser for a user code.
func (s *fixture) signIn(code device.UserCode, email string) approval.GrantSession {
	s.t.Helper()
	b := s.begin(code, approval.BrowserBinding{})
	ticket, err := s.accept("ok " + secret.Random("", 9).Reveal() + " " + email)
	must(s.t, err)
	h, err := s.complete(ticket, b, approval.GrantSession{})
	must(s.t, err)
	return h
}

func (s *fixture) proof(h approval.GrantSession, code device.UserCode) approval.Proof {
	s.t.Helper()
	described, err := s.Describe.Execute(s.t.Context(), h, code, applicationtest.From(home))
	must(s.t, err)
	return approval.Proof{Session: h, CSRF: described.CSRF}
}

func (s *fixture) approve(code device.UserCode, email string) {
	s.t.Helper()
	proof := s.proof(s.signIn(code, email), code)
	_, err := s.Approve.Execute(s.t.Context(), proof, code, applicationtest.From(home))
	must(s.t, err)
}

// login is a whole login, up to the approval.
func (s *fixture) login(label string) application.Started {
	s.t.Helper()
	started := s.start(label)
	s.approve(started.UserCode, "ann@acme.example")
	return started
}

func (s *fixture) poll(code device.Code, from string) (application.Redeemed, error) {
	return s.Poll.Execute(s.t.Context(), code, "difyctl", applicationtest.From(from))
}

func (s *fixture) redeem(code device.Code) application.Redeemed {
	s.t.Helper()
	out, err := s.poll(code, home)
	must(s.t, err)
	return out
}

// verifyRedeemed returns nil if the token is good.
func (s *fixture) verifyRedeemed(r application.Redeemed) error {
	_, err := s.Verify.Execute(s.t.Context(), r.Secret, applicationtest.From(home))
	return err
}

func (s *fixture) live() int { return s.LiveTokens(s.t) }

func (s *fixture) history(want string) {
	s.t.Helper()
	if got := s.History(s.t); got != want {
		s.t.Errorf("what auditors find differs:\n got %s\nwant %s", got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// reason is why a response was refused, for auditors.
func reason(t *testing.T, err error) string {
	t.Helper()
	var why *approval.Refusal
	if !errors.As(err, &why) {
		t.Fatalf("got %v, want a refusal with a reason", err)
	}
	return why.Reason
}

// unreachable is a throttle and a limiter that cannot be reached.
type unreachable struct{}

var errUnreachable = errors.New("unreachable")

func (unreachable) CheckPending(context.Context, secret.Digest, string, time.Duration) (bool, bool, error) {
	return false, false, errUnreachable
}

func (unreachable) CachePending(context.Context, secret.Digest, ports.PendingHint) error {
	return errUnreachable
}

func (unreachable) Release(context.Context, secret.Digest) error { return errUnreachable }

func (unreachable) Invalidate(context.Context, secret.Digest) error { return errUnreachable }

func (unreachable) Take(context.Context, quota.Limit, string) (quota.Allowance, error) {
	return quota.Allowance{}, errUnreachable
}

func (unreachable) TakeDistinct(context.Context, quota.Limit, string, string) (quota.Allowance, error) {
	return quota.Allowance{}, errUnreachable
}

func (unreachable) Peek(context.Context, quota.Limit, string) (quota.Allowance, error) {
	return quota.Allowance{}, errUnreachable
}

func (unreachable) Batch(context.Context, ...ports.LimiterStep) ([]quota.Allowance, error) {
	return nil, errUnreachable
}
