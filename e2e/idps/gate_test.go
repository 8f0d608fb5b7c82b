package idps

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/internal/logtest"
	"github.com/devicegate/devicegate/ports"
)

// The address and the key pair of the tests of adapters/saml.
const (
	public = "https://gate.test"
	local  = "127.0.0.1"
	spKey  = "../../adapters/saml/testdata/sp-test-only.pem"
)

// gate is the service, in this process. It is reached as [public].
type gate struct {
	http.RoundTripper
	addr  string
	log   *logtest.Log
	store ports.Store
}

// newGate starts a service with a connection, or with none, until the test ends.
func newGate(t *testing.T, connection string, metadata []byte) *gate {
	t.Helper()
	folder := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		must(t, os.WriteFile(path, text, 0o600))
		return path
	}
	text := "connections: []\n"
	if connection != "" {
		write("idp.xml", metadata)
		text = "connections:\n  - {slug: " + connection + ", metadata_file: idp.xml, domains: [example.com], sign_requests: always}\n"
	}
	secret := make([]byte, 48)
	_, _ = rand.Read(secret)
	key, err := filepath.Abs(spKey)
	must(t, err)
	g := &gate{addr: local + ":" + strconv.Itoa(services.Port(t)), log: new(logtest.Log)}
	c, err := bootstrap.Load(map[string]string{
		"LISTEN_ADDR": g.addr, "PUBLIC_URL": public, "DATABASE_URL": "sqlite:" + filepath.Join(folder, "gate.db"), "DATA_DIR": folder,
		"SECRET_KEY": base64.StdEncoding.EncodeToString(secret), "CONNECTIONS_FILE": write("connections.yaml", []byte(text)),
		"SAML_SP_KEY_FILE": key, "TRUSTED_PROXIES": "127.0.0.0/8", "SHUTDOWN_DELAY": "0s", "LEGACY_ROUTES": "off",
	})
	must(t, err)
	app := fx.New(bootstrap.Service(c, slog.New(slog.NewJSONHandler(g.log, nil))), fx.Populate(&g.store))
	must(t, app.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		must(t, app.Stop(ctx))
	})
	direct := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, g.addr)
	}}
	t.Cleanup(direct.CloseIdleConnections)
	g.RoundTripper = direct
	return g
}

// elsewhere finds every host on this machine, and keeps no connection, because
// identity providers are started again.
var elsewhere = &http.Transport{
	DisableKeepAlives: true,
	DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(addr)
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(local, port))
	},
}

// RoundTrip takes requests for [public] to the service, as a proxy with TLS would.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if "https://"+r.URL.Host != public {
		return elsewhere.RoundTrip(r)
	}
	inside := r.Clone(r.Context())
	inside.URL.Scheme = "http"
	answer, err := g.RoundTripper.RoundTrip(inside)
	if err == nil {
		answer.Request = r
	}
	return answer, err
}

// metadata is ours.
func (g *gate) metadata(t *testing.T) []byte {
	t.Helper()
	answer, err := (&http.Client{Transport: g}).Get(public + "/saml/metadata")
	must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	return text
}

// last is the newest event of a kind.
func (g *gate) last(t *testing.T, kind audit.Kind) (last audit.Event) {
	t.Helper()
	must(t, g.store.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
		events, err := r.Audit().Events(ctx, ports.AuditFilter{Kind: kind})
		for _, e := range events {
			if e.At.After(last.At) {
				last = e
			}
		}
		return err
	}))
	return last
}
