package bootstrap

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
)

// BenchmarkAHundredConnections measures an installation with a hundred identity
// providers, each with metadata of its own at a URL (docs/connections.md): applying
// them, the start of a replica, its memory (with the service itself), a list, and a refresh of all.
func BenchmarkAHundredConnections(b *testing.B) {
	const n = 100
	idps := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		idp := samltest.NewIdPWithKey(b, "https://idp.example"+r.URL.Path, samltest.RSAKey(b, 0))
		padding := "<!--" + strings.Repeat("the rest of usual metadata ", 200) + "-->"
		_, _ = w.Write([]byte(strings.Replace(string(idp.Metadata()), "<md:IDPSSODescriptor", padding+"<md:IDPSSODescriptor", 1)))
	}))
	defer idps.Close()
	var all []connection.Connection
	for i := range n {
		via, err := connection.New(connection.Settings{
			Slug: fmt.Sprintf("idp-%03d", i), Domains: []string{fmt.Sprintf("idp-%03d.example", i)},
			SAML: connection.SAMLSettings{MetadataURL: fmt.Sprintf("%s/%d", idps.URL, i), MetadataPrivate: true},
		})
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, via)
	}
	wanted, err := connection.NewDirectory(all...)
	if err != nil {
		b.Fatal(err)
	}
	took := map[string]time.Duration{}
	measure := func(what string, do func() error) {
		b.Helper()
		began := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		took[what] += time.Since(began)
	}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var memory int64
	for b.Loop() {
		dir := b.TempDir()
		c, err := Load(smallest("DATABASE_URL", "sqlite:"+filepath.Join(dir, "gate.db"), "DATA_DIR", dir, "WITH_WORKER", "off", "LISTEN_ADDR", "127.0.0.1:0"))
		if err != nil {
			b.Fatal(err)
		}
		start := func(options fx.Option, targets ...any) (stop func()) {
			app := fx.New(options, fx.Populate(targets...))
			if err := app.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			return func() { _ = app.Stop(context.Background()) }
		}
		quiet := slog.New(slog.DiscardHandler)
		var apply *application.ApplyConnections
		var list *application.ListConnections
		var broker *saml.Broker
		stop := start(Service(c, quiet), &apply, &list)
		measure("apply", func() error {
			_, err := apply.Execute(b.Context(), wanted, false, false, connection.Author{Actor: audit.AdminOf("ann")})
			return err
		})
		measure("list", func() error {
			found, err := list.Execute(b.Context())
			if err == nil && len(found) != n {
				return fmt.Errorf("got %d connections, want %d", len(found), n)
			}
			return err
		})
		stop()
		apply, list = nil, nil
		measure("start", func() error {
			stop = start(Service(c, quiet), &broker)
			return nil
		})
		usable := 0
		for _, s := range broker.States() {
			if s.Usable {
				usable++
			}
		}
		if usable != n {
			b.Fatalf("got %d connections with metadata after the start, want %d", usable, n)
		}
		with := heap()
		runtime.KeepAlive(broker)
		stop()
		stop, broker = nil, nil
		memory += with - heap()
		c.Clock = func() time.Time { return time.Now().UTC().Add(2 * time.Hour) }
		var refresh *application.RefreshMetadata
		stop = start(Service(c, quiet), &refresh)
		measure("refresh", func() error {
			_, err := refresh.ExecuteDue(b.Context())
			return err
		})
		stop()
	}
	for what, d := range took {
		b.ReportMetric(float64(d.Milliseconds())/float64(b.N), what+"-ms")
	}
	b.ReportMetric(float64(memory)/float64(b.N)/1024, "heap-KiB")
}
