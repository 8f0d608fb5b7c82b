package application_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// decisions are both: what guards one guards the other.
func decisions(s *fixture) map[string]func(approval.Proof, device.UserCode) (application.Decided, error) {
	return map[string]func(approval.Proof, device.UserCode) (application.Decided, error){
		"approve": func(p approval.Proof, c device.UserCode) (application.Decided, error) {
			return s.Approve.Execute(s.t.Context(), p, c, applicationtest.From(home))
		},
		"deny": func(p approval.Proof, c device.UserCode) (application.Decided, error) {
			return s.Deny.Execute(s.t.Context(), p, c, applicationtest.From(home))
		},
	}
}

// bothWays runs a test for each decision, each time in a new fixture.
func bothWays(t *testing.T, o applicationtest.Options, test func(t *testing.T, s *fixture, decide func(approval.Proof, device.UserCode) (application.Decided, error))) {
	for _, way := range []string{"approve", "deny"} {
		t.Run(way, func(t *testing.T) {
			s := newFixture(t, o)
			test(t, s, decisions(s)[way])
		})
	}
}

func TestChecksOfADecisionComeInTheContractsOrder(t *testing.T) {
	bothWays(t, applicationtest.Options{Accounts: []string{"owner@acme.example"}}, func(t *testing.T, s *fixture, decide func(approval.Proof, device.UserCode) (application.Decided, error)) {
		started := s.start(laptop)
		h := s.signIn(started.UserCode, "ann@acme.example")
		good := s.proof(h, started.UserCode)
		wrong := approval.Proof{Session: h, CSRF: approval.ParseCSRF("wrong")}
		nobodys := device.NewUserCode()

		// Each proof is also wrong in all the ways that are checked later.
		_, err := decide(approval.Proof{Session: approval.NewGrantSession(), CSRF: wrong.CSRF}, nobodys)
		is(t, err, approval.ErrInvalidSession)
		_, err = decide(wrong, nobodys)
		is(t, err, approval.ErrCSRF)
		_, err = decide(good, nobodys)
		is(t, err, approval.ErrUserCodeMismatch)
		_, err = decide(good, device.UserCode{})
		is(t, err, approval.ErrUserCodeMismatch)
		_, err = decide(good, started.UserCode)
		is(t, err, nil)
		_, err = decide(good, started.UserCode) // T18
		is(t, err, approval.ErrConsumed)
		_, err = decide(wrong, started.UserCode)
		is(t, err, approval.ErrCSRF)
		s.Clock.Advance(grantTime)
		_, err = decide(good, started.UserCode)
		is(t, err, approval.ErrInvalidSession)
	})
}

// F66: denying is never refused for frequency, and denials use up no approvals.
func TestApprovalsAreLimitedAndDenialsAreNot(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
	wrong := approval.Proof{Session: proof.Session, CSRF: approval.ParseCSRF("wrong")}
	for range 3 * 10 {
		out, err := s.Deny.Execute(t.Context(), wrong, started.UserCode, applicationtest.From(home))
		is(t, err, approval.ErrCSRF)
		if !out.Allowance.IsZero() {
			t.Fatalf("got a limit of denials: %+v, want none", out.Allowance)
		}
	}
	const hourly = 10
	for i := range hourly {
		out, err := s.Approve.Execute(t.Context(), wrong, started.UserCode, applicationtest.From(home))
		is(t, err, approval.ErrCSRF)
		if want := hourly - 1 - i; out.Allowance.Remaining != want {
			t.Errorf("approvals left: got %d, want %d", out.Allowance.Remaining, want)
		}
	}
	out, err := s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
	is(t, err, quota.ErrExceeded)
	if out.Allowance.Reset != time.Hour {
		t.Errorf("wait: got %v, want an hour", out.Allowance.Reset)
	}
	_, err = s.Deny.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
	must(t, err)
}

// failingUpdates is a store whose writes fail while it says so.
type failingUpdates struct {
	ports.Store
	failing bool
}

func (f *failingUpdates) Update(ctx context.Context, fn func(context.Context, ports.Tx) error) error {
	if f.failing {
		return fmt.Errorf("no space left: %w", fault.ErrUnavailable)
	}
	return f.Store.Update(ctx, fn)
}

// F57: what fails on our side is not counted against the person.
func TestAnApprovalThatFailsOnOurSideIsNotCounted(t *testing.T) {
	broken := &failingUpdates{}
	s := newFixture(t, applicationtest.Options{Around: func(store ports.Store) ports.Store {
		broken.Store = store
		return broken
	}})
	started := s.start(laptop)
	proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
	broken.failing = true
	for range 2 * quota.Approve.Max {
		_, err := s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
		is(t, err, fault.ErrUnavailable)
	}
	broken.failing = false
	out, err := s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
	must(t, err)
	if want := quota.Approve.Max - 1; out.Allowance.Remaining != want {
		t.Errorf("approvals left: got %d, want %d", out.Allowance.Remaining, want)
	}
}

func TestASecondDecisionIsRefusedAndKeepsItsGrant(t *testing.T) {
	bothWays(t, applicationtest.Options{}, func(t *testing.T, s *fixture, decide func(approval.Proof, device.UserCode) (application.Decided, error)) {
		started := s.start(laptop)
		ann := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
		ben := s.proof(s.signIn(started.UserCode, "ben@acme.example"), started.UserCode)
		_, err := decide(ann, started.UserCode)
		must(t, err)
		before := s.History(t)
		_, err = decide(ben, started.UserCode)
		is(t, err, device.ErrNotPending)
		if s.History(t) != before {
			t.Error("got something changed by a refused decision, want nothing")
		}
	})
}

func TestAnExpiredCodeCannotBeDecidedAbout(t *testing.T) {
	bothWays(t, applicationtest.Options{}, func(t *testing.T, s *fixture, decide func(approval.Proof, device.UserCode) (application.Decided, error)) {
		started := s.start(laptop)
		s.Clock.Advance(lifetime - time.Minute)
		proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
		s.Clock.Advance(time.Minute)
		_, err := decide(proof, started.UserCode)
		is(t, err, device.ErrNotPending)
	})
}

func TestAnAccountCreatedAfterTheSignInIsRefusedAndRecorded(t *testing.T) {
	bothWays(t, applicationtest.Options{}, func(t *testing.T, s *fixture, decide func(approval.Proof, device.UserCode) (application.Decided, error)) {
		started := s.start(laptop)
		proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
		s.Accounts.Add("ann@acme.example")
		_, err := decide(proof, started.UserCode)
		is(t, err, approval.ErrAccountEmail)
		s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted sso.login_completed oauth.device_flow_rejected(email_belongs_to_dify_account)")
		_, err = s.poll(started.Code, home)
		is(t, err, device.ErrAuthorizationPending)
	})
}

func TestOneOfManyDecisionsAtOnceCounts(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
	var wg sync.WaitGroup
	errs := make([]error, quota.Approve.Max)
	for i := range errs {
		decide := s.Approve.Execute
		if i%2 == 1 {
			decide = s.Deny.Execute
		}
		wg.Go(func() { _, errs[i] = decide(t.Context(), proof, started.UserCode, applicationtest.From(home)) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			is(t, err, approval.ErrConsumed)
		}
	}
	if n := s.Count(t, audit.DeviceFlowApproved, audit.DeviceFlowDenied); won != 1 || n != 1 {
		t.Errorf("got %d decisions that won and %d on record, want one", won, n)
	}
}

func TestTwoTabsDecideEachForTheirOwnCode(t *testing.T) { // S17
	s := newFixture(t, applicationtest.Options{})
	one, two := s.start("one"), s.start("two")
	b := s.begin(one.UserCode, approval.BrowserBinding{})
	first := s.Broker.Last().RelayState
	s.begin(two.UserCode, b)
	ticket, err := s.accept("ok a2 ann@acme.example")
	must(t, err)
	h, err := s.complete(ticket, b, approval.GrantSession{})
	must(t, err)
	ticket, err = s.acceptFor(first, "ok a1 ben@acme.example")
	must(t, err)
	h, err = s.complete(ticket, b, h)
	must(t, err)

	out, err := s.Approve.Execute(t.Context(), s.proof(h, one.UserCode), one.UserCode, applicationtest.From(home))
	must(t, err)
	if !out.MoreToDecide {
		t.Error("got nothing left to decide, want the other tab's grant")
	}
	out, err = s.Deny.Execute(t.Context(), s.proof(h, two.UserCode), two.UserCode, applicationtest.From(home))
	must(t, err)
	if out.MoreToDecide {
		t.Error("got more to decide, want nothing left")
	}
	if got := s.redeem(one.Code).Token.Snapshot().Device.Email.String(); got != "ben@acme.example" {
		t.Errorf("got the first device of %s, want ben's", got)
	}
	_, err = s.poll(two.Code, home)
	is(t, err, device.ErrAccessDenied)
}

func TestDescribeApproval(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start("ann's laptop")
	s.Clock.Advance(time.Minute)
	h := s.signIn(started.UserCode, "Ann@acme.example")
	before := s.History(t)
	for _, code := range []device.UserCode{{}, started.UserCode} {
		got, err := s.Describe.Execute(t.Context(), h, code, applicationtest.From(home))
		must(t, err)
		at := s.Clock.Now()
		if got.Subject.Email().String() != "ann@acme.example" || got.Subject.Issuer() != "https://idp.example/acme" || got.UserCode != started.UserCode ||
			got.ClientID != "difyctl" || got.ClientName != "Dify CLI" || got.DeviceLabel != "ann's laptop" || got.CSRF.IsZero() ||
			!got.RequestedAt.Equal(at.Add(-time.Minute)) || !got.ExpiresAt.Equal(at.Add(grantTime)) || got.RequestedFrom.String() != home || got.NetworkMatch != device.SameNetwork {
			t.Errorf("got %+v, want ann's request of a minute ago from home", got)
		}
	}
	for from, want := range map[string]device.NetworkMatch{
		"192.0.2.250": device.SameNetwork, "::ffff:192.0.2.8": device.SameNetwork,
		"192.0.3.7": device.OtherNetwork, "2001:db8::1": device.UnknownNetwork,
	} {
		got, err := s.Describe.Execute(t.Context(), h, started.UserCode, applicationtest.From(from))
		must(t, err)
		if got.NetworkMatch != want {
			t.Errorf("from %s: got %s, want %s", from, got.NetworkMatch, want)
		}
	}
	got, err := s.Describe.Execute(t.Context(), h, started.UserCode, request.Origin{IP: netip.Addr{}})
	must(t, err)
	if got.NetworkMatch != device.UnknownNetwork {
		t.Errorf("without the person's address: got %s, want unknown", got.NetworkMatch)
	}
	for _, h := range []approval.GrantSession{{}, approval.NewGrantSession()} {
		_, err := s.Describe.Execute(t.Context(), h, device.UserCode{}, applicationtest.From(home))
		is(t, err, approval.ErrNoSession)
	}
	_, err = s.Describe.Execute(t.Context(), h, device.NewUserCode(), applicationtest.From(home))
	is(t, err, approval.ErrNoSession)
	if s.History(t) != before {
		t.Error("got something changed by describing, want nothing")
	}
	s.Clock.Advance(grantTime)
	_, err = s.Describe.Execute(t.Context(), h, started.UserCode, applicationtest.From(home))
	is(t, err, approval.ErrNoSession)
}

// F15: the page says which session an approval ends.
func TestDescribeApprovalNamesTheReplacedSession(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	replaces := func(label, email string) *application.Replaced {
		t.Helper()
		started := s.start(label)
		described, err := s.Describe.Execute(t.Context(), s.signIn(started.UserCode, email), started.UserCode, applicationtest.From(home))
		must(t, err)
		return described.Replaces
	}
	if got := replaces(laptop, "ann@acme.example"); got != nil {
		t.Errorf("the first login: got %+v, want nothing replaced", got)
	}
	first := s.redeem(s.login(laptop).Code)
	must(t, s.verifyRedeemed(first))
	want := application.Replaced{Label: laptop, CreatedAt: first.Token.Snapshot().CreatedAt, LastUsedAt: s.Clock.Now()}
	if got := replaces(laptop, "ann@acme.example"); got == nil || *got != want {
		t.Errorf("the same device: got %+v, want %+v", got, want)
	}
	for what, c := range map[string][2]string{"another device": {"desk", "ann@acme.example"}, "another person": {laptop, "ben@acme.example"}} {
		if got := replaces(c[0], c[1]); got != nil {
			t.Errorf("%s: got %+v, want nothing replaced", what, got)
		}
	}
	s.Clock.Advance(time.Duration(applicationtest.TokenLife))
	if got := replaces(laptop, "ann@acme.example"); got != nil {
		t.Errorf("after its end: got %+v, want nothing replaced", got)
	}
}

// F04: a policy holds on pages and for JSON, and a denial needs no typed code.
func TestAnApprovalNeedsTheTypedCodeWherePolicySaysSo(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Policy: policy.Must(policy.Settings{Preset: policy.Parity, RequireTypedCode: true})})
	started := s.start(laptop)
	h := s.signIn(started.UserCode, "ann@acme.example")
	described, err := s.Describe.Execute(t.Context(), h, started.UserCode, applicationtest.From(home))
	must(t, err)
	if !described.MustType {
		t.Error("got a page that does not ask for the code, want it to")
	}
	proof := approval.Proof{Session: h, CSRF: described.CSRF}
	for range 2 { // the grant stays
		_, err = s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
		is(t, err, policy.ErrTypedCodeRequired)
	}
	proof.Typed = started.UserCode
	_, err = s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
	must(t, err)
	other := s.start("other")
	_, err = s.Deny.Execute(t.Context(), s.proof(s.signIn(other.UserCode, "ann@acme.example"), other.UserCode), other.UserCode, applicationtest.From(home))
	must(t, err)
}
