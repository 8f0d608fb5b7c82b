package application_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// idps are the use cases of administrators over an empty database and a file with
// the given connections.
type idps struct {
	*fixture
	published applicationtest.Published
	served    *memory.Connections
	checks    *application.ConnectionChecks
	store     ports.Store
}

var admin = connection.Author{Actor: audit.AdminOf("ann"), Origin: applicationtest.From("192.0.2.9")}

func newIdPs(t *testing.T, file ...connection.Settings) *idps {
	t.Helper()
	s := &idps{fixture: newFixture(t, applicationtest.Options{})}
	s.store = s.Store
	var all []connection.Connection
	for _, one := range file {
		via, err := connection.New(one)
		must(t, err)
		all = append(all, via.OwnedBy(connection.File))
	}
	d, err := connection.NewDirectory(all...)
	must(t, err)
	s.served = memory.NewConnections(d)
	s.build()
	return s
}

func (s *idps) build() {
	rules := func(via connection.Connection) error {
		if via.Settings().Broker == connection.Enterprise {
			return errors.New("broker enterprise needs ENTERPRISE_API_URL")
		}
		return nil
	}
	s.checks = application.NewConnectionChecks(s.store, s.served, &s.published, rules, s.Clock.Now)
}

// acme is a connection whose metadata is published.
func (s *idps) acme() connection.Settings {
	s.published.Publish("https://acme.example/md", "https://acme.example", "key-1")
	return connection.Settings{Slug: "acme", Domains: []string{"acme.example"}, SAML: connection.SAMLSettings{MetadataURL: "https://acme.example/md"}}
}

func (s *idps) add(settings connection.Settings) error {
	s.t.Helper()
	_, err := application.NewAddConnection(s.checks).Execute(s.t.Context(), settings, false, admin)
	return err
}

func (s *idps) edit(slug string, revision int64, change func(*connection.Settings)) (application.Edited, error) {
	s.t.Helper()
	return application.NewEditConnection(s.checks).Execute(s.t.Context(), slug, revision, func(c *connection.Settings) error {
		change(c)
		return nil
	}, false, admin)
}

func (s *idps) events(kind audit.Kind) (found []audit.Event) {
	s.t.Helper()
	must(s.t, s.Store.View(s.t.Context(), func(ctx context.Context, r ports.Reader) (err error) {
		found, err = r.Audit().Events(ctx, ports.AuditFilter{Kind: kind})
		return err
	}))
	return found
}

// stored are slug and revision of what the database has.
func (s *idps) stored() string {
	s.t.Helper()
	states, err := application.NewListConnections(s.checks).Execute(s.t.Context())
	must(s.t, err)
	var out []string
	for _, one := range states {
		if one.Owner == connection.Database {
			out = append(out, one.Connection.Slug()+strings.Repeat("'", int(one.Stored.Revision)-1))
		}
	}
	return strings.Join(out, " ")
}

// problems wants each of these among what is wrong, and nothing else.
func problems(t *testing.T, err error, want ...string) {
	t.Helper()
	var invalid *application.InvalidConnectionError
	if !errors.As(err, &invalid) || !errors.Is(err, application.ErrInvalidConnection) {
		t.Fatalf("got %v, want an invalid connection", err)
	}
	for _, text := range want {
		if !slices.ContainsFunc(invalid.Problems, func(p string) bool { return strings.Contains(p, text) }) {
			t.Errorf("got %q, want %q in it", invalid.Problems, text)
		}
	}
	if len(invalid.Problems) != len(want) {
		t.Errorf("got %d problems %q, want %d", len(invalid.Problems), invalid.Problems, len(want))
	}
}

func TestAConnectionIsAddedWithItsMetadataAndItsEvents(t *testing.T) {
	s := newIdPs(t)
	must(t, s.add(s.acme()))
	if got := s.stored(); got != "acme" {
		t.Errorf("got %q, want acme", got)
	}
	added := s.events(audit.ConnectionAdded)
	if len(added) != 1 || added[0].Actor != admin.Actor || added[0].Origin != admin.Origin || added[0].Connection != "acme" ||
		!strings.Contains(added[0].Detail, "domains: acme.example, was none") {
		t.Errorf("got %+v, want one addition by the administrator", added)
	}
	metadata := s.events(audit.MetadataChanged)
	if len(metadata) != 1 || metadata[0].Detail != "entityID: https://acme.example; key added: key-1" {
		t.Errorf("got %+v, want its entityID and its key", metadata)
	}
	state, err := application.NewListConnections(s.checks).Find(t.Context(), "acme")
	must(t, err)
	if state.Metadata.EntityID != "https://acme.example" || len(state.Problems) != 0 || state.Stored.ChangedBy != "ann" {
		t.Errorf("got %+v, want the metadata, no problem, and ann", state)
	}
	if n := s.published.Reads("https://acme.example/md"); n != 1 {
		t.Errorf("got %d fetches, want that a list fetches nothing", n)
	}
	if err := s.add(s.acme()); !errors.Is(err, connection.ErrSlugTaken) {
		t.Errorf("got %v, want ErrSlugTaken", err)
	}
}

func TestEverythingThatIsWrongWithAConnectionIsSaidAtOnce(t *testing.T) {
	s := newIdPs(t, connection.Settings{Slug: "filed", Domains: []string{"filed.example"}, SAML: connection.SAMLSettings{Metadata: []byte("filed.xml")}})
	s.published.Publish("filed.xml", "https://filed.example")
	must(t, s.add(s.acme()))
	twin := s.acme()
	twin.Slug, twin.ACSMount = "Twin", "old"
	twin.Domains = append(twin.Domains, "filed.example", "not a domain")
	problems(t, s.add(twin),
		`slug "Twin"`, `acs_mount "old"`, `"not a domain" is not a domain`,
		"acme.example belongs to connection acme", "filed.example belongs to connection filed", "https://acme.example is the identity provider of connection acme already")

	away := s.acme()
	away.Slug, away.Domains, away.SAML.MetadataURL = "away", []string{"acme.example"}, "https://away.example/"
	problems(t, s.add(away), "nothing is published at https://away.example/", "acme.example belongs to connection acme")

	problems(t, s.add(connection.Settings{Slug: "inner", Broker: connection.Enterprise, Domains: []string{"*"}}), "ENTERPRISE_API_URL")

	old := applicationtest.MetadataOf("https://old.example", "k")
	old.ValidUntil = s.Clock.Now().Add(-time.Hour)
	s.published.PublishAs("old.xml", old)
	problems(t, s.add(connection.Settings{Slug: "old", Domains: []string{"old.example"}, SAML: connection.SAMLSettings{Metadata: []byte("old.xml")}}), "has passed")

	filed := s.acme()
	filed.Slug = "filed"
	if err := s.add(filed); !errors.Is(err, connection.ErrSlugTaken) {
		t.Errorf("got %v, want ErrSlugTaken for a slug of the file", err)
	}
	if got := s.stored(); got != "acme" || len(s.events(audit.ConnectionAdded)) != 1 {
		t.Errorf("got %q and %d events, want acme alone", got, len(s.events(audit.ConnectionAdded)))
	}
}

func TestWhatWillNotWorkForLongIsAWarning(t *testing.T) {
	s := newIdPs(t)
	settings := s.acme()
	settings.Domains = []string{"*"}
	at := s.Clock.Now()
	m := applicationtest.MetadataOf("https://acme.example", "soon", "over", "later")
	m.Keys[0].NotAfter, m.Keys[1].NotAfter, m.Keys[2].NotBefore = at.Add(6*24*time.Hour), at.Add(-time.Hour), at.Add(time.Hour)
	m.Keys[2].NotAfter = at.AddDate(2, 0, 0)
	m.ServerClock, m.Warnings = 4*time.Minute, []string{"an odd key"}
	s.published.PublishAs("https://acme.example/md", m)
	report, err := application.NewAddConnection(s.checks).Execute(t.Context(), settings, true, admin)
	must(t, err)
	for _, want := range []string{`"*" lets`, "key soon expires at", "in less than 8 days", "key over expired at", "key later begins at", "4m0s ahead of", "an odd key"} {
		if !slices.ContainsFunc(report.Warnings, func(w string) bool { return strings.Contains(w, want) }) {
			t.Errorf("got %q, want %q in it", report.Warnings, want)
		}
	}
	if got := s.stored(); got != "" {
		t.Errorf("got %q after a dry run, want none", got)
	}
}

func TestTheSecondOfTwoEditsAtOnceIsRefused(t *testing.T) {
	s := newIdPs(t)
	must(t, s.add(s.acme()))
	edited, err := s.edit("acme", 1, func(c *connection.Settings) { c.Name = "ACME" })
	must(t, err)
	if edited.Revision != 2 || connection.Differing(edited.Changes) != "name: ACME, was acme" {
		t.Errorf("got %+v, want revision 2 and the change of the name", edited)
	}
	if _, err := s.edit("acme", 1, func(c *connection.Settings) { c.Public = true }); !errors.Is(err, connection.ErrEdited) {
		t.Errorf("got %v, want ErrEdited", err)
	}
	if _, err := application.NewRemoveConnection(s.checks).Execute(t.Context(), "acme", 1, false, admin); !errors.Is(err, connection.ErrEdited) {
		t.Errorf("got %v, want ErrEdited", err)
	}
	if _, err := s.edit("acme", 0, func(*connection.Settings) {}); !errors.Is(err, connection.ErrNothingToChange) {
		t.Errorf("got %v, want ErrNothingToChange", err)
	}
	// Another administrator's edit between the check and the transaction.
	s.store = between{s.Store, func() {
		s.store = s.Store
		s.build()
		_, err := s.edit("acme", 2, func(c *connection.Settings) { c.Name = "first" })
		must(t, err)
	}}
	s.build()
	if _, err := s.edit("acme", 0, func(c *connection.Settings) { c.Name = "second" }); !errors.Is(err, connection.ErrEdited) {
		t.Errorf("got %v, want ErrEdited", err)
	}
	if got := s.stored(); got != "acme''" || len(s.events(audit.ConnectionEdited)) != 2 {
		t.Errorf("got %q and %d events, want two edits", got, len(s.events(audit.ConnectionEdited)))
	}
	must(t, errOf(application.NewRemoveConnection(s.checks).Execute(t.Context(), "acme", 3, false, admin)))
	if got := s.stored(); got != "" || len(s.events(audit.ConnectionRemoved)) != 1 {
		t.Errorf("got %q, want none", got)
	}
}

// What was free when it was checked may be taken when it is kept.
func TestADomainAndAnEntityBelongToOneConnection(t *testing.T) {
	s := newIdPs(t)
	s.store = between{s.Store, func() {
		s.store = s.Store
		s.build()
		must(t, s.add(s.acme()))
	}}
	s.build()
	twin := s.acme()
	twin.Slug = "twin"
	problems(t, s.add(twin), "acme.example belongs to connection acme", "https://acme.example is the identity provider of connection acme")
	if got := s.stored(); got != "acme" {
		t.Errorf("got %q, want the first alone", got)
	}
}

func errOf(_ any, err error) error { return err }

// between does something once before an Update.
type between struct {
	ports.Store
	do func()
}

func (b between) Update(ctx context.Context, fn func(context.Context, ports.Tx) error) error {
	b.do()
	return b.Store.Update(ctx, fn)
}

func TestAnEditThatDoesNotConcernTheMetadataFetchesNothing(t *testing.T) {
	s := newIdPs(t)
	must(t, s.add(s.acme()))
	s.published.Fail("https://acme.example/md", "the server is away")
	must(t, errOf(s.edit("acme", 0, func(c *connection.Settings) { c.Name = "ACME" })))
	_, err := s.edit("acme", 0, func(c *connection.Settings) { c.SAML.MetadataPrivate = true })
	problems(t, err, "the server is away")
}

func TestAnotherIdentityProviderIsTakenWithAWarning(t *testing.T) {
	s := newIdPs(t)
	must(t, s.add(s.acme()))
	s.published.Publish("https://new.example/md", "https://new.example", "key-2")
	edited, err := s.edit("acme", 1, func(c *connection.Settings) { c.SAML.MetadataURL = "https://new.example/md" })
	must(t, err)
	want := []string{"key added: key-2", "key removed: key-1", "entityID: https://new.example, was https://acme.example"}
	if !slices.Equal(edited.Metadata, want) || len(edited.Report.Warnings) != 1 || !strings.Contains(edited.Report.Warnings[0], "other people") {
		t.Errorf("got %+v, want %v and a warning of other people", edited, want)
	}
	if e := s.events(audit.MetadataChanged); e[len(e)-1].Detail != strings.Join(want, "; ") {
		t.Errorf("got %q, want %q", e[len(e)-1].Detail, strings.Join(want, "; "))
	}
}

// A ledger and a move are of one identity provider: of another one under the same
// slug it is not known which callback it has.
func TestAnotherIdentityProviderBeginsWithoutALedger(t *testing.T) {
	remove := func(s *idps) error {
		return errOf(application.NewRemoveConnection(s.checks).Execute(t.Context(), "acme", 0, false, admin))
	}
	for name, c := range map[string]struct {
		change func(s *idps) error
		kept   bool
	}{
		"removed": {remove, false},
		"added again": {func(s *idps) error {
			if err := remove(s); err != nil {
				return err
			}
			return s.add(s.acme())
		}, false},
		"another entityID": {func(s *idps) error {
			s.published.Publish("https://new.example/md", "https://new.example", "key-2")
			return errOf(s.edit("acme", 0, func(c *connection.Settings) { c.SAML.MetadataURL = "https://new.example/md" }))
		}, false},
		"pruned":       {func(s *idps) error { return errOf(s.apply(list(t), true, false)) }, false},
		"another name": {func(s *idps) error { return errOf(s.edit("acme", 0, func(c *connection.Settings) { c.Name = "ACME" })) }, true},
		"another address": {func(s *idps) error {
			s.published.Publish("https://new.example/md", "https://acme.example", "key-2")
			return errOf(s.edit("acme", 0, func(c *connection.Settings) { c.SAML.MetadataURL = "https://new.example/md" }))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newIdPs(t)
			must(t, s.add(s.acme()))
			move, err := acsmove.Restore(acsmove.Snapshot{Connection: "acme", MovedAt: s.Clock.Now(), MovedBy: "ops"})
			must(t, err)
			event := audit.New(audit.ACSMoved, admin.Actor, s.Clock.Now(), admin.Origin)
			seen := acsmove.Sighting{Connection: "acme", Mount: connection.Canonical, Kind: acsmove.Succeeded, At: s.Clock.Now()}
			must(t, s.store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				if err := tx.ACSLedger().SaveMove(ctx, move, event); err != nil {
					return err
				}
				return tx.ACSLedger().Note(ctx, seen, event)
			}))
			must(t, c.change(s))
			var ledger acsmove.Ledger
			must(t, s.store.View(t.Context(), func(ctx context.Context, r ports.Reader) (err error) {
				ledger, err = r.ACSLedger().Ledger(ctx, "acme")
				return err
			}))
			if moved, proven := !ledger.Move.MovedAt.IsZero(), ledger.Canonical.Succeeded > 0; moved != c.kept || proven != c.kept {
				t.Errorf("got moved %t, sign-in on record %t; want %t for both", moved, proven, c.kept)
			}
		})
	}
}

func TestConnectionsOfTheFileAreShownAndNotChanged(t *testing.T) {
	s := newIdPs(t, connection.Settings{Slug: "filed", Domains: []string{"filed.example"}, SAML: connection.SAMLSettings{Metadata: []byte("filed.xml")}})
	s.published.Publish("filed.xml", "https://filed.example", "k")
	must(t, s.add(s.acme()))
	states, err := application.NewListConnections(s.checks).Execute(t.Context())
	must(t, err)
	if len(states) != 2 || states[0].Owner != connection.Database || states[1].Owner != connection.File || states[1].Metadata.EntityID != "https://filed.example" {
		t.Errorf("got %+v, want that of the database, then that of the file", states)
	}
	if _, err := s.edit("filed", 0, func(c *connection.Settings) { c.Public = true }); !errors.Is(err, connection.ErrInFile) {
		t.Errorf("got %v, want ErrInFile", err)
	}
	if _, err := s.edit("nobody", 0, func(c *connection.Settings) { c.Public = true }); !errors.Is(err, connection.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
}

func list(t *testing.T, all ...connection.Settings) connection.Directory {
	t.Helper()
	var out []connection.Connection
	for _, s := range all {
		via, err := connection.New(s)
		must(t, err)
		out = append(out, via)
	}
	d, err := connection.NewDirectory(out...)
	must(t, err)
	return d
}

func (s *idps) apply(wanted connection.Directory, prune, dryRun bool) (application.Plan, error) {
	s.t.Helper()
	return application.NewApplyConnections(s.checks).Execute(s.t.Context(), wanted, prune, dryRun, admin)
}

func (s *idps) named(slug string) connection.Settings {
	s.published.Publish("https://"+slug+".example/md", "https://"+slug+".example", "key of "+slug)
	return connection.Settings{Slug: slug, Domains: []string{slug + ".example"}, SAML: connection.SAMLSettings{MetadataURL: "https://" + slug + ".example/md"}}
}

func steps(p application.Plan) string {
	var out []string
	for _, step := range p.Steps {
		out = append(out, string(step.Do)+" "+step.Slug)
	}
	return strings.Join(out, ", ")
}

func TestAListIsAppliedAfterItsDifferencesAreShown(t *testing.T) {
	s := newIdPs(t)
	a, b, c := s.named("a"), s.named("b"), s.named("c")
	must(t, s.add(a))
	must(t, s.add(b))
	b.Name, b.Domains = "B", append(b.Domains, "a.example") // of a, which goes
	for _, dryRun := range []bool{true, false} {
		plan, err := s.apply(list(t, b, c), true, dryRun)
		must(t, err)
		if got := steps(plan); got != "remove a, edit b, add c" {
			t.Errorf("got %s, want remove a, edit b, add c", got)
		}
		if connection.Differing(plan.Steps[1].Changes) != "name: B, was b; domains: b.example a.example, was b.example" {
			t.Errorf("got %+v, want the changes of the name and the domains", plan.Steps[1].Changes)
		}
		if got := s.stored(); dryRun != (got == "a b") || !dryRun != (got == "b' c") {
			t.Errorf("dry run %t: got %q, want a b, and b' c without it", dryRun, got)
		}
	}
	plan, err := s.apply(list(t, b), false, false)
	must(t, err)
	if len(plan.Steps) != 0 || plan.Unchanged != 1 || !slices.Equal(plan.Unlisted, []string{"c"}) {
		t.Errorf("got %+v, want no change and c unlisted", plan)
	}
}

func TestAListIsAppliedWholeOrNotAtAll(t *testing.T) {
	s := newIdPs(t)
	must(t, s.add(s.named("a")))
	a, b, c, d := s.named("a"), s.named("b"), s.named("c"), s.named("d")
	a.Name = "changed"

	t.Run("one of them cannot be", func(t *testing.T) {
		bad := c
		bad.SAML.MetadataURL = "https://away.example/"
		twin := d
		twin.Domains = b.Domains
		_, err := s.apply(list(t, a, b, bad), false, false)
		problems(t, err, "nothing is published")
		_, err = s.apply(list(t, a, b, twin), false, false)
		if !errors.As(err, new(*application.InvalidConnectionError)) || !strings.Contains(err.Error(), "b.example belongs to connection d") {
			t.Errorf("got %v, want that b and d want one domain", err)
		}
	})
	t.Run("the database goes away in the middle", func(t *testing.T) {
		s.store = failing{s.Store, 2}
		s.build()
		_, err := s.apply(list(t, a, b, c, d), false, false)
		if !errors.Is(err, errGone) {
			t.Errorf("got %v, want that the database is gone", err)
		}
		s.store = s.Store
		s.build()
	})
	t.Run("an edit comes in between", func(t *testing.T) {
		s.store = between{s.Store, func() {
			s.store = s.Store
			s.build()
			must(t, s.add(s.named("e")))
			must(t, errOf(application.NewRemoveConnection(s.checks).Execute(t.Context(), "a", 0, false, admin)))
		}}
		s.build()
		if _, err := s.apply(list(t, a, b), false, false); !errors.Is(err, connection.ErrEdited) {
			t.Errorf("got %v, want ErrEdited", err)
		}
	})
	if got := s.stored(); got != "e" {
		t.Errorf("got %q, want what the other administrator left", got)
	}
	if n := len(s.events(audit.ConnectionAdded)); n != 2 {
		t.Errorf("got %d additions in the audit, want 2", n)
	}
	if n := len(s.events(audit.ConnectionEdited)); n != 0 {
		t.Errorf("got %d edits in the audit, want none", n)
	}
}

var errGone = errors.New("the database is gone")

// failing lets a number of connections be written in a transaction.
type failing struct {
	ports.Store
	after int
}

func (f failing) Update(ctx context.Context, fn func(context.Context, ports.Tx) error) error {
	return f.Store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		return fn(ctx, failingTx{tx, &f.after})
	})
}

type failingTx struct {
	ports.Tx
	left *int
}

func (t failingTx) Connections() ports.StoredConnections {
	return failingConnections{t.Tx.Connections(), t.left}
}

type failingConnections struct {
	ports.StoredConnections
	left *int
}

func (c failingConnections) Add(ctx context.Context, s *connection.Stored, because audit.Event) error {
	if *c.left--; *c.left < 0 {
		return errGone
	}
	return c.StoredConnections.Add(ctx, s, because)
}
