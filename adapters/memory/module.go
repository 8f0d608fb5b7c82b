package memory

import (
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/ports"
)

// Module provides [ports.PollThrottle] and [ports.Limiter].
var Module = fx.Module("memory",
	fx.Provide(fx.Annotate(NewPollThrottle, fx.As(new(ports.PollThrottle)))),
	fx.Provide(fx.Annotate(NewLimiter, fx.As(new(ports.Limiter)))),
)
