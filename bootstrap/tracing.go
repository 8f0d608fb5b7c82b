package bootstrap

import (
	"log/slog"
	"net/http"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/adminapi"
	"github.com/devicegate/devicegate/adapters/httpapi"
	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/adapters/tracing"
)

// traced opens the tracing of a process, if there is any, for the adapters that c
// configures and for the log. It ends after everything that is traced: its
// option comes first.
func traced(c Config, log *slog.Logger) (Config, *slog.Logger, fx.Option) {
	provider, err := tracing.Open(c.Tracing, log)
	if err != nil {
		return c, log, fx.Error(err)
	}
	tracer := provider.Tracer()
	option := fx.Provide(func() *tracing.Tracer { return tracer })
	if tracer == nil {
		return c, log, option
	}
	c.Database.Tracer, c.Redis.Tracer, c.SAML.Tracer, c.Enterprise.Tracer = tracer, tracer, tracer, tracer
	return c, slog.New(tracing.LogHandler(log.Handler())), fx.Options(option, fx.Invoke(func(lc fx.Lifecycle) {
		lc.Append(fx.StopHook(provider.Shutdown))
	}))
}

func observe(m *metrics, tracer *tracing.Tracer, client *httpserver.ClientAddress) httpapi.Observe {
	return func(next http.Handler) http.Handler { return tracer.Middleware(m.observe(next), client.IsTrusted) }
}

func observeAdministration(m *metrics, tracer *tracing.Tracer, client *httpserver.ClientAddress) adminapi.Observe {
	return func(next http.Handler) http.Handler { return tracer.Middleware(m.observe(next), client.IsTrusted) }
}
