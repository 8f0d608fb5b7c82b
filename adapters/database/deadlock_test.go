package database_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// One tab approves while another of the same browser comes back from the
// identity provider for the same code: both need the grants and the
// authorization, and must lock them in one order (see ports.Store). SQLite has
// one writer at a time and cannot get it wrong.
func TestTwoTabsOfOneCodeDoNotBlockEachOther(t *testing.T) {
	db := databasetest.Engines()[1].Migrated(t)
	slow := &slowApproval{db: db, holdsGrants: make(chan struct{}), finished: make(chan struct{})}
	w := applicationtest.New(t, applicationtest.Options{DB: db, Around: slow.around})
	origin := applicationtest.From("192.0.2.7")
	started, err := w.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", Origin: origin})
	must(t, err)

	var browser approval.BrowserBinding
	arrive := func(says string) approval.Ticket {
		out, err := w.Initiate.Execute(t.Context(), application.Initiate{
			UserCode: started.UserCode.String(), Connection: "acme", Mount: connection.Canonical, Browser: browser, Origin: origin,
		})
		must(t, err)
		browser = out.Browser
		ticket, err := w.Accept.Execute(t.Context(), application.ReceivedResponse{
			Response: says, RelayState: w.Broker.Last().RelayState, Mount: connection.Canonical, Origin: origin,
		})
		must(t, err)
		return ticket
	}
	one, two := arrive("ok a1 ann@acme.example"), arrive("ok a2 ann@acme.example")
	completed, err := w.Complete.Execute(t.Context(), one, application.Completion{Mount: connection.Canonical, Browser: browser, Origin: origin})
	must(t, err)
	session := completed.Session
	what, err := w.Describe.Execute(t.Context(), session, started.UserCode, origin)
	must(t, err)

	var both sync.WaitGroup
	var approving, completing error
	both.Go(func() {
		ctx := context.WithValue(t.Context(), slowly{}, true)
		_, approving = w.Approve.Execute(ctx, approval.Proof{Session: session, CSRF: what.CSRF}, started.UserCode, origin)
	})
	both.Go(func() {
		<-slow.holdsGrants
		_, completing = w.Complete.Execute(t.Context(), two, application.Completion{Mount: connection.Canonical, Browser: browser, GrantSession: session, Origin: origin})
		close(slow.finished)
	})
	both.Wait()
	if approving != nil {
		t.Errorf("the tab that approves: got %v, want no error", approving)
	}
	if completing != nil && !errors.Is(completing, device.ErrNotPending) { // too late is an answer
		t.Errorf("the tab that comes back: got %v, want no error or %v", completing, device.ErrNotPending)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// slowApproval holds an approval up between its two locks, until the other
// transaction is over or waits for a lock.
type slowApproval struct {
	db          *bun.DB
	holdsGrants chan struct{}
	finished    chan struct{}
}

type slowly struct{}

func (s *slowApproval) around(store ports.Store) ports.Store { return slowStore{store, s} }

type slowStore struct {
	ports.Store
	*slowApproval
}

func (s slowStore) Update(ctx context.Context, fn func(context.Context, ports.Tx) error) error {
	if ctx.Value(slowly{}) == nil {
		return s.Store.Update(ctx, fn)
	}
	return s.Store.Update(ctx, func(ctx context.Context, tx ports.Tx) error { return fn(ctx, slowTx{tx, s.slowApproval}) })
}

type slowTx struct {
	ports.Tx
	*slowApproval
}

func (t slowTx) Grants() ports.Grants { return slowGrants{t.Tx.Grants(), t.slowApproval} }

func (t slowTx) Authorizations() ports.Authorizations {
	return slowAuthorizations{t.Tx.Authorizations(), t.slowApproval}
}

type slowGrants struct {
	ports.Grants
	*slowApproval
}

func (g slowGrants) BySession(ctx context.Context, session secret.Digest) (approval.Grants, error) {
	grants, err := g.Grants.BySession(ctx, session)
	close(g.holdsGrants)
	return grants, err
}

type slowAuthorizations struct {
	ports.Authorizations
	*slowApproval
}

func (a slowAuthorizations) ByID(ctx context.Context, id uid.ID) (*device.Authorization, error) {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		var waiting int
		if err := a.db.NewRaw("SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(ctx, &waiting); err != nil {
			return nil, err
		}
		if waiting > 0 {
			return a.Authorizations.ByID(ctx, id)
		}
		select {
		case <-a.finished:
			return a.Authorizations.ByID(ctx, id)
		case <-again.C:
		}
	}
}
