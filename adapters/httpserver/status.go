package httpserver

import (
	"net/http"

	"github.com/devicegate/devicegate/domain/fault"
)

// Status is the one place where kinds of refusals become HTTP statuses.
func Status(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case fault.Conflict:
		return http.StatusConflict
	case fault.Gone:
		return http.StatusGone
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unprocessable:
		return http.StatusUnprocessableEntity
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.PreconditionFailed:
		return http.StatusPreconditionFailed
	case fault.Upstream:
		return http.StatusBadGateway
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// SetRetryHeaders says when to come back after a refusal, and how to sign in.
func SetRetryHeaders(head http.Header, f *fault.Error) {
	switch f.Kind {
	case fault.Unauthenticated:
		head.Set("WWW-Authenticate", `Bearer realm="api"`)
	case fault.RateLimited, fault.Unavailable:
		if head.Get("Retry-After") == "" {
			head.Set("Retry-After", "5")
		}
	}
}
