package tracing

import (
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Middleware traces the requests of a chi router, by route pattern. A request of
// a trusted proxy continues the proxy's trace; that of any other sender begins
// one, which is linked to what the sender names: no sender decides what is
// sampled here.
//
// Without tracing it returns next.
func (t *Tracer) Middleware(next http.Handler, trusts func(*http.Request) bool) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := t.Begin
		if trusts(r) {
			begin = t.Continue
		}
		ctx, span := begin(r.Context(), known(r.Method), trace.SpanKindServer, propagation.HeaderCarrier(r.Header))
		defer span.End()
		r = r.WithContext(ctx)
		seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(seen, r)
		describe(span, r, seen)
	})
}

func describe(span Span, r *http.Request, answer middleware.WrapResponseWriter) {
	span.Set("http.request.method", known(r.Method))
	span.Set("devicegate.request_id", answer.Header().Get("X-Request-Id"))
	if route := chi.RouteContext(r.Context()); route != nil {
		span.Name(known(r.Method) + " " + route.RoutePattern())
		span.Set("http.route", route.RoutePattern())
	}
	status := answer.Status()
	if status == 0 { // nothing was written
		status = http.StatusOK
	}
	span.SetInt("http.response.status_code", status)
	if status >= http.StatusInternalServerError {
		span.Fail(strconv.Itoa(status))
	}
}

// known keeps what a client can make up out of names.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "_OTHER"
}
