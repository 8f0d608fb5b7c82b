package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/resource"
)

// Discovery serves the authorization server metadata (RFC 8414).
type Discovery struct {
	respond   *Responder
	addresses *httpserver.Addresses
	servers   resource.Servers
}

// NewDiscovery makes the handlers.
func NewDiscovery(respond *Responder, addresses *httpserver.Addresses, servers resource.Servers) *Discovery {
	return &Discovery{respond, addresses, servers}
}

// wellKnown are the addresses of the metadata. Some clients look only where an
// OpenID provider would have its own; what they find there claims no OpenID.
var wellKnown = []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}

// Mount adds the metadata below one of its addresses: the issuer's path, if there
// is one, comes last (RFC 8414 §3.1).
func (d *Discovery) Mount(r chi.Router) {
	getOrHead(r, "/", d.respond.json(d.serverMetadata))
	if prefix := d.addresses.Prefix(); prefix != "" {
		getOrHead(r, prefix, d.respond.json(d.serverMetadata))
	}
}

type serverMetadataBody struct {
	Issuer                      string   `json:"issuer"`
	DeviceAuthorizationEndpoint string   `json:"device_authorization_endpoint"`
	TokenEndpoint               string   `json:"token_endpoint"`
	GrantTypesSupported         []string `json:"grant_types_supported"`
	ResponseTypesSupported      []string `json:"response_types_supported"` // required, though there are none
	TokenEndpointAuthMethods    []string `json:"token_endpoint_auth_methods_supported"`
	RevocationEndpoint          string   `json:"revocation_endpoint"`
	RevocationAuthMethods       []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectionEndpoint       string   `json:"introspection_endpoint,omitempty"`
	IntrospectionAuthMethods    []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	ScopesSupported             []string `json:"scopes_supported"`
}

// serverMetadata answers the metadata (RFC 8414 §3). Introspection is announced
// only if a resource server is known.
func (d *Discovery) serverMetadata(w http.ResponseWriter, _ *http.Request) error {
	body := serverMetadataBody{
		Issuer:                      d.addresses.Public(""),
		DeviceAuthorizationEndpoint: d.addresses.Public("/oauth2/device_authorization"),
		TokenEndpoint:               d.addresses.Public("/oauth2/token"),
		GrantTypesSupported:         []string{deviceGrant},
		ResponseTypesSupported:      []string{},
		TokenEndpointAuthMethods:    []string{"none"},
		RevocationEndpoint:          d.addresses.Public("/oauth2/revoke"),
		RevocationAuthMethods:       []string{"none"},
		ScopesSupported:             []string{"apps:run", "apps:read:permitted-external"},
	}
	if !d.servers.IsZero() {
		body.IntrospectionEndpoint = d.addresses.Public("/oauth2/introspect")
		body.IntrospectionAuthMethods = []string{"client_secret_basic", "client_secret_post"}
	}
	return answer(w, http.StatusOK, body)
}
