package bootstrap

import (
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/geoip"
	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/ports"
)

// places tells where addresses are used, if there are files that know it.
func places(c Config) fx.Option {
	if len(c.GeoIP.Files) == 0 {
		return fx.Provide(
			func() ports.Places { return memory.Places{} },
			func() *geoip.Database { return nil },
		)
	}
	return fx.Options(fx.Supply(c.GeoIP), geoip.Module)
}
