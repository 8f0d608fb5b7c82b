package saml

import (
	"net/http"

	"github.com/devicegate/devicegate/domain/connection"
)

// Network is the transport by which metadata with these settings is fetched.
func Network(s connection.SAMLSettings) http.RoundTripper { return newClient(policy{s}).Transport }

// ReadThrough is a [Reader] with another transport.
func (r *Reader) ReadThrough(t http.RoundTripper) *Reader {
	r.through = t
	return r
}

// FetchTimeout bounds a fetch.
const FetchTimeout = fetchTimeout
