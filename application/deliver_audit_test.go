package application_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// recordingSink is a sink in memory. It keeps what it took.
type recordingSink struct {
	mu     sync.Mutex
	taken  []audit.Event
	refuse func(audit.Event) error
}

func (*recordingSink) Name() audit.Sink { return audit.Webhook }

func (s *recordingSink) Deliver(ctx context.Context, e audit.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.refuse != nil {
		if err := s.refuse(e); err != nil {
			return err
		}
	}
	s.taken = append(s.taken, e)
	return nil
}

func (s *recordingSink) set(refuse func(audit.Event) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

// of are the details of the events of a person that were taken, in order.
func (s *recordingSink) of(person string) (details []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.taken {
		if e.Subject.Email().String() == person+"@acme.example" {
			details = append(details, e.Detail)
		}
	}
	return details
}

// deliveries is a fixture with one sink that has begun.
type deliveries struct {
	*fixture
	sink *recordingSink
	uc   *application.DeliverAudit
	n    int
}

func newDeliveries(t *testing.T) *deliveries {
	t.Helper()
	s := newFixture(t, applicationtest.Options{})
	d := &deliveries{fixture: s, sink: &recordingSink{}}
	d.uc = application.NewDeliverAudit(s.Store, ports.AuditSinks{d.sink}, s.Clock.Now)
	d.run() // begins
	d.Clock.Advance(2 * time.Minute)
	return d
}

func (d *deliveries) run() application.Delivered {
	d.t.Helper()
	out, err := d.uc.Execute(d.t.Context(), audit.Webhook)
	must(d.t, err)
	return out
}

// record keeps events of people, one second apart, and lets them settle.
func (d *deliveries) record(people ...string) {
	d.t.Helper()
	for _, person := range people {
		d.n++
		email, err := identity.ParseEmail(person + "@acme.example")
		must(d.t, err)
		e := audit.New(audit.TokenMinted, audit.ClientOf("difyctl"), d.Clock.Now(), request.Origin{})
		e.Subject, err = identity.NewSubject(email, "https://idp.example", "")
		must(d.t, err)
		e.Detail = fmt.Sprint(d.n)
		must(d.t, d.Store.Update(d.t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Audit().Record(ctx, e) }))
		d.Clock.Advance(time.Second)
	}
	d.Clock.Advance(2 * time.Minute)
}

func (d *deliveries) want(person string, want ...string) {
	d.t.Helper()
	if got := d.sink.of(person); !slices.Equal(got, want) {
		d.t.Errorf("%s: got the events %v, want %v", person, got, want)
	}
}

var errDown = errors.New("down")

func refusing(person string) func(audit.Event) error {
	return func(e audit.Event) error {
		if e.Subject.Email().String() == person+"@acme.example" {
			return errDown
		}
		return nil
	}
}

func TestEventsAreDeliveredOnceAndInOrder(t *testing.T) {
	d := newDeliveries(t)
	for range 150 { // more than at once
		d.record("ann")
	}
	d.run()
	d.run()
	var want []string
	for i := range 150 {
		want = append(want, fmt.Sprint(i+1))
	}
	d.want("ann", want...)
}

func TestEventsWaitUntilNoEarlierEventCanCommit(t *testing.T) {
	d := newDeliveries(t)
	d.record("ann")
	d.Clock.Advance(-110 * time.Second)
	d.run()
	d.want("ann")
	d.Clock.Advance(2 * time.Minute)
	d.run()
	d.want("ann", "1")
}

func TestASinkThatWasDownContinuesWhereItStopped(t *testing.T) {
	d := newDeliveries(t)
	d.sink.set(func(audit.Event) error { return errDown })
	d.record("ann", "bob", "ann", "carol")
	if out := d.run(); out.After.Failures != 1 || out.Parked != 0 {
		t.Errorf("got %+v, want the sink failing and nothing parked", out)
	}
	d.sink.set(nil)
	if out := d.run(); out.Events != 0 { // too early
		t.Errorf("got %d events before the next attempt, want none", out.Events)
	}
	d.Clock.Advance(time.Hour)
	if out := d.run(); out.Events != 4 || out.After.Failures != 0 {
		t.Errorf("got %+v, want all delivered", out)
	}
	d.want("ann", "1", "3")
}

func TestASubjectThatFailsHoldsUpNoOtherAndStaysInOrder(t *testing.T) {
	d := newDeliveries(t)
	d.sink.set(refusing("ann"))
	d.record("ann", "bob", "ann", "carol")
	if out := d.run(); out.Parked != 2 || out.Events != 2 {
		t.Errorf("got %+v, want two delivered and two parked", out)
	}
	d.record("ann", "bob") // ann's waits behind the two
	d.run()
	d.want("bob", "2", "6")
	d.want("ann")
	d.sink.set(nil)
	d.Clock.Advance(24 * time.Hour)
	d.run()
	d.want("ann", "1", "3", "5")
}

func TestADeadEventIsKeptAndReplayed(t *testing.T) {
	d := newDeliveries(t)
	d.sink.set(refusing("ann"))
	d.record("ann", "bob")
	for range 12 {
		d.run()
		d.Clock.Advance(13 * time.Hour)
	}
	list := application.NewListDeliveries(d.Store, d.Clock.Now)
	states, err := list.Execute(t.Context())
	must(t, err)
	dead, err := list.Dead(t.Context(), audit.Webhook)
	must(t, err)
	if len(states) != 1 || states[0].Dead != 1 || states[0].Waiting != 0 || len(dead) != 1 || dead[0].LastError != errDown.Error() {
		t.Fatalf("got %+v and %+v, want one dead event", states, dead)
	}
	d.sink.set(nil)
	d.record("ann") // does not wait for one that was given up
	d.run()
	d.want("ann", "3")

	replay := application.NewReplayAudit(d.Store, d.Clock.Now)
	n, err := replay.Execute(t.Context(), application.Replay{Sink: audit.Webhook, Dead: true}, audit.AdminOf("ops"), request.Origin{})
	if err != nil || n != 1 {
		t.Fatalf("got %d, %v, want one revived", n, err)
	}
	d.run()
	d.want("ann", "3", "1")
}

func TestAReplayBeginsAtATimeOrAnEvent(t *testing.T) {
	d := newDeliveries(t)
	d.record("ann", "ann", "ann")
	d.run()
	replay := application.NewReplayAudit(d.Store, d.Clock.Now)
	second := d.sink.taken[1]
	_, err := replay.Execute(t.Context(), application.Replay{Sink: audit.Webhook, Event: second.ID}, audit.AdminOf("ops"), request.Origin{})
	must(t, err)
	d.run()
	d.want("ann", "1", "2", "3", "2", "3")
	_, err = replay.Execute(t.Context(), application.Replay{Sink: audit.Webhook, Since: d.sink.taken[2].At}, audit.AdminOf("ops"), request.Origin{})
	must(t, err)
	d.run()
	d.want("ann", "1", "2", "3", "2", "3", "3")

	for name, c := range map[string]struct {
		replay application.Replay
		want   error
	}{
		"nothing":          {application.Replay{Sink: audit.Webhook}, application.ErrNoReplay},
		"the future":       {application.Replay{Sink: audit.Webhook, Since: d.Clock.Now().Add(time.Hour)}, application.ErrNoReplay},
		"an unknown sink":  {application.Replay{Sink: "nowhere", Dead: true}, audit.ErrUnknownSink},
		"an unknown event": {application.Replay{Sink: audit.Webhook, Event: uid.New(d.Clock.Now())}, audit.ErrUnknown},
	} {
		_, err := replay.Execute(t.Context(), c.replay, audit.AdminOf("ops"), request.Origin{})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestASinkIsLeftAloneForAsLongAsItAsks(t *testing.T) {
	d := newDeliveries(t)
	d.sink.set(func(audit.Event) error { return &ports.Later{After: 10 * time.Minute, Err: errDown} })
	d.record("ann")
	out := d.run()
	if got := out.After.NextAt.Sub(d.Clock.Now()); got != 10*time.Minute {
		t.Errorf("got %s, want ten minutes", got)
	}
}

// Three people whose events a receiver never takes do not look like a receiver that
// is down for ever.
func TestSeveralSubjectsThatAreRefusedAreFound(t *testing.T) {
	d := newDeliveries(t)
	poisoned := []string{}
	for i := range 20 {
		poisoned = append(poisoned, fmt.Sprintf("poison%d", i))
	}
	d.sink.set(func(e audit.Event) error {
		if slices.ContainsFunc(poisoned, func(p string) bool { return e.Subject.Email().String() == p+"@acme.example" }) {
			return errDown
		}
		return nil
	})
	d.record(append(poisoned, "ann")...)
	for range 6 {
		d.run()
		d.Clock.Advance(time.Hour)
	}
	d.want("ann", "21")
}

func TestParkedEventsThatHangHoldUpNoOthers(t *testing.T) {
	d := newDeliveries(t)
	var people []string
	for i := range 30 {
		people = append(people, fmt.Sprintf("hangs%d", i))
	}
	hangs := func(e audit.Event) bool {
		return slices.ContainsFunc(people, func(p string) bool { return e.Subject.Email().String() == p+"@acme.example" })
	}
	d.sink.set(func(e audit.Event) error {
		if hangs(e) {
			return errDown
		}
		return nil
	})
	d.record(append(people, "ann")...)
	for range 6 {
		d.run()
		d.Clock.Advance(24 * time.Hour)
	}
	d.want("ann", "31")

	tried, recorded := 0, false
	d.sink.set(func(e audit.Event) error {
		if !hangs(e) {
			return nil
		}
		if tried++; !recorded {
			recorded = true
			d.record("ann")
		}
		d.Clock.Advance(15 * time.Second)
		return errDown
	})
	d.run()
	if tried == 0 || tried > 3 {
		t.Errorf("got %d attempts in one run, want some and at most 3", tried)
	}
	d.run()
	d.want("ann", "31", "32")
	for range 30 {
		d.run()
	}
	if tried < 30 {
		t.Errorf("got %d attempts in all, want each event tried", tried)
	}
}

// updates counts transactions.
type updates struct {
	ports.Store
	n *int
}

func (u updates) Update(ctx context.Context, fn func(ctx context.Context, tx ports.Tx) error) error {
	*u.n++
	return u.Store.Update(ctx, fn)
}

func TestRetentionRemovesSealedDaysAndTheChainGoesOn(t *testing.T) {
	d := newDeliveries(t)
	d.record("ann")
	for range 5 {
		d.Clock.Advance(24 * time.Hour)
		d.record("ann")
	}
	_, err := d.SealAudit.Execute(t.Context())
	must(t, err)
	sweep := application.NewSweepAudit(d.Store, 3, ports.AuditSinks{d.sink}, d.Clock.Now)
	if n, err := sweep.Execute(t.Context()); err != nil || n != 0 {
		t.Errorf("got %d, %v, want nothing removed that the sink has still to get", n, err)
	}
	d.run()
	n, err := sweep.Execute(t.Context())
	if err != nil || n == 0 {
		t.Fatalf("got %d, %v, want events removed", n, err)
	}
	removed, kept := 0, 0
	must(t, d.VerifyAudit.Execute(t.Context(), nil, func(s audit.Seal) error {
		if s.RemovedAt.IsZero() {
			kept++
		} else {
			removed++
		}
		return nil
	}))
	if removed == 0 || kept == 0 {
		t.Errorf("got %d removed and %d kept, want some of each", removed, kept)
	}
	changed := 0
	again := application.NewSweepAudit(updates{d.Store, &changed}, 3, ports.AuditSinks{d.sink}, d.Clock.Now)
	if n, err := again.Execute(t.Context()); err != nil || n != 0 || changed != 0 {
		t.Errorf("got %d events, %d transactions, %v the second time, want none", n, changed, err)
	}
	if n, err := application.NewSweepAudit(d.Store, 0, nil, d.Clock.Now).Execute(t.Context()); err != nil || n != 0 {
		t.Errorf("got %d, %v without a retention, want nothing", n, err)
	}
}
