package geoip

import (
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/lifecycle"
	"github.com/devicegate/devicegate/ports"
)

// Module provides [ports.Places] from a [Config], and reads its files again when
// they change.
var Module = fx.Module("geoip", fx.Provide(start, func(d *Database) ports.Places { return d }))

func start(lc fx.Lifecycle, cfg Config, log *slog.Logger) (*Database, error) {
	d, err := Open(cfg, log)
	if err != nil {
		return nil, err
	}
	lc.Append(lifecycle.WhileRunning(d.Run))
	return d, nil
}
