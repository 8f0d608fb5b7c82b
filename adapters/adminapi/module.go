package adminapi

import (
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

// Module provides the router over all resources. It needs the
// [administrator.Credentials] and an [Observe] from the wiring in bootstrap.
var Module = fx.Module("adminapi", fx.Provide(
	fx.Private,
	NewResponder,
	NewSelf,
	NewTokens,
), fx.Provide(newRouter))

type routerParams struct {
	fx.In

	Client    *httpserver.ClientAddress
	Responder *Responder
	Self      *Self
	Tokens    *Tokens
	Observe   Observe
}

func newRouter(p routerParams) *Router {
	return NewRouter(Routes{
		Client: p.Client, Responder: p.Responder, Observe: p.Observe,
		Self: p.Self, Tokens: p.Tokens,
	})
}
