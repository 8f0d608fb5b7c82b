package httpapi

import (
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

// Module provides the router over all resources. It needs a [Config], [Pages],
// [Metadata] and [Observe] from the wiring in bootstrap.
var Module = fx.Module("httpapi", fx.Provide(
	NewResponder,
	NewDeviceFlow,
	NewSSO,
	NewApproval,
	NewAccount,
	NewOAuth,
	NewRevocation,
	NewIntrospection,
	NewForwardAuth,
	NewDiscovery,
	NewDescription,
	NewOperations,
	newRouter,
))

type routerParams struct {
	fx.In

	Config        Config
	Addresses     *httpserver.Addresses
	Middleware    *httpserver.Middleware
	Responder     *Responder
	Device        *DeviceFlow
	SSO           *SSO
	Approval      *Approval
	Account       *Account
	OAuth         *OAuth
	Revocation    *Revocation
	Introspection *Introspection
	ForwardAuth   *ForwardAuth
	Discovery     *Discovery
	Description   *Description
	Operations    *Operations
	Pages         Pages
	Observe       Observe
}

func newRouter(p routerParams) *Router {
	return NewRouter(Routes{
		Config: p.Config, Addresses: p.Addresses, Middleware: p.Middleware, Responder: p.Responder,
		Device: p.Device, SSO: p.SSO, Approval: p.Approval, Account: p.Account, Operations: p.Operations,
		OAuth: p.OAuth, Revocation: p.Revocation, Introspection: p.Introspection, ForwardAuth: p.ForwardAuth, Discovery: p.Discovery, Description: p.Description,
		Pages: p.Pages, Observe: p.Observe,
	})
}
