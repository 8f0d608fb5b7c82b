package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/ports"
)

// SSO serves the way of a person's browser to an identity provider and back. The
// mounts differ only in their paths.
type SSO struct {
	respond   *Responder
	addresses *httpserver.Addresses
	cookies   *httpserver.Cookies
	client    *httpserver.ClientAddress
	edition   ports.Edition
	pages     Pages

	initiateSSO    *application.InitiateSSO
	acceptResponse *application.AcceptResponse
	completeSSO    *application.CompleteSSO
	refuseClosed   *application.RefuseClosedACS
	byAssertion    *application.CompleteSSOByAssertion
	failSSO        *application.FailSSO
}

// NewSSO makes the handlers.
func NewSSO(respond *Responder, addresses *httpserver.Addresses, cookies *httpserver.Cookies, client *httpserver.ClientAddress, edition ports.Edition, pages Pages,
	initiate *application.InitiateSSO, accept *application.AcceptResponse, complete *application.CompleteSSO,
	byAssertion *application.CompleteSSOByAssertion, fail *application.FailSSO, closed *application.RefuseClosedACS,
) *SSO {
	return &SSO{respond, addresses, cookies, client, edition, pages, initiate, accept, complete, closed, byAssertion, fail}
}

// Mount adds the routes of the canonical mount.
func (s *SSO) Mount(r chi.Router) { s.mount(r, connection.Canonical) }

// MountLegacy adds the routes of the legacy mount.
func (s *SSO) MountLegacy(r chi.Router) { s.mount(r, connection.Legacy) }

// MountClosed keeps the legacy ACS, while the legacy mount is off, for identity
// providers that still have it registered: it refuses what they send, and tells
// the operator which connection it was.
func (s *SSO) MountClosed(r chi.Router) {
	r.Post(connection.Legacy.CompletePath(), s.respond.htmlOrJSON(s.closedACS))
}

func (s *SSO) closedACS(w http.ResponseWriter, r *http.Request) error {
	refusal := gone(w, r)
	in, err := s.received(w, r, connection.Legacy)
	if err != nil {
		return refusal
	}
	return fmt.Errorf("%w: %w", refusal, s.refuseClosed.Execute(r.Context(), in))
}

func (s *SSO) mount(r chi.Router, on connection.Mount) {
	r.Get("/oauth/device/sso-initiate", s.navigation(s.initiate(on)))
	r.Get(on.CompletePath(), s.navigation(s.complete(on)))
	r.Post(on.CompletePath(), s.navigation(s.assertionConsumerService(on)))
}

// navigation serves an endpoint to which browsers navigate: a refusal ends on
// the page instead of in JSON.
func (s *SSO) navigation(serve endpoint) http.HandlerFunc {
	return s.respond.htmlOrJSON(requireEdition(s.edition, func(w http.ResponseWriter, r *http.Request) error {
		err := httpserver.Recover(serve, w, r)
		if err == nil || !wantsPage(r) && !endsOnPage(err) {
			return err
		}
		if isTest(err) {
			_ = s.respond.refusal(r, err) // the log has it; the page of the test tells
			leadTo(w, r, s.addresses.Public(testPath))
			return nil
		}
		s.respond.toPage(w, r, s.respond.refusal(r, err), userCodeOf(r, err))
		return nil
	}))
}

// userCodeOf is the user code that a failed sign-in was for, as far as it is
// known: from the request, or from the transaction that the refusal belongs to.
func userCodeOf(r *http.Request, err error) device.UserCode {
	var failed *application.SignInError
	if errors.As(err, &failed) {
		return failed.UserCode
	}
	p, _ := query(r)
	typed, _ := p.text("user_code")
	code, _ := device.ParseUserCode(typed)
	return code
}

// initiate answers GET sso-initiate.
func (s *SSO) initiate(on connection.Mount) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := query(r)
		if err != nil {
			return err
		}
		code, err := p.required("user_code")
		if err != nil {
			return err
		}
		slug, _ := p.text("connection")
		hint, _ := p.text("login_hint")
		prompt, _ := p.text("prompt")
		out, err := s.initiateSSO.Execute(r.Context(), application.Initiate{
			UserCode: code, Connection: slug, LoginHint: hint, ForceAuthn: prompt == "login", Mount: on,
			Browser: s.cookies.BrowserBinding(r), GrantSession: s.cookies.GrantSession(r), Origin: s.client.Origin(r),
		})
		httpserver.SetRateLimit(w.Header(), out.Allowance)
		if errors.Is(err, connection.ErrChoose) {
			to := url.Values{"user_code": {code}, "choose": {"1"}}
			if out.ClientID != "" { // whose connections are offered
				to.Set("client_id", out.ClientID)
			}
			http.Redirect(w, r, s.addresses.OwnPage(to), http.StatusFound)
			return nil
		}
		if err != nil {
			return err
		}
		s.cookies.SetBrowserBinding(w, out.Browser)
		if len(out.Redirect.Fields) > 0 {
			s.pages.Post(w, r, out.Redirect)
			return nil
		}
		http.Redirect(w, r, out.Redirect.URL, http.StatusFound)
		return nil
	}
}

// assertionConsumerService answers POST sso-complete (SAML bindings §3.5.4). It
// comes from the identity provider's page, without cookies; the GET that
// follows proves which browser it is.
func (s *SSO) assertionConsumerService(on connection.Mount) endpoint {
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

func (s *SSO) received(w http.ResponseWriter, r *http.Request, on connection.Mount) (in application.ReceivedResponse, err error) {
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
func (s *SSO) receivedByGET(r *http.Request, p params, on connection.Mount) error {
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

// brokerErrors are the words in which a broker outside may say what happened.
var brokerErrors = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// complete answers GET sso-complete: a ticket of ours, or what a broker
// outside sends along.
func (s *SSO) complete(on connection.Mount) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := query(r)
		if err != nil {
			return err
		}
		if p.given("SAMLResponse") || p.given("SAMLart") {
			return s.receivedByGET(r, p, on)
		}
		in := application.Completion{
			Mount: on, Browser: s.cookies.BrowserBinding(r), GrantSession: s.cookies.GrantSession(r), Origin: s.client.Origin(r),
		}
		if word, _ := p.text("sso_error"); word != "" {
			if !brokerErrors.MatchString(word) {
				word = "sso_failed"
			}
			err := s.failSSO.Execute(r.Context(), word, in)
			if !errors.Is(err, approval.ErrDeniedByIdP) {
				return err
			}
			s.respond.refusal(r, err)
			s.respond.toPage(w, r, fault.New(fault.Forbidden, word, ""), userCodeOf(r, err))
			return nil
		}
		ticket, _ := p.text("ticket")
		assertion, _ := p.text("sso_assertion")
		if (ticket == "") == (assertion == "") {
			return fault.InvalidRequest("One of ticket and sso_assertion is required.")
		}
		var completed application.Completed
		if ticket != "" {
			completed, err = s.completeSSO.Execute(r.Context(), approval.ParseTicket(ticket), in)
		} else {
			completed, err = s.byAssertion.Execute(r.Context(), assertion, in)
		}
		if err != nil {
			return err
		}
		if completed.Purpose == approval.TestConnection {
			leadTo(w, r, s.addresses.Public(testPath))
			return nil
		}
		s.cookies.SetGrantSession(w, completed.Session)
		page := s.addresses.WebPage
		if completed.Purpose == approval.ManageDevices || completed.NeedsCode {
			page = s.addresses.OwnPage // a page elsewhere knows neither
		}
		http.Redirect(w, r, page(url.Values{"sso_verified": {"1"}}), http.StatusFound)
		return nil
	}
}

// testPath is where the page of a test lies.
const testPath = "/saml/test"

// isTest reports whether a sign-in that failed was to try a connection out.
func isTest(err error) bool {
	var failed *application.SignInError
	return errors.As(err, &failed) && failed.Purpose == approval.TestConnection
}

// endsOnPage reports whether a refusal ends on the page whatever is asked for,
// because only a person can go on from there.
func endsOnPage(err error) bool {
	return errors.Is(err, approval.ErrDeniedByIdP) || errors.Is(err, approval.ErrAccountEmail)
}
