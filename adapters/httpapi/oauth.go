package httpapi

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/ports"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

var (
	errGrantType    = fault.New(fault.Invalid, "unsupported_grant_type", "Only the device code grant is served here. Send grant_type="+deviceGrant+".")
	errTwoClients   = fault.New(fault.Unauthenticated, "invalid_client", "The client_id in the body and the one in the Authorization header differ. Send one of them.")
	errBasic        = fault.New(fault.Unauthenticated, "invalid_client", "The Authorization header is not properly encoded. Send Basic, and the base64 form of client_id:secret.")
	errTwoHeaders   = fault.InvalidRequest("The Authorization header is given more than once. Send it once.")
	errClientSecret = fault.New(fault.Unauthenticated, "invalid_client", "This is a public client: leave its secret empty.")
)

// OAuth serves the device flow on the standard mount, as any OAuth client expects
// it (RFC 8628).
type OAuth struct {
	respond *Responder
	clients ports.Clients
	device  *DeviceFlow
}

// NewOAuth makes the handlers.
func NewOAuth(respond *Responder, clients ports.Clients, flow *DeviceFlow) *OAuth {
	return &OAuth{respond, clients, flow}
}

// Mount adds the routes of the standard mount.
func (o *OAuth) Mount(r chi.Router) {
	r.Post("/device_authorization", o.respond.handler(writeOAuthError, o.deviceAuthorization))
	r.Post("/token", o.respond.handler(writeOAuthError, o.token))
}

// deviceAuthorization answers POST /oauth2/device_authorization (RFC 8628 §3.1).
func (o *OAuth) deviceAuthorization(w http.ResponseWriter, r *http.Request) error {
	p, clientID, err := clientForm(w, r)
	if err != nil {
		return err
	}
	return o.device.startFor(w, r, p, clientID)
}

// token answers POST /oauth2/token (RFC 8628 §3.4).
func (o *OAuth) token(w http.ResponseWriter, r *http.Request) error {
	p, clientID, err := clientForm(w, r)
	if err != nil {
		return err
	}
	clients, err := o.clients.Clients(r.Context())
	if err != nil {
		return err
	}
	if _, err := clients.Find(clientID); err != nil {
		return err
	}
	grant, err := p.required("grant_type")
	if err != nil {
		return err
	}
	if grant != deviceGrant {
		return errGrantType
	}
	redeemed, err := o.device.redeem(r, p, clientID)
	if err != nil {
		return err
	}
	return o.device.deliver(w, r, redeemed, o.device.standardToken(redeemed))
}

// clientForm reads a form and which client sends it.
func clientForm(w http.ResponseWriter, r *http.Request) (params, string, error) {
	p, err := form(w, r, bodyMax)
	if err != nil {
		return nil, "", err
	}
	clientID, err := publicClient(p, r)
	if err == nil && clientID == "" {
		err = fault.InvalidRequest("client_id is required.")
	}
	return p, clientID, err
}

// publicClient returns the client_id of a public client, or "" if there is none:
// in the body or by Basic with an empty secret, form-encoded (RFC 6749 §2.3.1,
// §3.2.1).
func publicClient(p params, r *http.Request) (string, error) {
	inBody, err := p.text("client_id")
	if err != nil {
		return "", err
	}
	basic, secret, given, err := basicAuth(r)
	if err != nil {
		return "", err
	}
	if basic, err = url.QueryUnescape(basic); err != nil {
		return "", errBasic
	}
	switch {
	case given && secret != "":
		return "", errClientSecret
	case given && inBody != "" && inBody != basic:
		return "", errTwoClients
	case given:
		return basic, nil
	}
	return inBody, nil
}

// basicAuth reads Basic credentials. A header that is given twice is refused,
// because a proxy on the way may have judged the other one.
func basicAuth(r *http.Request) (id, secret string, given bool, err error) {
	if len(r.Header.Values("Authorization")) > 1 {
		return "", "", false, errTwoHeaders
	}
	id, secret, given = r.BasicAuth()
	return id, secret, given, nil
}
