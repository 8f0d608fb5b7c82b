package bootstrap

import (
	"context"
	"log/slog"
	"net/http"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/httpapi"
)

// Server is the running service, as the process that runs it sees it.
type Server struct {
	api    *httpapi.Operations
	http   *httpServer
	files  []reloader
	failed failure
	log    *slog.Logger
}

// reloader serves what files hold, and can be told to read them again.
type reloader interface{ Reload(context.Context) }

func newServer(api *httpapi.Operations, handler http.Handler, shared sharedState, connections *files.Connections, keys *files.Keys, clients *files.Clients, policy *files.Policy, ops *files.Certificate, failed failure, log *slog.Logger) *Server {
	if shared != nil {
		api.ReportAlso("redis", func() string {
			state, _ := shared()
			return string(state)
		})
	}
	var read []reloader
	if connections != nil {
		read = append(read, connections)
	}
	if keys != nil {
		read = append(read, keys)
	}
	if clients != nil {
		read = append(read, clients)
	}
	if policy != nil {
		read = append(read, policy)
	}
	if ops != nil {
		read = append(read, ops)
	}
	return &Server{api, newHTTPServer(handler, log), read, failed, log}
}

// failure holds an element when a listener has ended by itself.
type failure chan struct{}

func newFailure() failure { return make(failure, 1) }

func (f failure) report() {
	select {
	case f <- struct{}{}:
	default: // one is enough
	}
}

// Failed receives if a listener ends by itself; the process should end then.
func (s *Server) Failed() <-chan struct{} { return s.failed }

// Drain makes /readyz say no, and each answer end its connection, so that load
// balancers and clients go elsewhere. Everything that still comes is answered.
func (s *Server) Drain() {
	s.api.Drain()
	s.http.drain()
}

// Reload reads again what may have changed on disk.
func (s *Server) Reload(ctx context.Context) {
	s.log.InfoContext(ctx, "reading files again")
	for _, f := range s.files {
		f.Reload(ctx)
	}
}

// serveHTTP listens before the start counts as done, so that a port that is
// taken stops it.
func serveHTTP(lc fx.Lifecycle, c Config, s *Server) {
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error { return s.http.listen(ctx, c.ListenAddr, s.failed.report) },
		OnStop: func(ctx context.Context) error {
			s.Drain()
			return s.http.stop(ctx)
		},
	})
}
