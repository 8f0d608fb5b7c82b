package files

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"time"

	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/domain/setting"
)

// CertificateConfig names the files of a TLS server's certificate chain and of
// its key, in PEM.
type CertificateConfig struct{ Cert, Key string }

// Certificate is the certificate of a TLS server from files.
type Certificate struct {
	polled[tls.Certificate]
}

// OpenCertificate reads the files.
func OpenCertificate(cfg CertificateConfig, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{polled[tls.Certificate]{
		read: cfg.read,
		Source: lastgood.NewSource("TLS files", log, func(ctx context.Context, now tls.Certificate) {
			log.InfoContext(ctx, "TLS files read", "not_after", now.Leaf.NotAfter.UTC().Format(time.RFC3339))
		}),
	}}
	if err := c.open(); err != nil {
		return nil, err
	}
	return c, nil
}

// Get is a [tls.Config.GetCertificate].
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	now := c.polled.Get()
	return &now, nil
}

// Check reads the files and lists everything that is wrong with them; each
// [setting.Problem] names a field.
func (c CertificateConfig) Check() error {
	_, _, err := c.read()
	return err
}

func (c CertificateConfig) read() (tls.Certificate, digest, error) {
	files := newDigester()
	text := func(field, file string) ([]byte, error) {
		if file == "" {
			return nil, setting.Wrong(field, "is required with the other file")
		}
		text, err := files.file(file)
		if err != nil {
			return nil, setting.Wrong(field, "%v", err)
		}
		return text, nil
	}
	cert, errCert := text("Cert", c.Cert)
	key, errKey := text("Key", c.Key)
	if err := errors.Join(errCert, errKey); err != nil {
		return tls.Certificate{}, files.sum(), err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, files.sum(), setting.Wrong("Cert", "%s and %s: %v", c.Cert, c.Key, err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return tls.Certificate{}, files.sum(), setting.Wrong("Cert", "%s: %v", c.Cert, err)
		}
	}
	return pair, files.sum(), nil
}
