package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
)

// endpoint serves one request. It writes its answer or returns an error, never
// both, and words no failure itself.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// dialect is how one route words a failure.
type dialect func(w http.ResponseWriter, r *http.Request, f *fault.Error) error

// errInternal is all that anybody outside learns about a defect.
var errInternal = fault.New(fault.Internal, "server_error",
	"Something went wrong on our side. Try again; if it stays, give your administrator the request id.")

// in makes handlers of endpoints that speak a dialect. Here, and nowhere else,
// an error becomes an answer and a line in the log.
func (h *Handlers) in(say dialect) func(endpoint) http.HandlerFunc {
	return func(serve endpoint) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			err := httpserver.Recover(serve, w, r)
			if err == nil {
				return
			}
			f, expected := fault.Of(err)
			if !expected {
				f = errInternal
			}
			h.report(r, f, err, expected)
			if err := say(w, r, f); err != nil {
				h.deps.Log.DebugContext(r.Context(), "answer not delivered", "error", err, "request_id", httpserver.RequestID(r.Context()))
			}
		}
	}
}

func (h *Handlers) report(r *http.Request, f *fault.Error, err error, expected bool) {
	level, message := slog.LevelInfo, "request refused"
	if !expected || f.Kind >= fault.Upstream {
		level, message = slog.LevelError, "request failed"
	}
	if errors.Is(f, device.ErrAuthorizationPending) || errors.Is(f, device.ErrSlowDown) {
		level = slog.LevelDebug // each waiting device, every few seconds
	}
	attrs := []slog.Attr{
		slog.String("request_id", httpserver.RequestID(r.Context())),
		slog.String("route", routePattern(r)),
		slog.String("code", f.Code),
	}
	var why *approval.Refusal
	if errors.As(err, &why) {
		attrs = append(attrs, slog.String("reason", why.Reason), slog.String("detail", why.Detail()))
	} else {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	h.deps.Log.LogAttrs(r.Context(), level, message, attrs...)
}

func routePattern(r *http.Request) string {
	if rc := chi.RouteContext(r.Context()); rc != nil {
		return r.Method + " " + rc.RoutePattern()
	}
	return r.Method
}

// answer writes body as JSON that no cache keeps.
func answer(w http.ResponseWriter, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err = w.Write(append(text, '\n'))
	return err
}
