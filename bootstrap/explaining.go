package bootstrap

import (
	"context"
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// Explaining is [Administration] with what explains SAML responses. It fetches
// nothing and makes no key: it uses the metadata and the keys that are kept.
func Explaining(c Config, log *slog.Logger) fx.Option {
	return fx.Options(
		Administration(c, log),
		fx.Supply(c.SAML),
		fx.Provide(
			existingKeys,
			func(cfg saml.Config, keys ports.KeyStore, now ports.Clock, log *slog.Logger) (*saml.Broker, error) {
				return saml.New(cfg, keys, connection.Directory{}, now, log)
			},
			func(b *saml.Broker) ports.Explainer { return b },
			application.NewExplainResponse,
		),
		fx.Invoke(serveNow, followMetadata),
	)
}

// serveNow gives the broker the connections that are there, and those of the
// database when they are read.
func serveNow(j *joinedConnections, b *saml.Broker) error {
	j.OnChange(b.Reload)
	return b.Reload(j.joined.Get())
}

// existingKeys are the configured files or the pairs of the database. It makes none.
func existingKeys(c Config, store ports.Store) (ports.KeyStore, error) {
	if c.Keys == (files.KeysConfig{}) {
		return ringOnce{store}, nil
	}
	if c.Keys.Active == "" {
		c.Keys.Active = files.OwnKeyFile(c.DataDir)
	}
	set, err := c.Keys.Read()
	return keysOnce(set), err
}

type keysOnce spkeys.Set

// Keys implements [ports.KeyStore].
func (k keysOnce) Keys(context.Context) (spkeys.Set, error) { return spkeys.Set(k), nil }

type ringOnce struct{ store ports.Store }

// Keys implements [ports.KeyStore].
func (k ringOnce) Keys(ctx context.Context) (set spkeys.Set, err error) {
	err = k.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		ring, _, err := r.SPKeys().Ring(ctx)
		if err == nil {
			set = ring.Set()
		}
		return err
	})
	return set, err
}
