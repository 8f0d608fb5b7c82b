package application_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

const kept = 30 * 24 * time.Hour

func (s *fixture) sweepExpired() int {
	s.t.Helper()
	n, err := application.NewSweepExpired(s.Store, s.Clock.Now).Execute(s.t.Context())
	must(s.t, err)
	return n
}

func (s *fixture) sweepTokens() int {
	s.t.Helper()
	n, err := application.NewSweepTokens(s.Store, token.Retention(kept), s.Clock.Now).Execute(s.t.Context())
	must(s.t, err)
	return n
}

// sweepsNothing expects that nothing can go yet.
func (s *fixture) sweepsNothing() {
	s.t.Helper()
	if n, m := s.sweepExpired(), s.sweepTokens(); n != 0 || m != 0 {
		s.t.Errorf("got %d and %d rows, want none yet", n, m)
	}
}

// stored reports whether an authorization is there.
func (s *fixture) stored(code device.UserCode) bool {
	s.t.Helper()
	err := s.Store.View(s.t.Context(), func(ctx context.Context, r ports.Reader) error {
		_, err := r.Authorizations().ByUserCode(ctx, code)
		return err
	})
	if err != nil && !errors.Is(err, device.ErrUnknown) {
		s.t.Fatal(err)
	}
	return err == nil
}

// The latest that a login can do everything: approved in the last moment of the
// code and of the grant, redeemed in the grace that follows, undone in the fifth minute.
func TestSweepsTakeNothingThatCanStillBeUsed(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	s.Clock.Advance(lifetime - grantTime)
	session := s.signIn(started.UserCode, "ann@acme.example")
	proof := s.proof(session, started.UserCode)
	s.Clock.Advance(grantTime - time.Second)
	s.sweepsNothing()
	decided, err := s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
	must(t, err)
	s.Clock.Advance(50 * time.Second)
	s.sweepsNothing()
	redeemed := s.redeem(started.Code)
	s.Clock.Advance(grantTime - 51*time.Second)
	s.sweepsNothing()
	is(t, s.verifyRedeemed(redeemed), nil)
	must(t, s.Undo.Execute(t.Context(), decided.Undo, applicationtest.From(home)))
	if s.verifyRedeemed(redeemed) == nil {
		t.Error("got a token that is valid after undoing, want it revoked")
	}
}

// F54
func TestSweepsDeleteEachRowOfALoginAfterItsRetention(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	abandoned, login := s.start("abandoned"), s.login(laptop)
	redeemed := s.redeem(login.Code)
	id := redeemed.Token.Snapshot().ID

	s.Clock.Advance(lifetime + time.Hour + 5*time.Minute)
	s.sweepTokens()
	if n := s.sweepExpired(); n < 4 { // grant, SSO transaction, assertion, the abandoned authorization
		t.Errorf("got %d rows, want at least 4", n)
	}
	s.sweepsNothing()
	if s.stored(abandoned.UserCode) {
		t.Error("got the abandoned authorization stored still, want it deleted")
	}
	if !s.stored(login.UserCode) {
		t.Error("got the redeemed authorization deleted before its token, want it stored")
	}
	is(t, s.verifyRedeemed(redeemed), nil)

	s.Clock.Advance(time.Duration(applicationtest.TokenLife))
	if n := s.Count(t, audit.TokenExpired); n != 0 {
		t.Fatalf("got %d events of expiry, want none yet", n)
	}
	s.sweepTokens()
	s.sweepTokens()
	if n := s.Count(t, audit.TokenExpired); n != 1 {
		t.Errorf("got %d events of expiry, want 1", n)
	}
	if s.Token(t, id).RevokedAt.IsZero() || !s.stored(login.UserCode) {
		t.Errorf("got the token revoked at %v and its authorization stored %t, want both", s.Token(t, id).RevokedAt, s.stored(login.UserCode))
	}

	s.Clock.Advance(kept)
	s.sweepTokens()
	err := s.Store.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
		_, err := r.Tokens().ByID(ctx, id)
		return err
	})
	is(t, err, token.ErrUnknown)
	if s.stored(login.UserCode) {
		t.Error("got the redeemed authorization stored after its token was deleted, want it deleted")
	}
	if n := s.sweepExpired(); n != 1 {
		t.Errorf("got %d rows, want the observation of the approval", n)
	}
	s.sweepsNothing()
}

// A replay is refused for as long as the assertion itself would be accepted.
func TestSweepsForgetNoAssertionThatCouldBeReplayed(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	code := s.start(laptop).UserCode
	s.begin(code, approval.BrowserBinding{})
	_, err := s.accept("ok once ann@acme.example")
	must(t, err)
	s.Clock.Advance(4 * time.Minute)
	s.sweepExpired()
	s.begin(code, approval.BrowserBinding{})
	_, err = s.accept("ok once ann@acme.example")
	is(t, err, approval.ErrReplayed)
}

func TestARunThatIsLongEnoughLeavesTheRestToAnotherJob(t *testing.T) {
	const codes = 5
	s := newFixture(t, applicationtest.Options{})
	for range codes {
		s.start(laptop)
	}
	s.Clock.Advance(lifetime + time.Hour + time.Microsecond)
	short := application.NewSweepExpired(s.Store, s.Clock.Now).InBatches(2, 2)
	for run, want := range []struct{ rows, jobs int }{{4, 1}, {1, 1}} {
		n, err := short.Execute(t.Context())
		must(t, err)
		if jobs := s.jobs(ports.SweepExpired); n != want.rows || jobs != want.jobs {
			t.Errorf("run %d: got %d rows and %d jobs, want %d and %d", run, n, jobs, want.rows, want.jobs)
		}
	}
}

func TestABatchThatWasQuickIsFollowedByALargerOne(t *testing.T) {
	for _, c := range []struct {
		rows int
		took time.Duration
		want int
	}{
		{200, 0, 400},
		{200, 24 * time.Millisecond, 400},
		{200, 30 * time.Millisecond, 200},
		{1600, time.Millisecond, 2000},
		{2000, 51 * time.Millisecond, 1000},
		{200, time.Second, 200},
	} {
		if got := application.NextBatch(c.rows, c.took); got != c.want {
			t.Errorf("%d rows in %s: got %d next, want %d", c.rows, c.took, got, c.want)
		}
	}
}

// limits notes how many authorizations a sweep asks to be deleted at once.
type limits struct {
	ports.Store
	of *[]int
}

func (l limits) Update(ctx context.Context, fn func(ctx context.Context, tx ports.Tx) error) error {
	return l.Store.Update(ctx, func(ctx context.Context, tx ports.Tx) error { return fn(ctx, limitsTx{tx, l.of}) })
}

type limitsTx struct {
	ports.Tx
	of *[]int
}

func (l limitsTx) Authorizations() ports.Authorizations {
	return limitsAuthorizations{l.Tx.Authorizations(), l.of}
}

type limitsAuthorizations struct {
	ports.Authorizations
	of *[]int
}

func (l limitsAuthorizations) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	*l.of = append(*l.of, limit)
	return l.Authorizations.DeleteExpired(ctx, before, limit)
}

func TestASweepGoesOnInLargerBatches(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	for range 10 {
		s.start(laptop)
	}
	s.Clock.Advance(lifetime + time.Hour + time.Microsecond)
	var asked []int
	n, err := application.NewSweepExpired(limits{s.Store, &asked}, s.Clock.Now).InGrowingBatches(1, 4).Execute(t.Context())
	must(t, err)
	want(t, "rows in each batch", asked, []int{1, 2, 4, 4})
	if n != 10 {
		t.Errorf("got %d rows, want 10", n)
	}
}

func TestTokensThatExpireTogetherAreEndedInBatches(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	for _, label := range []string{"a", "b", "c"} {
		s.redeem(s.login(label).Code)
		s.Clock.Advance(interval)
	}
	s.Clock.Advance(time.Duration(applicationtest.TokenLife))
	n, err := application.NewSweepTokens(s.Store, token.Retention(kept), s.Clock.Now).InBatches(2, 5).Execute(t.Context())
	must(t, err)
	if got := s.Count(t, audit.TokenExpired); n != 3 || got != 3 || s.live() != 0 {
		t.Errorf("got %d rows, %d events and %d live tokens, want 3, 3 and 0", n, got, s.live())
	}
	if jobs := s.jobs(ports.SweepTokens); jobs != 0 {
		t.Errorf("got %d jobs, want none", jobs)
	}
}

func (s *fixture) jobs(kind ports.JobKind) (n int) {
	s.t.Helper()
	must(s.t, s.Store.Update(s.t.Context(), func(ctx context.Context, tx ports.Tx) error {
		jobs, err := tx.Jobs().Unfinished(ctx, kind)
		n = len(jobs)
		return err
	}))
	return n
}
