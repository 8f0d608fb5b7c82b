package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/token"
)

// Revocation serves the revocation endpoint (RFC 7009).
type Revocation struct {
	respond     *Responder
	client      *httpserver.ClientAddress
	revokeToken *application.RevokeToken
}

// NewRevocation makes the handlers.
func NewRevocation(respond *Responder, client *httpserver.ClientAddress, revoke *application.RevokeToken) *Revocation {
	return &Revocation{respond, client, revoke}
}

// Mount adds the route of the standard mount.
func (v *Revocation) Mount(r chi.Router) {
	r.Post("/revoke", v.respond.handler(writeOAuthError, v.revoke))
}

// revoke answers POST /oauth2/revoke. token_type_hint is not needed: there is
// one type of token.
func (v *Revocation) revoke(w http.ResponseWriter, r *http.Request) error {
	p, err := form(w, r, bodyMax)
	if err != nil {
		return err
	}
	clientID, err := publicClient(p, r)
	if err != nil {
		return err
	}
	text, err := p.required("token")
	if err != nil {
		return err
	}
	presented, err := token.ParseSecret(text)
	if err != nil { // no token of ours: nothing to end (RFC 7009 §2.2)
		w.WriteHeader(http.StatusOK)
		return nil
	}
	if err := v.revokeToken.Execute(r.Context(), presented, clientID, v.client.Origin(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
