package httpserver

import "net/http"

// The values are made once; a handler that needs another one replaces the whole
// value.
var (
	denyFraming   = []string{"DENY"}
	jsonPolicy    = []string{"default-src 'none'; frame-ancestors 'none'"}
	noSniff       = []string{"nosniff"}
	sameOrigin    = []string{"same-origin"}
	noStore       = []string{"no-store"}
	strictHTTPS   = []string{"max-age=31536000"}
	noPermissions = []string{"camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=()"}
)

// SecurityHeaders are the headers that keep other sites out.
type SecurityHeaders struct{ secure, hsts bool }

// NewSecurityHeaders decides which headers fit the way browsers reach us.
func NewSecurityHeaders(cfg Config) SecurityHeaders {
	return SecurityHeaders{secure: cfg.secure(), hsts: cfg.secure() && cfg.HSTS}
}

// Set sets what every response carries, JSON or page. Referrer-Policy is
// same-origin so that a form's own Origin arrives.
func (s SecurityHeaders) Set(head http.Header) {
	head["X-Frame-Options"] = denyFraming
	head["Content-Security-Policy"] = jsonPolicy
	head["X-Content-Type-Options"] = noSniff
	head["Referrer-Policy"] = sameOrigin
	head["Cache-Control"] = noStore
	if s.hsts {
		head["Strict-Transport-Security"] = strictHTTPS
	}
}

// SetPage sets what every page carries besides, with its content policy.
// Browsers complain about Cross-Origin-Opener-Policy without https.
func (s SecurityHeaders) SetPage(head http.Header, policy string) {
	head["Permissions-Policy"] = noPermissions
	head.Set("Content-Security-Policy", policy)
	if s.secure {
		head["Cross-Origin-Opener-Policy"] = sameOrigin
	}
}
