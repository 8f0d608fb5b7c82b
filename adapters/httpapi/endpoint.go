package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/ports"
)

// endpoint serves one request. It writes its answer or returns an error, never
// both, and words no refusal itself.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// errorWriter words a refusal, as the clients of one route expect it.
type errorWriter func(w http.ResponseWriter, r *http.Request, f *fault.Error) error

// errInternal is all that is shown of a defect.
var errInternal = fault.New(fault.Internal, "server_error",
	"Something went wrong on our side. Try again; if it stays, give your administrator the request id.")

// Responder makes handlers of endpoints. Here, and nowhere else, an error
// becomes an answer and a line in the log.
type Responder struct {
	log       *slog.Logger
	addresses *httpserver.Addresses
}

// NewResponder makes the responder.
func NewResponder(log *slog.Logger, addresses *httpserver.Addresses) *Responder {
	return &Responder{log, addresses}
}

// json serves an endpoint whose refusals are worded by [writeError].
func (s *Responder) json(serve endpoint) http.HandlerFunc { return s.handler(writeError, serve) }

func (s *Responder) handler(write errorWriter, serve endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := httpserver.Recover(serve, w, r)
		if err == nil {
			return
		}
		if err := write(w, r, s.refusal(r, err)); err != nil {
			s.log.DebugContext(r.Context(), "answer not delivered", "error", err, "request_id", httpserver.RequestID(r.Context()))
		}
	}
}

// refusal logs an error and returns what of it is shown.
func (s *Responder) refusal(r *http.Request, err error) *fault.Error {
	f, expected := fault.Of(err)
	if !expected {
		f = errInternal
	}
	level, message := slog.LevelInfo, "request refused"
	if !expected || f.Kind >= fault.Upstream {
		level, message = slog.LevelError, "request failed"
	}
	if f == errDraining {
		level, message = slog.LevelInfo, "request refused"
	}
	if f == device.ErrAuthorizationPending || f == device.ErrSlowDown {
		level = slog.LevelDebug // each waiting device, every few seconds
	}
	if s.log.Enabled(r.Context(), level) {
		s.log.LogAttrs(r.Context(), level, message, errorAttrs(r, f, err)...)
	}
	return f
}

func errorAttrs(r *http.Request, f *fault.Error, err error) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("request_id", httpserver.RequestID(r.Context())),
		slog.String("route", routePattern(r)),
		slog.String("code", f.Code),
	}
	var signIn *application.SignInError
	if errors.As(err, &signIn) {
		key := "connection"
		if signIn.Unverified {
			key = "unverified_connection"
		}
		attrs = append(attrs, slog.String(key, signIn.Connection))
	}
	var why *approval.Refusal
	if errors.As(err, &why) {
		return append(attrs, slog.String("reason", why.Reason), slog.String("detail", why.Detail()))
	}
	if f.PageCode() != f.Code {
		attrs = append(attrs, slog.String("reason", f.PageCode()))
	}
	return append(attrs, slog.String("error", err.Error()))
}

func routePattern(r *http.Request) string {
	if rc := chi.RouteContext(r.Context()); rc != nil {
		return r.Method + " " + rc.RoutePattern()
	}
	return r.Method
}

// requireEdition hides a sign-in route unless the edition has it; it comes
// before everything that counts or parses.
func requireEdition(edition ports.Edition, serve endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := edition.SSO(r.Context()); err != nil {
			return fmt.Errorf("%w: %w", fault.ErrNotFound, err)
		}
		return serve(w, r)
	}
}

var jsonType = []string{"application/json"}

// answer writes body as JSON.
func answer(w http.ResponseWriter, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return answerEncoded(w, status, append(text, '\n'))
}

// answerEncoded writes an answer that is JSON already.
func answerEncoded(w http.ResponseWriter, status int, text []byte) error {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_, err := w.Write(text)
	return err
}
