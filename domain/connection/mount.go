package connection

// Mount is a set of routes under which the sign-in endpoints are served.
type Mount string

// The mounts. Legacy is an alias that shrinks and never grows.
const (
	Canonical Mount = "canonical"
	Legacy    Mount = "legacy"
)

// Known reports whether m is one of the mounts.
func (m Mount) Known() bool { return m == Canonical || m == Legacy }

// Prefix is the path that all routes of the mount begin with.
func (m Mount) Prefix() string {
	if m == Legacy {
		return "/v1"
	}
	return "/openapi/v1"
}

// CompletePath is the path below [Mount.Prefix] of sso-complete, which is the
// mount's AssertionConsumerService. The legacy one has no /oauth/.
func (m Mount) CompletePath() string {
	if m == Legacy {
		return "/device/sso-complete"
	}
	return "/oauth/device/sso-complete"
}

// ACSPath is the whole path of the mount's AssertionConsumerService, below the
// public URL.
func (m Mount) ACSPath() string { return m.Prefix() + m.CompletePath() }
