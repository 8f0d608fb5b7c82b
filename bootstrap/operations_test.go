package bootstrap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/domain/administrator"
)

// TestOperationsListener starts the service with TLS on OPS_ADDR. An
// administrator's token works there, and on the public listener means nothing.
func TestOperationsListener(t *testing.T) {
	name, err := administrator.ParseName("ann")
	if err != nil {
		t.Fatal(err)
	}
	made, token := administrator.NewCredential(name)
	cert, key, roots := tlsFiles(t)
	ops, public := freeAddress(t), freeAddress(t)
	c, err := Load(smallest(
		"PUBLIC_URL", "http://"+public, "LISTEN_ADDR", public, "OPS_ADDR", ops, "OPS_TLS_CERT_FILE", cert, "OPS_TLS_KEY_FILE", key,
		"ADMIN_TOKENS", made.String(), "DATA_DIR", t.TempDir(), "WITH_WORKER", "off",
	))
	if err != nil {
		t.Fatal(err)
	}
	app := fx.New(Service(c, slog.New(slog.DiscardHandler)))
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = app.Stop(ctx)
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}}}
	t.Cleanup(client.CloseIdleConnections)
	for _, c := range []struct {
		address string
		token   bool
		want    int
	}{
		{"https://" + ops + "/metrics", false, http.StatusOK},
		{"https://" + ops + "/admin/v1/whoami", true, http.StatusOK},
		{"https://" + ops + "/admin/v1", true, http.StatusNotFound},
		{"https://" + ops + "/admin/v1/whoami", false, http.StatusUnauthorized},
		{"https://" + ops + "/openapi/v1/account", true, http.StatusNotFound},
		{"http://" + ops + "/admin/v1/whoami", true, http.StatusBadRequest},
		{"http://" + public + "/admin/v1/whoami", true, http.StatusNotFound},
		{"http://" + public + "/openapi/v1/account", true, http.StatusUnauthorized},
		{"http://" + public + "/oauth2/forward-auth", true, http.StatusUnauthorized},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.token {
			r.Header.Set("Authorization", "Bearer "+token.Reveal())
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s: got %d: %.200s, want %d", c.address, answer.StatusCode, body, c.want)
		}
	}
}

// tlsFiles are those of a certificate for example.com, and the roots that trust it.
func tlsFiles(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	der, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: server.Certificate().Raw}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return cert, key, roots
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
