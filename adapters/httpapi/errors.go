package httpapi

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/policy"
)

// writeError words refusals on the canonical and the legacy mount.
var writeError errorWriter = httpserver.WriteError

// errorPage is shown where the status has to stay, so that the browser cannot be
// sent to the page: the address is not there, or no longer.
var errorPage = template.Must(template.New("error").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Status}}</title>
<h1>{{.Status}}</h1><p>{{.Message}}</p><p><a href="{{.Page}}">Connect a device</a></p></html>
`))

// htmlOrJSON serves an endpoint whose refusals are worded by [writeError], but
// are a page for a browser that navigates.
func (s *Responder) htmlOrJSON(serve endpoint) http.HandlerFunc {
	return s.handler(func(w http.ResponseWriter, r *http.Request, f *fault.Error) error {
		if !wantsPage(r) {
			return writeError(w, r, f)
		}
		httpserver.SetRetryHeaders(w.Header(), f)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		status := httpserver.Status(f.Kind)
		w.WriteHeader(status)
		return errorPage.Execute(w, map[string]string{
			"Status": http.StatusText(status), "Message": f.Message, "Page": s.addresses.WebPage(nil),
		})
	}, serve)
}

// wantsPage reports whether a browser navigates.
func wantsPage(r *http.Request) bool {
	for _, accept := range r.Header["Accept"] {
		if strings.Contains(accept, "text/html") {
			return true
		}
	}
	return false
}

// toPage sends the browser to the page, which says what went wrong and, if the
// user code is known, offers to begin again for it. 303 keeps the browser from
// repeating a POST there.
func (s *Responder) toPage(w http.ResponseWriter, r *http.Request, f *fault.Error, code device.UserCode) {
	q := url.Values{"sso_error": {f.Code}, "ref": {httpserver.RequestID(r.Context())}}
	if !code.IsZero() {
		q.Set("user_code", code.String())
	}
	if f.PageCode() != f.Code {
		q.Set("sso_reason", f.PageCode())
	}
	if wait := w.Header().Get("Retry-After"); wait != "" {
		q.Set("retry_after", wait)
	}
	leadTo(w, r, s.addresses.WebPage(q))
}

// leadTo redirects a browser to a page.
func leadTo(w http.ResponseWriter, r *http.Request, page string) {
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	http.Redirect(w, r, page, status)
}

// pollAnswers are the four words of RFC 8628 §3.5. difyctl reads error whatever
// the status, and takes every other word as fatal, so each comes alone.
var pollAnswers = encodePollAnswers(device.ErrAuthorizationPending, device.ErrSlowDown, device.ErrAccessDenied, device.ErrExpiredToken)

func encodePollAnswers(words ...*fault.Error) map[string][]byte {
	all := make(map[string][]byte, len(words))
	for _, f := range words {
		all[f.Code] = []byte(`{"error":"` + f.Code + "\"}\n")
	}
	return all
}

// writePollError words refusals of the canonical token endpoint. A defect is
// worded like an outage, because clients go on after one.
func writePollError(w http.ResponseWriter, _ *http.Request, f *fault.Error) error {
	if text, ok := pollAnswers[f.Code]; ok {
		return answerEncoded(w, http.StatusBadRequest, text)
	}
	if f.Kind == fault.Internal {
		f = fault.ErrUnavailable
	}
	httpserver.SetRetryHeaders(w.Header(), f)
	return answer(w, httpserver.Status(f.Kind), oauthErrorBody{f.Code, f.Message})
}

type oauthErrorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// writeOAuthError words refusals on the standard mount: plain RFC 6749 §5.2. A
// client that has to authenticate, or came with an Authorization header, learns
// which scheme is meant.
func writeOAuthError(w http.ResponseWriter, r *http.Request, f *fault.Error) error {
	httpserver.SetRetryHeaders(w.Header(), f)
	code, status := f.Code, httpserver.Status(f.Kind)
	switch {
	case errors.Is(f, device.ErrForeignClient):
		code = "invalid_grant"
	case errors.Is(f, client.ErrUnsupported):
		code = "invalid_client"
	case errors.Is(f, client.ErrSuspended), errors.Is(f, client.ErrNoDeviceGrant): // RFC 6749 §5.2
		code = "unauthorized_client"
	case errors.Is(f, policy.ErrNetworkNotAllowed):
		code, status = "unauthorized_client", http.StatusBadRequest
	}
	if code == "invalid_client" && (status == http.StatusUnauthorized || r.Header.Get("Authorization") != "") {
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Basic realm="api"`)
	}
	return answer(w, status, oauthErrorBody{code, f.Message})
}
