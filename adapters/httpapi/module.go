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
	NewNavigation,
	NewSSOInitiation,
	NewACS,
	NewSSOCompletion,
	NewApproval,
	NewAccount,
	NewOAuth,
	NewRevocation,
	NewIntrospection,
	NewForwardAuth,
	NewDiscovery,
	NewDescription,
	NewOperations,
	NewRouter,
))

// Routes are the handlers of all resources, and what stands before them.
type Routes struct {
	fx.In // a test fills the fields in by itself

	Config     Config
	Addresses  *httpserver.Addresses
	Middleware *httpserver.Middleware
	Responder  *Responder

	Device        *DeviceFlow
	SSOInitiation *SSOInitiation
	ACS           *ACS
	SSOCompletion *SSOCompletion
	Approval      *Approval
	Account       *Account
	OAuth         *OAuth
	Revocation    *Revocation
	Introspection *Introspection
	ForwardAuth   *ForwardAuth
	Discovery     *Discovery
	Description   *Description
	Operations    *Operations

	Pages   Pages
	Observe Observe
}
