package httpserver

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/domain/uid"
)

// Middleware prepares each request, before it comes to a router: it gives the
// request an id, the response its security headers, and the handlers a context
// that outlives the client's half of the connection.
type Middleware struct {
	client  *ClientAddress
	headers SecurityHeaders
}

// NewMiddleware makes the middleware.
func NewMiddleware(client *ClientAddress, headers SecurityHeaders) *Middleware {
	return &Middleware{client, headers}
}

var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// Wrap prepares the requests that next serves. A request that has been prepared
// goes through as it is.
func (m *Middleware) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if RequestID(r.Context()) != "" {
			next.ServeHTTP(w, r)
			return
		}
		ctx := &requestContext{values: r.Context(), id: [1]string{m.requestID(r)}}
		head := w.Header()
		head["X-Request-Id"] = ctx.id[:]
		m.headers.Set(head)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// requestID keeps the id that a trusted proxy gives, so that its log and ours
// can be joined. No other sender chooses what stands in our log.
func (m *Middleware) requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if id != "" && requestIDForm.MatchString(id) && m.client.trusts(peer(r)) {
		return id
	}
	return uid.New(time.Now()).String()
}

// requestContext carries a request's id. It has the values of the connection's
// context but not its end: net/http cancels that as soon as the client closes
// its sending half, and such a client still reads the response (RFC 9293 §3.6).
// Each port bounds its own waits.
//
// It also holds what chi keeps of the route: chi would copy the request once more
// to put that into a context of its own.
type requestContext struct {
	values context.Context
	id     [1]string // also the value of the header
	route  chi.Context
}

type requestContextKey struct{}

func (c *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *requestContext) Done() <-chan struct{}       { return nil }
func (c *requestContext) Err() error                  { return nil }

func (c *requestContext) Value(key any) any {
	switch key {
	case requestContextKey{}:
		return c
	case chi.RouteCtxKey:
		return &c.route
	}
	return c.values.Value(key)
}

// RequestID is the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string {
	if c, ok := ctx.Value(requestContextKey{}).(*requestContext); ok {
		return c.id[0]
	}
	return ""
}
