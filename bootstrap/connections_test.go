package bootstrap

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports/porttest"
)

// started starts an application that ends with the test.
func started(t *testing.T, options fx.Option, targets ...any) (*fx.App, error) {
	t.Helper()
	app := fx.New(options, fx.Populate(targets...))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := app.Start(ctx)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = app.Stop(ctx)
	})
	return app, err
}

// replica is a process that serves.
type replica struct {
	connections *joinedConnections
	broker      *saml.Broker
}

func newReplica(t *testing.T, vars map[string]string) replica {
	t.Helper()
	vars["LISTEN_ADDR"], vars["WITH_WORKER"] = freeAddress(t), "off"
	c, err := Load(vars)
	if err != nil {
		t.Fatal(err)
	}
	var r replica
	if _, err := started(t, Service(c, slog.New(slog.DiscardHandler)), &r.connections, &r.broker); err != nil {
		t.Fatal(err)
	}
	return r
}

// key is the one by which a connection's responses are verified; "" if it cannot
// be used.
func (r replica) key(slug string) string {
	for _, s := range r.broker.States() {
		if s.Connection == slug && s.Usable {
			return s.Metadata.Keys[0].Fingerprint
		}
	}
	return ""
}

// A connection that an administrator adds is served by all replicas without a
// restart and with its metadata, also while the identity provider's server is
// down, and by a replica that starts then.
func TestChangesOfConnectionsReachAllReplicas(t *testing.T) {
	var document atomic.Pointer[[]byte]
	old := samltest.NewIdP(t, "https://idp.acme.example").Metadata()
	document.Store(&old)
	idp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(*document.Load()) }))
	defer idp.Close()
	vars := func() map[string]string {
		return smallest("DATABASE_URL", "sqlite:"+filepath.Join(filepath.Dir(idpFile(t)), "gate.db"), "DATA_DIR", t.TempDir())
	}
	shared := vars()
	one, two := newReplica(t, shared), newReplica(t, shared)
	c, err := Load(shared)
	if err != nil {
		t.Fatal(err)
	}
	var add *application.AddConnection
	var refresh *application.RefreshMetadata
	if _, err := started(t, Administration(c, slog.New(slog.DiscardHandler)), &add, &refresh); err != nil {
		t.Fatal(err)
	}
	by := connection.Author{Actor: audit.AdminOf("ann")}
	report, err := add.Execute(t.Context(), connection.Settings{
		Slug: "acme", Domains: []string{"acme.example"}, SAML: connection.SAMLSettings{MetadataURL: idp.URL, MetadataPrivate: true},
	}, false, by)
	if err != nil {
		t.Fatal(err)
	}
	first := report.Metadata.Keys[0].Fingerprint
	porttest.Eventually(t, "both replicas serve acme", func() bool { return one.key("acme") == first && two.key("acme") == first })

	next := samltest.NewIdPWithKey(t, "https://idp.acme.example", samltest.RSAKey(t, 1)).Metadata()
	document.Store(&next)
	c.Clock = func() time.Time { return time.Now().UTC().Add(time.Minute) }
	var later *application.RefreshMetadata
	if _, err := started(t, Administration(c, slog.New(slog.DiscardHandler)), &later); err != nil {
		t.Fatal(err)
	}
	porttest.Eventually(t, "the command knows acme", func() bool {
		done, err := later.Execute(t.Context(), "acme", by)
		return err == nil && done.Failure == "" && len(done.Changes) == 2
	})
	porttest.Eventually(t, "both replicas have the new key", func() bool { return one.key("acme") == two.key("acme") && one.key("acme") != first })

	idp.Close()
	if three := newReplica(t, shared); three.key("acme") != one.key("acme") {
		t.Errorf("got the key %q after a restart without the metadata's server, want %q", three.key("acme"), one.key("acme"))
	}
}

// idpFile is a metadata file in a directory of its own.
func idpFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "acme.xml")
	if err := os.WriteFile(file, samltest.NewIdP(t, "https://idp.acme.example").Metadata(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAConnectionHasOneOwner(t *testing.T) {
	xml := idpFile(t)
	dir := filepath.Dir(xml)
	file := filepath.Join(dir, "connections.yaml")
	other := samltest.NewIdPWithKey(t, "https://other.example", samltest.RSAKey(t, 1)).Metadata()
	metadata := map[string]string{"filed": "acme.xml", "stored": "other.xml"}
	if err := os.WriteFile(filepath.Join(dir, metadata["stored"]), other, 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(slugs ...string) {
		text := "connections:\n"
		for _, slug := range slugs {
			text += "  - {slug: " + slug + ", domains: [" + slug + ".example], metadata_file: " + metadata[slug] + "}\n"
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("filed")
	vars := smallest("DATABASE_URL", "sqlite:"+filepath.Join(dir, "gate.db"), "DATA_DIR", dir, "CONNECTIONS_FILE", file)
	r := newReplica(t, vars)
	c, err := Load(vars)
	if err != nil {
		t.Fatal(err)
	}
	var add *application.AddConnection
	if _, err := started(t, Administration(c, slog.New(slog.DiscardHandler)), &add); err != nil {
		t.Fatal(err)
	}
	if _, err := add.Execute(t.Context(), connection.Settings{
		Slug: "stored", Domains: []string{"stored.example"}, SAML: connection.SAMLSettings{Metadata: other},
	}, false, connection.Author{Actor: audit.AdminOf("ann")}); err != nil {
		t.Fatal(err)
	}
	owners := func() string {
		all, err := r.connections.Connections(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, via := range all.All() {
			out = append(out, via.Slug()+" "+string(via.Owner()))
		}
		return strings.Join(out, ", ")
	}
	porttest.Eventually(t, "both owners' connections are served", func() bool { return owners() == "filed file, stored database" })

	write("filed", "stored")
	if err := r.connections.takeFile(directoryOf(t, "filed", "stored")); err == nil || !strings.Contains(err.Error(), "connection stored is in CONNECTIONS_FILE and in the database") {
		t.Errorf("got %v, want the conflict", err)
	}
	if got := owners(); got != "filed file, stored database" {
		t.Errorf("got %s, want what was served before", got)
	}
	if c, err = Load(vars); err != nil {
		t.Fatal(err)
	}
	if _, err := started(t, Service(c, slog.New(slog.DiscardHandler)), new(*joinedConnections)); err == nil || !strings.Contains(err.Error(), "take it out of the file") {
		t.Errorf("got %v, want a start refused with what to do", err)
	}
}

func directoryOf(t *testing.T, slugs ...string) connection.Directory {
	t.Helper()
	var all []connection.Connection
	for _, slug := range slugs {
		via, err := connection.New(connection.Settings{Slug: slug, Broker: connection.Enterprise, Domains: []string{slug + ".example"}})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, via)
	}
	d, err := connection.NewDirectory(all...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
