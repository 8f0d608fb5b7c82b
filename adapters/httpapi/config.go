package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/devicegate/devicegate/domain/setting"
	"github.com/devicegate/devicegate/ports"
)

// Config is what the routes need to know from the operator.
type Config struct {
	LegacyRoutes       bool
	LegacyDeprecatedAt time.Time
	LegacySunset       time.Time // zero: none set
	AllowOrigins       []string  // CORS, without credentials
	CompatVersion      string    // of the reference's API, for its clients
}

// Check lists what is wrong; each [setting.Problem] names a field.
func (c Config) Check() error {
	if !c.LegacySunset.IsZero() && c.LegacySunset.Before(c.LegacyDeprecatedAt) {
		return setting.Wrong("LegacySunset", "lies before LEGACY_DEPRECATED_AT (RFC 9745 §4)")
	}
	return nil
}

// Metadata yields our SAML SP metadata, for one connection or ("") for any.
type Metadata func(ctx context.Context, connection string) ([]byte, error)

// Observe wraps every request, to count and time it.
type Observe func(http.Handler) http.Handler

// Pages are what people see instead of JSON.
type Pages struct {
	Handler  http.Handler // serves /device and what lies below it
	NotFound http.Handler // says that there is nothing at an address
	Test     http.Handler // serves what a test link opens
	// Post shows the page from which a form goes to an identity provider that
	// takes no redirect.
	Post func(w http.ResponseWriter, r *http.Request, to ports.Redirect)
}
