package webui

import (
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/ports"
)

// Module provides the [Pages] from a [Config] and the use cases behind them.
var Module = fx.Module("webui",
	fx.Provide(New),
	fx.Provide(fx.Private, newBase, newEntryPages, newSignInPages, newCodePages, newDecisionPages, newResultPages, newSessionPages),
)

// deps are what every page may need.
type deps struct {
	fx.In

	Config      Config
	Addresses   *httpserver.Addresses
	Cookies     *httpserver.Cookies
	Client      *httpserver.ClientAddress
	CrossOrigin *httpserver.CrossOrigin
	Middleware  *httpserver.Middleware
	Headers     httpserver.SecurityHeaders
	Connections ports.Connections
	Clients     ports.Clients
	Policies    ports.Policies
	Edition     ports.Edition
	Places      ports.Places
	Now         ports.Clock
	Log         *slog.Logger
}
