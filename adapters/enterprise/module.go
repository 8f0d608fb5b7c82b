package enterprise

import (
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/lifecycle"
	"github.com/devicegate/devicegate/ports"
)

// Module provides [*Broker] and [*Edition] for a [Config]. Bootstrap decides
// which of them the installation uses; an Edition that nothing uses asks nothing.
var Module = fx.Module("enterprise", fx.Provide(NewBroker, startEdition))

func startEdition(lc fx.Lifecycle, cfg Config, now ports.Clock, log *slog.Logger) (*Edition, error) {
	e, err := NewEdition(cfg, now, log)
	if err != nil {
		return nil, err
	}
	lc.Append(lifecycle.WhileRunning(e.Run))
	return e, nil
}
