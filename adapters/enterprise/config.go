package enterprise

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/devicegate/devicegate/domain/secret"
)

// DefaultTimeout bounds a call to the inner API, unless configured.
const DefaultTimeout = 10 * time.Second

// Config says where the inner API is and what is shared with it.
type Config struct {
	URL          *url.URL      // of the inner API
	Secret       secret.Text   // sent with every call to it
	PublicURL    *url.URL      // of this API, with its path prefix if any
	SigningKey   []byte        // signs envelopes, verifies assertions
	PreviousKeys [][]byte      // still verify assertions
	Timeout      time.Duration // of a call; 0: DefaultTimeout
	LicenseGrace time.Duration // 0: DefaultLicenseGrace

	Transport http.RoundTripper // of calls; nil: http.DefaultTransport
}

// check lists everything that is wrong. An empty key is refused because HMAC
// works with it, and everyone knows it.
func (c Config) check() error {
	var errs []error
	if c.URL == nil || !isWeb(c.URL) {
		errs = append(errs, errors.New("enterprise: the inner API's URL is not an absolute http(s) URL"))
	}
	if c.PublicURL == nil || !isWeb(c.PublicURL) {
		errs = append(errs, errors.New("enterprise: the public URL is not an absolute http(s) URL"))
	}
	if c.Secret.IsZero() {
		errs = append(errs, errors.New("enterprise: there is no secret for the inner API"))
	}
	if c.LicenseGrace < 0 {
		errs = append(errs, errors.New("enterprise: the grace time of the licence is negative"))
	}
	for _, key := range append([][]byte{c.SigningKey}, c.PreviousKeys...) {
		if len(key) == 0 {
			errs = append(errs, errors.New("enterprise: a signing key is empty"))
		}
	}
	return errors.Join(errs...)
}

func isWeb(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.Opaque == ""
}
