package webui

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

// withHeaders adds what only pages need to what every response carries, and
// turns a panic into the error page.
func (p *base) withHeaders(next http.Handler) http.Handler {
	serve := func(w http.ResponseWriter, r *http.Request) error {
		next.ServeHTTP(w, r)
		return nil
	}
	return p.deps.Middleware.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.deps.Headers.SetPage(w.Header(), contentPolicy(""))
		r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
		if err := httpserver.Recover(serve, w, r); err != nil {
			p.fail(w, r, pageState{}, err, noAllowance)
		}
	}))
}

const bodyMax = 64 << 10

// contentPolicy allows what carries the nonce, pictures of our own and forms to
// ourselves.
func contentPolicy(nonce string) string {
	return policyWithoutFormAction(nonce) + "; form-action 'self'"
}

// policyWithoutFormAction is for the page whose form goes to the identity
// provider: Chromium applies form-action to the redirects that follow, too.
func policyWithoutFormAction(nonce string) string {
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
