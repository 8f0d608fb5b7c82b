package httpserver

import (
	"fmt"
	"net/http"

	"github.com/devicegate/devicegate/domain/fault"
)

// ErrCrossOrigin refuses a request that a page of another site sent.
var ErrCrossOrigin = fault.New(fault.Forbidden, "forbidden",
	"This request comes from another site. Open the page again and decide there.")

// CrossOrigin protects the routes that read cookies and change something: the
// JSON routes by which a person decides, and the forms of our pages. The ACS is
// not among them, because the identity provider's page posts to it; nor are the
// routes that read a bearer token or no credential at all.
//
// It is [http.CrossOriginProtection] with PUBLIC_URL's and WEB_URL's origins
// trusted, and one difference: without Sec-Fetch-Site, the Origin header has to
// be one of these two. The standard library compares it with Host as well, and
// Host decides nothing here.
type CrossOrigin struct {
	protection *http.CrossOriginProtection
	addresses  *Addresses
}

// NewCrossOrigin makes the protection.
func NewCrossOrigin(a *Addresses) (*CrossOrigin, error) {
	c := &CrossOrigin{http.NewCrossOriginProtection(), a}
	for _, trusted := range []string{a.publicOrigin, a.webOrigin} {
		if err := c.protection.AddTrustedOrigin(trusted); err != nil {
			return nil, fmt.Errorf("trust our own origins: %w", err)
		}
	}
	return c, nil
}

// Check returns [ErrCrossOrigin] if a page of another site sent the request.
// A client that is no browser sends neither header and passes.
func (c *CrossOrigin) Check(r *http.Request) error {
	if r.Header.Get("Sec-Fetch-Site") == "" {
		for _, origin := range r.Header.Values("Origin") {
			if !c.addresses.isOwnOrigin(origin) {
				return ErrCrossOrigin
			}
		}
	}
	if c.protection.Check(r) != nil {
		return ErrCrossOrigin
	}
	return nil
}
