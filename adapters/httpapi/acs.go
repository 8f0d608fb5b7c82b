package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
)

// ACS receives what identity providers send (AssertionConsumerService).
type ACS struct {
	*Navigation
	acceptResponse *application.AcceptResponse
	refuseClosed   *application.RefuseClosedACS
}

// NewACS makes the handlers.
func NewACS(n *Navigation, accept *application.AcceptResponse, closed *application.RefuseClosedACS) *ACS {
	return &ACS{n, accept, closed}
}

// Mount adds the route to a mount.
func (s *ACS) Mount(r chi.Router, on connection.Mount) {
	r.Post(on.CompletePath(), s.serve(s.assertionConsumerService(on)))
}

// MountClosed keeps the legacy ACS, while the legacy mount is off, for identity
// providers that still have it registered: it refuses what they send, and tells
// the operator which connection it was.
func (s *ACS) MountClosed(r chi.Router) {
	r.Post(connection.Legacy.CompletePath(), s.respond.htmlOrJSON(s.closedACS))
}

func (s *ACS) closedACS(w http.ResponseWriter, r *http.Request) error {
	refusal := gone(w, r)
	in, err := s.received(w, r, connection.Legacy)
	if err != nil {
		return refusal
	}
	return fmt.Errorf("%w: %w", refusal, s.refuseClosed.Execute(r.Context(), in))
}

// assertionConsumerService answers POST sso-complete (SAML bindings §3.5.4). It
// comes from the identity provider's page, without cookies; the GET that
// follows proves which browser it is.
func (s *ACS) assertionConsumerService(on connection.Mount) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := s.received(w, r, on)
		if err != nil {
			return err
		}
		ticket, err := s.acceptResponse.Execute(r.Context(), in)
		if err != nil {
			return err
		}
		back := s.addresses.Public(on.ACSPath()) + "?" + url.Values{"ticket": {ticket.Reveal()}}.Encode()
		http.Redirect(w, r, back, http.StatusSeeOther)
		return nil
	}
}

func (s *ACS) received(w http.ResponseWriter, r *http.Request, on connection.Mount) (in application.ReceivedResponse, err error) {
	p, err := form(w, r, acsMax)
	if err != nil {
		return in, err
	}
	response, err := p.text("SAMLResponse")
	if err != nil {
		return in, err
	}
	relay, err := p.text("RelayState") // none: the sign-in began at the identity provider
	if err != nil {
		return in, err
	}
	relay = strings.Clone(relay) // or it would keep the whole body in memory
	in = application.ReceivedResponse{
		Response: response, RelayState: approval.ParseRelayState(relay), Mount: on, Origin: s.client.Origin(r),
	}
	switch {
	case response == "" && p.given("SAMLart"):
		in.Missing = approval.ResponseMissing("SAMLResponse is required.", artifact)
	case response == "":
		in.Missing = approval.ResponseMissing("SAMLResponse is required.", "none")
	}
	return in, nil
}

// artifact says what came of an identity provider that uses the binding
// HTTP-Artifact.
const artifact = "SAMLart (the binding HTTP-Artifact)"

// receivedByGET refuses a response that came by another binding than HTTP-POST.
func (s *ACS) receivedByGET(r *http.Request, p params, on connection.Mount) error {
	received := "SAMLResponse by GET (the binding HTTP-Redirect)"
	if p.given("SAMLart") {
		received = artifact
	}
	relay, _ := p.text("RelayState")
	_, err := s.acceptResponse.Execute(r.Context(), application.ReceivedResponse{
		Missing:    approval.ResponseMissing("A SAML response has to be posted here.", received),
		RelayState: approval.ParseRelayState(relay), Mount: on, Origin: s.client.Origin(r),
	})
	return err
}
