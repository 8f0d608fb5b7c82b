package webui

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"runtime/debug"

	"github.com/devicegate/devicegate/adapters/edge"
)

// guarded gives every answer the headers that keep other sites out, a request
// that nobody has named a name, and a panic a page.
func (p *Pages) guarded(next http.Handler) http.Handler {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // so that a form's own Origin arrives
		if p.secure() {                         // elsewhere browsers complain about it
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
		}
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=()")
		h.Set("Content-Security-Policy", policy(""))
		h.Set("Cache-Control", "no-store")
		defer func() {
			if cause := recover(); cause != nil && cause != http.ErrAbortHandler {
				p.deps.Log.ErrorContext(r.Context(), "page panicked", "request_id", edge.RequestID(r.Context()), "error", cause, "stack", string(debug.Stack()))
				p.outage(w, r, http.StatusInternalServerError, "server_error")
			} else if cause != nil {
				panic(cause)
			}
		}()
		r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
		next.ServeHTTP(w, r)
	})
	named := p.deps.Edge.WithRequestID(inner)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if edge.RequestID(r.Context()) == "" {
			named.ServeHTTP(w, r)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

const bodyMax = 64 << 10

// policy allows what carries the nonce, pictures of our own and forms to
// ourselves.
func policy(nonce string) string { return leavingPolicy(nonce) + "; form-action 'self'" }

// leavingPolicy is for the page whose form does go to the identity provider.
func leavingPolicy(nonce string) string {
	const base = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	if nonce == "" {
		return base
	}
	return base + "; img-src 'self'; style-src 'nonce-" + nonce + "'; script-src 'nonce-" + nonce + "'"
}

func newNonce() string {
	b := make([]byte, 18)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
