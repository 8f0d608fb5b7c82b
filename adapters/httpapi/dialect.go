package httpapi

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/devicegate/devicegate/adapters/edge"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
)

// status is the one place where kinds of refusals become HTTP statuses.
func status(k fault.Kind) int {
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
	case fault.Upstream:
		return http.StatusBadGateway
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// retryHeaders say when to come back, and how to sign in.
func retryHeaders(w http.ResponseWriter, f *fault.Error) {
	switch f.Kind {
	case fault.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Bearer realm="api"`)
	case fault.RateLimited, fault.Unavailable:
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", "5")
		}
	}
}

// errorBody serves web pages and OAuth clients (error) and difyctl (code,
// message, status) at once.
type errorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Code        string `json:"code"`
	Message     string `json:"message"`
	Status      int    `json:"status"`
	RequestID   string `json:"request_id"`
}

// dify is the dialect of the canonical and the legacy mount.
func dify(w http.ResponseWriter, r *http.Request, f *fault.Error) error {
	retryHeaders(w, f)
	code := f.Code
	if f.Kind == fault.RateLimited {
		code = "too_many_requests"
	}
	return answer(w, status(f.Kind), errorBody{
		f.Code, f.Message, code, f.Message, status(f.Kind), edge.RequestID(r.Context()),
	})
}

// peoplePage is for those whose request cannot end on the page, because its
// status has to stay: the address is not there, or no longer.
var peoplePage = template.Must(template.New("people").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Status}}</title>
<h1>{{.Status}}</h1><p>{{.Message}}</p><p><a href="{{.Page}}">Connect a device</a></p></html>
`))

// people is dify, but a browser that opens the address gets something to read.
func (h *Handlers) people(w http.ResponseWriter, r *http.Request, f *fault.Error) error {
	if !wantsPage(r) {
		return dify(w, r, f)
	}
	retryHeaders(w, f)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status(f.Kind))
	return peoplePage.Execute(w, map[string]string{
		"Status": http.StatusText(status(f.Kind)), "Message": f.Message, "Page": h.deps.Edge.Page(nil),
	})
}

// difyToken is the dialect of the canonical token endpoint. difyctl reads
// error whatever the status, and takes every word but RFC 8628's four as fatal;
// those come alone. A defect of ours is worded like an outage, because clients
// go on after one.
func difyToken(w http.ResponseWriter, _ *http.Request, f *fault.Error) error {
	if f.Kind == fault.Internal {
		f = fault.ErrUnavailable
	}
	retryHeaders(w, f)
	body := map[string]string{"error": f.Code}
	if !isPollWord(f) {
		body["error_description"] = f.Message
	}
	return answer(w, status(f.Kind), body)
}

func isPollWord(f *fault.Error) bool {
	return f.Code == device.ErrAuthorizationPending.Code || f.Code == device.ErrSlowDown.Code ||
		f.Code == device.ErrAccessDenied.Code || f.Code == device.ErrExpiredToken.Code
}

// oauth is the dialect of the standard mount: plain RFC 6749 §5.2. Who came
// with an Authorization header is told which scheme it should have been.
func oauth(w http.ResponseWriter, r *http.Request, f *fault.Error) error {
	retryHeaders(w, f)
	code, status := f.Code, status(f.Kind)
	switch {
	case errors.Is(f, device.ErrForeignClient):
		code = "invalid_grant"
	case errors.Is(f, device.ErrUnsupportedClient):
		code = "invalid_client"
	}
	if code == "invalid_client" && r.Header.Get("Authorization") != "" {
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Basic realm="api"`)
	}
	return answer(w, status, map[string]string{"error": code, "error_description": f.Message})
}
