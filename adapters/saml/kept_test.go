package saml_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// refresher is a [saml.Refresher] whose copy a test sets.
type refresher struct {
	mu    sync.Mutex
	copy  connection.CopySnapshot
	err   error
	asked []time.Duration // the gaps

	answer func(asked int) // nil: what is kept stays
}

func (k *refresher) Refresh(_ context.Context, _ connection.Connection, gap time.Duration) (connection.CopySnapshot, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, gap)
	if k.answer != nil {
		k.answer(len(k.asked))
	}
	return k.copy, k.err
}

// keeps makes the copy that of an identity provider as it is now.
func (k *refresher) keeps(t *testing.T, via connection.Connection, idp *samltest.IdP, at time.Time, err error) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.copy, k.err = k.read(t, via, idp, at), err
}

func (*refresher) read(t *testing.T, via connection.Connection, idp *samltest.IdP, at time.Time) connection.CopySnapshot {
	t.Helper()
	read, err := saml.NewReader(func() time.Time { return at }).ReadThrough(body(strings.NewReader(string(idp.Metadata())))).Read(t.Context(), via)
	if err != nil {
		t.Fatal(err)
	}
	return connection.CopySnapshot{Connection: via.Slug(), Source: via.MetadataSource(), Good: read, SeenAt: at, FetchedAt: at, TriedAt: at, Revision: 1}
}

func (k *refresher) questions() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.asked)
}

func keptBench(t *testing.T, idp *samltest.IdP, k *refresher) *bench {
	t.Helper()
	b := &bench{via: viaURL(t, "https://idp.test/metadata"), idp: idp, requestedAt: samltest.Epoch, at: samltest.Epoch, on: connection.Canonical, keys: memory.NewKeys(ourKeys(t))}
	d, err := connection.NewDirectory(b.via)
	if err != nil {
		t.Fatal(err)
	}
	b.broker, err = saml.New(saml.Config{PublicURL: publicURL, ClockSkew: 3 * time.Minute}, b.keys, d, func() time.Time { return b.at },
		slog.New(slog.NewTextHandler(io.Discard, nil)), saml.RefreshedBy(k))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKeptMetadataServesTheFirstSignIn(t *testing.T) {
	idp, k := samltest.NewIdP(t, idpID), new(refresher)
	b := keptBench(t, idp, k)
	k.keeps(t, b.via, idp, b.at, nil)
	if err := b.broker.Adopt([]connection.CopySnapshot{k.copy}); err != nil {
		t.Fatal(err)
	}
	begin(t, b)
	b.accepts(t, b.with(t))
	b.broker.Maintain(t.Context())
	if n := k.questions(); n != 0 {
		t.Errorf("got %d fetches, want none", n)
	}
	// A worker fetches; without one, a replica does after three hours.
	b.at = b.at.Add(2 * time.Hour)
	b.broker.Maintain(t.Context())
	if n := k.questions(); n != 0 {
		t.Errorf("got %d fetches after two hours, want none", n)
	}
	b.at = b.at.Add(time.Hour)
	b.broker.Maintain(t.Context())
	if k.questions() != 1 || k.asked[0] == 0 {
		t.Errorf("got %v after three hours, want one fetch that leaves others a gap", k.asked)
	}
}

func TestAnUnknownKeyUsesTheCopyOfAnotherReplica(t *testing.T) {
	idp, k := samltest.NewIdP(t, idpID), new(refresher)
	rolled := samltest.NewIdPWithKey(t, idpID, samltest.RSAKey(t, 1))
	b := keptBench(t, idp, k)
	k.keeps(t, b.via, idp, b.at.Add(-time.Hour), nil)
	if err := b.broker.Adopt([]connection.CopySnapshot{k.copy}); err != nil {
		t.Fatal(err)
	}
	b.idp = rolled
	// Another replica has fetched a moment ago: what it got is used.
	k.keeps(t, b.via, rolled, b.at, connection.TooSoonError{Gap: time.Minute})
	b.accepts(t, b.with(t))
	if k.questions() != 1 || k.asked[0] != time.Minute {
		t.Errorf("got %v, want one question with a gap of a minute", k.asked)
	}
	// The store is away: the last copy serves.
	b.at = b.at.Add(2 * time.Minute)
	k.mu.Lock()
	k.copy, k.err = connection.CopySnapshot{}, errors.New("the database is away")
	k.mu.Unlock()
	b.idp = samltest.NewIdPWithKey(t, idpID, samltest.RSAKey(t, 2))
	if r := b.refuses(t, b.with(t, func(m *samltest.Message) { m.Request.At = b.at }), "unknown_key"); !strings.Contains(r.Received, "the database is away") {
		t.Errorf("got %q, want why", r.Received)
	}
	b.idp = rolled
	b.accepts(t, b.with(t, func(m *samltest.Message) { m.Request.At = b.at }))
}

func TestACopyOfAnotherSourceIsNotUsed(t *testing.T) {
	idp, k := samltest.NewIdP(t, idpID), new(refresher)
	b := keptBench(t, idp, k)
	k.keeps(t, b.via, idp, b.at, nil)
	other := k.copy
	other.Source = "another"
	if err := b.broker.Adopt([]connection.CopySnapshot{other, {Connection: "unknown"}}); err != nil {
		t.Fatal(err)
	}
	if s := b.broker.States(); len(s) != 1 || s[0].Usable {
		t.Errorf("got %+v, want none usable", s)
	}
	// A copy can come before the connection.
	none, err := connection.NewDirectory()
	if err != nil {
		t.Fatal(err)
	}
	served, err := connection.NewDirectory(b.via)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.broker.Reload(none), b.broker.Adopt([]connection.CopySnapshot{k.copy}), b.broker.Reload(served)); err != nil {
		t.Fatal(err)
	}
	if s := b.broker.States(); len(s) != 1 || !s[0].Usable || s[0].Failing {
		t.Errorf("got %+v, want acme usable", s)
	}
}

// The refusal of the store's copy does not end what works.
func TestAnUnreadableCopyChangesNothing(t *testing.T) {
	idp, k := samltest.NewIdP(t, idpID), new(refresher)
	b := keptBench(t, idp, k)
	k.keeps(t, b.via, idp, b.at, nil)
	if err := b.broker.Adopt([]connection.CopySnapshot{k.copy}); err != nil {
		t.Fatal(err)
	}
	bad := k.copy
	bad.Good.Document = []byte("<html>")
	if err := b.broker.Adopt([]connection.CopySnapshot{bad}); err == nil || !strings.Contains(err.Error(), "stored metadata of connection acme") {
		t.Errorf("got %v, want an error that names it", err)
	}
	b.accepts(t, b.with(t))
}

var _ ports.MetadataReader = (*saml.Reader)(nil)

// A response with a new key waits for a metadata server that is slow, and not for one
// that does not answer.
func TestAnUnknownKeyWaitsForASlowMetadataServer(t *testing.T) {
	idp, rolled := samltest.NewIdP(t, idpID), samltest.NewIdPWithKey(t, idpID, samltest.RSAKey(t, 1))
	for _, tc := range []struct {
		takes, waits time.Duration
		accepted     bool
	}{
		{4 * time.Second, 4 * time.Second, true},
		{8 * time.Second, 5 * time.Second, false},
	} {
		k := new(refresher)
		b := keptBench(t, idp, k)
		k.keeps(t, b.via, idp, b.at.Add(-time.Hour), nil)
		if err := b.broker.Adopt([]connection.CopySnapshot{k.copy}); err != nil {
			t.Fatal(err)
		}
		next := k.read(t, b.via, rolled, b.at)
		next.Revision++
		b.idp = rolled
		raw := b.with(t)
		synctest.Test(t, func(t *testing.T) {
			k.answer = func(int) {
				time.Sleep(tc.takes) // of the bubble's clock
				k.copy = next
			}
			began := time.Now()
			_, err := b.broker.Verify(t.Context(), b.via, b.response(raw))
			if waited := time.Since(began); waited != tc.waits || (err == nil) != tc.accepted {
				t.Errorf("a server that takes %s: got %v after %s, want accepted %t after %s", tc.takes, err, waited, tc.accepted, tc.waits)
			}
			if !tc.accepted && !strings.Contains(fmt.Sprint(err), "is being fetched, and not there yet") {
				t.Errorf("got %v, want why there is no newer metadata", err)
			}
			time.Sleep(10 * time.Second)
			if _, err := b.broker.Verify(t.Context(), b.via, b.response(raw)); err != nil {
				t.Errorf("later: got %v, want what was fetched used", err)
			}
		})
	}
}

// A response with a new key comes while another replica fetches the metadata: it
// waits for that, and is not refused because a fetch was begun a moment ago.
func TestAnUnknownKeyWaitsForTheFetchOfAnotherReplica(t *testing.T) {
	for _, told := range []bool{false, true} { // the copy that says so has come already
		idp, k := samltest.NewIdP(t, idpID), new(refresher)
		rolled := samltest.NewIdPWithKey(t, idpID, samltest.RSAKey(t, 1))
		b := keptBench(t, idp, k)
		k.keeps(t, b.via, idp, b.at.Add(-time.Hour), connection.TooSoonError{Gap: time.Minute})
		old := k.copy
		k.copy.TriedAt = b.at
		begun := old
		if told {
			begun = k.copy
		}
		if err := b.broker.Adopt([]connection.CopySnapshot{begun}); err != nil {
			t.Fatal(err)
		}
		b.idp = rolled
		k.answer = func(asked int) {
			if asked == 3 {
				k.copy = k.read(t, b.via, rolled, b.at)
				k.copy.Revision++
			}
		}
		if _, err := b.broker.Verify(t.Context(), b.via, b.response(b.with(t))); err != nil {
			t.Errorf("told %t: got %v, want it accepted", told, err)
		}
		if err := b.broker.Adopt([]connection.CopySnapshot{old}); err != nil { // read before
			t.Fatal(err)
		}
		if _, err := b.broker.Verify(t.Context(), b.via, b.response(b.with(t))); err != nil || k.questions() != 3 {
			t.Errorf("told %t: got %v after %d questions, want it accepted after 3: an older copy changes nothing", told, err, k.questions())
		}
	}
}
