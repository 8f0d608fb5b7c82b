package files

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/setting"
)

// tlsFiles writes a certificate for name, and its key, and returns their files.
func tlsFiles(t *testing.T, dir, name string) CertificateConfig {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	of := CertificateConfig{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	for file, block := range map[string]*pem.Block{of.Cert: {Type: "CERTIFICATE", Bytes: cert}, of.Key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return of
}

func TestACertificateIsReplacedWhileItIsServed(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	c, err := OpenCertificate(tlsFiles(t, dir, "first"), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	serves := func(want string) {
		t.Helper()
		got, err := c.Get(nil)
		if err != nil || got.Leaf.Subject.CommonName != want {
			t.Errorf("got the certificate of %s and %v, want %s", got.Leaf.Subject.CommonName, err, want)
		}
	}
	serves("first")
	of := tlsFiles(t, dir, "second")
	c.Reload(context.Background())
	serves("second")
	if err := os.WriteFile(of.Key, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Reload(context.Background())
	serves("second")
	if c.Current() || !strings.Contains(log.String(), "TLS files not taken up") {
		t.Errorf("got %t and the log %s, want the refusal", c.Current(), &log)
	}
}

func TestTLSFilesThatCannotBeUsed(t *testing.T) {
	good, other := tlsFiles(t, t.TempDir(), "good"), tlsFiles(t, t.TempDir(), "other")
	for name, c := range map[string]struct {
		cfg   CertificateConfig
		field string
	}{
		"no key":              {CertificateConfig{Cert: good.Cert}, "Key"},
		"no certificate":      {CertificateConfig{Key: good.Key}, "Cert"},
		"a file that is not":  {CertificateConfig{Cert: good.Cert, Key: good.Key + "x"}, "Key"},
		"another's key":       {CertificateConfig{Cert: good.Cert, Key: other.Key}, "Cert"},
		"key for certificate": {CertificateConfig{Cert: good.Key, Key: good.Key}, "Cert"},
	} {
		var wrong setting.Problem
		if err := c.cfg.Check(); !errors.As(err, &wrong) || wrong.Field != c.field {
			t.Errorf("%s: got %v, want a problem of %s", name, err, c.field)
		}
	}
}
