package adminapi

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

// Caller is the administrator of a request, as audit events name it.
type Caller struct {
	Actor  audit.Actor
	Origin request.Origin
}

// endpoint serves one request of an administrator. It writes its answer or
// returns an error, never both, and words no refusal itself.
type endpoint func(w http.ResponseWriter, r *http.Request, by Caller) error

var (
	errInternal = fault.New(fault.Internal, "server_error",
		"Something went wrong on our side. The log has the reason under the request id.")
	errNoCredential = fault.New(fault.Unauthenticated, "unauthorized",
		"This address needs an administrator's token. Send it in the Authorization header, as Bearer.")
	errOff = fault.New(fault.NotFound, "not_found",
		"The administrators' API is off. Make a token with: devicegate admin new-token NAME, and put its line into ADMIN_TOKENS.")
)

// Responder makes handlers of endpoints. Here, and nowhere else in this package,
// a request is authenticated, and an error becomes an answer and a line in the
// log.
type Responder struct {
	log         *slog.Logger
	client      *httpserver.ClientAddress
	credentials administrator.Credentials
	limiter     ports.Limiter
}

// NewResponder makes the responder.
func NewResponder(log *slog.Logger, client *httpserver.ClientAddress, credentials administrator.Credentials, limiter ports.Limiter) *Responder {
	return &Responder{log, client, credentials, limiter}
}

// json serves an endpoint whose answers are JSON. Parameters of the URL other than
// those named are refused.
func (s *Responder) json(serve endpoint, parameters ...string) http.HandlerFunc {
	return s.handler(func(w http.ResponseWriter, r *http.Request, by Caller) error {
		if err := checkQuery(r, parameters...); err != nil {
			return err
		}
		return serve(w, r, by)
	})
}

func (s *Responder) handler(serve endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var by Caller
		err := httpserver.Recover(func(w http.ResponseWriter, r *http.Request) (err error) {
			if by, err = s.authenticate(w, r); err != nil {
				return err
			}
			return serve(w, r, by)
		}, w, r)
		f := s.logged(r, by, err)
		if f == nil {
			return
		}
		if err := httpserver.WriteError(w, r, f); err != nil {
			s.log.DebugContext(r.Context(), "answer not delivered", "error", err, "request_id", httpserver.RequestID(r.Context()))
		}
	}
}

// authenticate returns the caller. It counts requests by administrator, and
// those without a valid token by address.
func (s *Responder) authenticate(w http.ResponseWriter, r *http.Request) (Caller, error) {
	if s.credentials.IsZero() {
		return Caller{}, errOff
	}
	origin := s.client.Origin(r)
	name, err := s.administrator(r)
	limit, key := quota.AdminRequests, name.String()
	if err != nil {
		limit, key = quota.AdminRefusals, quota.ByAddress(origin.IP)
	}
	if allowance, failed := s.limiter.Take(r.Context(), limit, key); failed == nil { // else it cannot count, and the request goes on
		httpserver.SetRateLimit(w.Header(), allowance)
		if err := allowance.Check(); err != nil {
			return Caller{}, err
		}
	}
	return Caller{audit.AdminOf(name.String()), origin}, err
}

// administrator reads the token (RFC 6750 §2.1). One in a query or a body is
// none: it would end up in logs and histories.
func (s *Responder) administrator(r *http.Request) (administrator.Name, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 || len(headers) == 1 && strings.TrimSpace(headers[0]) == "" {
		return administrator.Name{}, errNoCredential
	}
	words := strings.Fields(headers[0])
	if len(headers) == 1 && !strings.EqualFold(words[0], "Bearer") { // of another scheme, so none for us
		return administrator.Name{}, errNoCredential
	}
	if len(headers) != 1 || len(words) != 2 || !strings.EqualFold(words[0], "Bearer") {
		return administrator.Name{}, administrator.ErrToken
	}
	return s.credentials.Authenticate(secret.New("administrator's token", words[1]))
}

// logged logs a request and returns what of its error is shown; nil: there is
// none.
func (s *Responder) logged(r *http.Request, by Caller, err error) *fault.Error {
	attrs := []slog.Attr{
		slog.String("request_id", httpserver.RequestID(r.Context())),
		slog.String("route", r.Method+" "+chi.RouteContext(r.Context()).RoutePattern()),
		slog.String("administrator", by.Actor.Name),
	}
	if err == nil {
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "administrator's request", attrs...)
		return nil
	}
	f, expected := fault.Of(err)
	if !expected {
		f = errInternal
	}
	level, message := slog.LevelInfo, "administrator's request refused"
	switch {
	case !expected || f.Kind >= fault.Upstream:
		level, message = slog.LevelError, "administrator's request failed"
	case f.Kind == fault.Unauthenticated:
		level = slog.LevelWarn
	}
	s.log.LogAttrs(r.Context(), level, message, append(attrs, slog.String("code", f.Code), slog.String("error", err.Error()))...)
	return f
}

// answer writes body as JSON.
func answer(w http.ResponseWriter, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(append(text, '\n'))
	return err
}

// jsonTime is a time as the API writes it, and empty for the zero time.
func jsonTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05.000000+00:00")
}
