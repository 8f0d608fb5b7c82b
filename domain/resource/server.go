// Package resource names the resource servers (RFC 6749 §1.1): the APIs that ask
// whether a token is valid, each with credentials of its own.
package resource

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/secret"
)

// ErrCredentials refuses a resource server that is not known here or shows
// another secret (RFC 7662 §2.3).
var ErrCredentials = fault.New(fault.Unauthenticated, "invalid_client",
	"These are not the credentials of a resource server. Ask your administrator for an entry of INTROSPECTION_CLIENTS.")

// ErrEntry says that a text cannot name a resource server.
var ErrEntry = fault.New(fault.Invalid, "invalid_resource_server",
	"A resource server is written as id:secret; neither part is empty, and the id has at most 64 characters.")

// Server is a resource server as it is configured.
type Server struct {
	ID     string
	secret secret.Digest
}

const idMax = 64

// ParseServer reads id:secret. The secret may contain colons. It returns
// [ErrEntry].
func ParseServer(text string) (Server, error) {
	id, key, found := strings.Cut(text, ":")
	if !found || id == "" || key == "" || len(id) > idMax {
		return Server{}, ErrEntry
	}
	return Server{id, secret.New("resource server secret", key).Digest()}, nil
}

// Servers are the resource servers known here.
type Servers struct{ known []Server }

// NewServers knows the given ones. Several may have one id, while a secret is
// being replaced.
func NewServers(known ...Server) Servers { return Servers{known} }

// IsZero reports whether no resource server is known.
func (s Servers) IsZero() bool { return len(s.known) == 0 }

// Credentials are what a resource server shows.
type Credentials struct {
	ID     string
	Secret secret.Text
}

// Authenticate returns the server whose credentials are among those offered, or
// [ErrCredentials]. It compares each offer with every server by digests in
// constant time, so that the time tells nothing about ids and secrets.
func (s Servers) Authenticate(offered ...Credentials) (Server, error) {
	match := -1
	for _, o := range offered {
		id, key := sha256.Sum256([]byte(o.ID)), o.Secret.Digest()
		for i, k := range s.known {
			known := sha256.Sum256([]byte(k.ID))
			same := subtle.ConstantTimeCompare(id[:], known[:]) & subtle.ConstantTimeCompare(key[:], k.secret[:])
			match = subtle.ConstantTimeSelect(same, i, match)
		}
	}
	if match < 0 {
		return Server{}, ErrCredentials
	}
	return s.known[match], nil
}
