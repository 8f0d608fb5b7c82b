package httpapi

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/resource"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
)

// Introspection serves the introspection endpoint (RFC 7662).
type Introspection struct {
	respond         *Responder
	addresses       *httpserver.Addresses
	client          *httpserver.ClientAddress
	introspectToken *application.IntrospectToken
}

// NewIntrospection makes the handlers.
func NewIntrospection(respond *Responder, addresses *httpserver.Addresses, client *httpserver.ClientAddress, introspect *application.IntrospectToken) *Introspection {
	return &Introspection{respond, addresses, client, introspect}
}

// Mount adds the route of the standard mount.
func (i *Introspection) Mount(r chi.Router) {
	r.Post("/introspect", i.respond.handler(writeOAuthError, i.introspect))
}

// introspectionBody is what RFC 7662 §2.2 defines. An inactive token has no
// member but active.
type introspectionBody struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Username  string `json:"username,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	IssuedAt  int64  `json:"iat,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	ID        string `json:"jti,omitempty"`
}

// introspect answers POST /oauth2/introspect. token_type_hint is not needed:
// there is one type of token.
func (i *Introspection) introspect(w http.ResponseWriter, r *http.Request) error {
	p, err := form(w, r, bodyMax)
	if err != nil {
		return err
	}
	by, err := serverCredentials(p, r)
	if err != nil {
		return err
	}
	text, err := p.required("token")
	if err != nil {
		return err
	}
	found, err := i.introspectToken.Execute(r.Context(), by, text, i.client.Origin(r))
	httpserver.SetRateLimit(w.Header(), found.Allowance)
	if err != nil {
		return err
	}
	if found.Token == nil {
		return answer(w, http.StatusOK, introspectionBody{})
	}
	return answer(w, http.StatusOK, i.active(found.Token))
}

func (i *Introspection) active(t *token.AccessToken) introspectionBody {
	s := t.Snapshot()
	return introspectionBody{
		Active: true, Scope: t.Scope(), ClientID: s.Device.ClientID, Username: s.Device.Email.String(), TokenType: "Bearer",
		Expires: s.ExpiresAt.Unix(), IssuedAt: s.CreatedAt.Unix(),
		Subject: t.SubjectID(), Issuer: i.addresses.Public(""), ID: s.ID.String(),
	}
}

var errTwoMethods = fault.InvalidRequest("The credentials are given twice. Send them in the Authorization header or in the body.")

// serverCredentials reads the resource server's credentials: by Basic or in the body (RFC 6749 §2.3.1).
// Basic credentials are offered form-encoded, as the standard says, and as they
// are, as many programs send them.
func serverCredentials(p params, r *http.Request) ([]resource.Credentials, error) {
	inBody, err := p.text("client_id")
	if err != nil {
		return nil, err
	}
	key, err := p.text("client_secret")
	if err != nil {
		return nil, err
	}
	id, password, basic, err := basicAuth(r)
	if err != nil {
		return nil, err
	}
	switch {
	case basic && key != "":
		return nil, errTwoMethods
	case basic:
		offered := []resource.Credentials{credentials(id, password)}
		decodedID, err1 := url.QueryUnescape(id)
		decoded, err2 := url.QueryUnescape(password)
		if err1 == nil && err2 == nil {
			offered = append(offered, credentials(decodedID, decoded))
		}
		if inBody != "" && !slices.ContainsFunc(offered, func(c resource.Credentials) bool { return c.ID == inBody }) {
			return nil, errTwoClients
		}
		return offered, nil
	case inBody != "":
		return []resource.Credentials{credentials(inBody, key)}, nil
	}
	return nil, nil
}

func credentials(id, key string) resource.Credentials {
	return resource.Credentials{ID: id, Secret: secret.New("resource server secret", key)}
}
