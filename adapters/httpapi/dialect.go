package httpapi

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
)

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
	httpserver.SetRetryHeaders(w.Header(), f)
	code := f.Code
	if f.Kind == fault.RateLimited {
		code = "too_many_requests"
	}
	return answer(w, httpserver.Status(f.Kind), errorBody{
		f.Code, f.Message, code, f.Message, httpserver.Status(f.Kind), httpserver.RequestID(r.Context()),
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
	httpserver.SetRetryHeaders(w.Header(), f)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(httpserver.Status(f.Kind))
	return peoplePage.Execute(w, map[string]string{
		"Status": http.StatusText(httpserver.Status(f.Kind)), "Message": f.Message, "Page": h.deps.Addresses.WebPage(nil),
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
	httpserver.SetRetryHeaders(w.Header(), f)
	body := map[string]string{"error": f.Code}
	if !isPollWord(f) {
		body["error_description"] = f.Message
	}
	return answer(w, httpserver.Status(f.Kind), body)
}

func isPollWord(f *fault.Error) bool {
	return f.Code == device.ErrAuthorizationPending.Code || f.Code == device.ErrSlowDown.Code ||
		f.Code == device.ErrAccessDenied.Code || f.Code == device.ErrExpiredToken.Code
}

// oauth is the dialect of the standard mount: plain RFC 6749 §5.2. Who came
// with an Authorization header is told which scheme it should have been.
func oauth(w http.ResponseWriter, r *http.Request, f *fault.Error) error {
	httpserver.SetRetryHeaders(w.Header(), f)
	code, status := f.Code, httpserver.Status(f.Kind)
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
