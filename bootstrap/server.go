package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/httpapi"
)

// Bounds against clients that send or read slowly. The idle time is longer than
// that of usual clients and proxies: whoever closes last loses a request.
const (
	headerTime = 10 * time.Second
	readTime   = 30 * time.Second
	writeTime  = 60 * time.Second
	idleTime   = 120 * time.Second
	headerMax  = 64 << 10
)

func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, ReadTimeout: readTime,
		WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: headerMax,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// serveHTTP listens before the start counts as done, so that a port that is
// taken stops it, and lets what is in flight finish at the end.
func serveHTTP(lc fx.Lifecycle, stop fx.Shutdowner, c Config, h *httpapi.Operations, handler http.Handler, log *slog.Logger) {
	server := newServer(handler, log)
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error { return listen(ctx, server, c.ListenAddr, stop, log) },
		OnStop: func(ctx context.Context) error {
			h.Drain()
			select {
			case <-time.After(c.ShutdownDelay):
			case <-ctx.Done():
			}
			return server.Shutdown(ctx)
		},
	})
}

func serveOperations(lc fx.Lifecycle, stop fx.Shutdowner, c Config, m *metrics, log *slog.Logger) {
	if c.OpsAddr == "" {
		return
	}
	server := newServer(m.handler(), log)
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error { return listen(ctx, server, c.OpsAddr, stop, log) },
		OnStop:  server.Shutdown,
	})
}

func listen(ctx context.Context, server *http.Server, addr string, stop fx.Shutdowner, log *slog.Logger) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	log.InfoContext(ctx, "listening", "address", l.Addr().String())
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("server ended", "address", addr, "error", err)
			_ = stop.Shutdown(fx.ExitCode(1))
		}
	}()
	return nil
}
