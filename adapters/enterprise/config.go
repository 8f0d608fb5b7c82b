package enterprise

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/setting"
)

// defaultTimeout bounds a call to the inner API, unless configured.
const defaultTimeout = 10 * time.Second

// Config says where the inner API is and what is shared with it.
type Config struct {
	URL          *url.URL      // of the inner API
	Secret       secret.Text   // sent with every call to it
	PublicURL    *url.URL      // of this API, with its path prefix if any
	SigningKey   []byte        // signs envelopes, verifies assertions
	PreviousKeys [][]byte      // still verify assertions
	Timeout      time.Duration // of a call; 0: ten seconds
	LicenseGrace time.Duration // 0: a day

	Transport http.RoundTripper // of calls; nil: http.DefaultTransport
	Tracer    *tracing.Tracer   // nil: no spans
}

// Check lists everything that is wrong; each [setting.Problem] names a field. An
// empty key is refused, because HMAC would work with it.
func (c Config) Check() error {
	var errs []error
	wrong := func(field, reason string) { errs = append(errs, setting.Wrong(field, "%s", reason)) }
	if c.URL == nil || !isWeb(c.URL) {
		wrong("URL", "is not an absolute http(s) URL of the inner API")
	}
	if c.PublicURL == nil || !isWeb(c.PublicURL) {
		wrong("PublicURL", "is not an absolute http(s) URL")
	}
	if c.Secret.IsZero() {
		wrong("Secret", "is required to call the inner API")
	}
	if c.LicenseGrace < 0 {
		wrong("LicenseGrace", "is negative")
	}
	for _, key := range append([][]byte{c.SigningKey}, c.PreviousKeys...) {
		if len(key) == 0 {
			wrong("SigningKey", "is empty")
		}
	}
	return errors.Join(errs...)
}

func isWeb(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.Opaque == ""
}
