package files

import (
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/lifecycle"
	"github.com/devicegate/devicegate/ports"
)

// Module provides [*Connections] from a [Config], and reads the files again while
// the application runs.
var Module = fx.Module("files", fx.Provide(startConnections))

// KeysModule provides [ports.KeyStore] from a [KeysConfig], and reads the files
// again while the application runs.
var KeysModule = fx.Module("key files", fx.Provide(
	startKeys,
	func(k *Keys) ports.KeyStore { return k },
))

// ClientsModule provides the [Clients] of a file, and reads it again while the
// application runs.
var ClientsModule = fx.Module("clients file", fx.Provide(startClients))

// ClientsPath is the path of a clients file.
type ClientsPath string

func startClients(lc fx.Lifecycle, path ClientsPath, log *slog.Logger) (*Clients, error) {
	c, err := OpenClients(string(path), log)
	if err != nil {
		return nil, err
	}
	lc.Append(lifecycle.WhileRunning(c.Run))
	return c, nil
}

// PolicyModule provides the [Policy] of a file, and reads it again while the
// application runs.
var PolicyModule = fx.Module("policy file", fx.Provide(startPolicy))

func startPolicy(lc fx.Lifecycle, cfg PolicyConfig, log *slog.Logger) (*Policy, error) {
	p, err := OpenPolicy(cfg, log)
	if err != nil {
		return nil, err
	}
	lc.Append(lifecycle.WhileRunning(p.Run))
	return p, nil
}

// CertificateModule provides a [Certificate] from a [CertificateConfig], and reads
// the files again while the application runs.
var CertificateModule = fx.Module("TLS files", fx.Provide(startCertificate))

func startCertificate(lc fx.Lifecycle, cfg CertificateConfig, log *slog.Logger) (*Certificate, error) {
	c, err := OpenCertificate(cfg, log)
	if err != nil {
		return nil, err
	}
	lc.Append(lifecycle.WhileRunning(c.Run))
	return c, nil
}

func startConnections(lc fx.Lifecycle, cfg Config, log *slog.Logger) (*Connections, error) {
	c, err := Open(cfg, log)
	if err != nil {
		return nil, err
	}
	lc.Append(lifecycle.WhileRunning(c.Run))
	return c, nil
}

func startKeys(lc fx.Lifecycle, cfg KeysConfig, log *slog.Logger) (*Keys, error) {
	k, err := OpenKeys(cfg, log)
	if err != nil {
		return nil, err
	}
	lc.Append(lifecycle.WhileRunning(k.Run))
	return k, nil
}
