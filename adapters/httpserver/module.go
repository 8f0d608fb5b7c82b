package httpserver

import "go.uber.org/fx"

// Module provides what the JSON routes and the pages share, from a [Config].
var Module = fx.Module("httpserver", fx.Provide(
	NewAddresses,
	NewCookies,
	NewClientAddress,
	NewCrossOrigin,
	NewSecurityHeaders,
	NewMiddleware,
))
