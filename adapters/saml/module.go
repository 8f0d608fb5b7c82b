package saml

import (
	"context"
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/lifecycle"
	"github.com/devicegate/devicegate/ports"
)

// Module provides the [*Broker], and keeps its metadata fresh while the
// application runs.
var Module = fx.Module("saml", fx.Provide(start))

type parts struct {
	fx.In

	Config      Config
	Keys        ports.KeyStore
	Connections ports.Connections
	Refresher   Refresher `optional:"true"` // none: this process fetches for itself
	Clock       ports.Clock
	Log         *slog.Logger
}

func start(lc fx.Lifecycle, p parts) (*Broker, error) {
	now, err := p.Connections.Connections(context.Background())
	if err != nil {
		return nil, err
	}
	b, err := New(p.Config, p.Keys, now, p.Clock, p.Log, RefreshedBy(p.Refresher))
	if err != nil {
		return nil, err
	}
	lc.Append(lifecycle.WhileRunning(b.Run))
	return b, nil
}
