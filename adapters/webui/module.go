package webui

import (
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/ports"
)

// Module provides the [Pages] from a [Config].
var Module = fx.Module("webui", fx.Provide(New))

// Deps are the use cases behind the pages, and what they stand on.
type Deps struct {
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

	LookUp        *application.LookUpDevice
	Describe      *application.DescribeApproval
	Recall        *application.RecallDevices
	Approve       *application.ApproveExternal
	Deny          *application.DenyExternal
	Undo          *application.UndoApproval
	Decision      *application.DescribeDecision
	SignIn        *application.DescribeSignIn
	EnterCode     *application.EnterCode
	AccountSignIn *application.StartAccountSignIn
	Sessions      *application.ListSessions
	EndSessions   *application.EndSessions
	Leave         *application.LeaveBrowser
}
