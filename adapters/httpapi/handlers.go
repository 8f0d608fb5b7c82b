package httpapi

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/ports"
)

// Config is what the routes need to know from the operator.
type Config struct {
	LegacyRoutes       bool
	LegacyDeprecatedAt time.Time
	LegacySunset       time.Time // zero: none set
	AllowOrigins       []string  // CORS, without credentials
	CompatVersion      string    // of the reference's API, for its clients
}

// Metadata yields our SAML SP metadata, for one connection or ("") for any.
type Metadata func(connection string) ([]byte, error)

// PostPage shows the page from which a form goes to an identity provider that
// takes no redirect.
type PostPage func(w http.ResponseWriter, r *http.Request, to ports.Redirect)

// Deps are the use cases behind the routes, and what they stand on.
type Deps struct {
	fx.In

	Config      Config
	Addresses   *httpserver.Addresses
	Cookies     *httpserver.Cookies
	Client      *httpserver.ClientAddress
	CrossOrigin *httpserver.CrossOrigin
	Middleware  *httpserver.Middleware
	Headers     httpserver.SecurityHeaders
	Edition     ports.Edition
	Store       ports.Store
	Connections connection.Directory
	Clients     device.Clients
	Now         ports.Clock
	Log         *slog.Logger
	Metadata    Metadata
	PostPage    PostPage

	Start         *application.StartDevice
	Poll          *application.PollDevice
	Withdraw      *application.RevokeUndelivered
	LookUp        *application.LookUpDevice
	Initiate      *application.InitiateSSO
	Accept        *application.AcceptResponse
	Complete      *application.CompleteSSO
	Describe      *application.DescribeApproval
	Approve       *application.ApproveExternal
	Deny          *application.DenyExternal
	Verify        *application.VerifyToken
	ListSessions  *application.ListSessions
	RevokeSession *application.RevokeSession
}

// Handlers are the endpoints of all mounts.
type Handlers struct {
	deps     Deps
	draining atomic.Bool
}

// New makes the endpoints.
func New(d Deps) *Handlers { return &Handlers{deps: d} }

// Drain makes /readyz say no, so that load balancers send nothing new while
// what is in flight finishes.
func (h *Handlers) Drain() { h.draining.Store(true) }
