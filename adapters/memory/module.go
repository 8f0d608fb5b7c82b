package memory

import (
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/ports"
)

// Module provides [ports.Pace] and [ports.Limiter].
var Module = fx.Module("memory",
	fx.Provide(fx.Annotate(NewPace, fx.As(new(ports.Pace)))),
	fx.Provide(fx.Annotate(NewLimiter, fx.As(new(ports.Limiter)))),
)
