package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
)

// initiateSSO answers GET sso-initiate.
func (h *Handlers) initiateSSO(on connection.Mount) endpoint {
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
		out, err := h.deps.Initiate.Execute(r.Context(), application.Initiate{
			UserCode: code, Connection: slug, LoginHint: hint, ForceAuthn: prompt == "login", Mount: on,
			Browser: h.deps.Cookies.BrowserBinding(r), GrantSession: h.deps.Cookies.GrantSession(r), Origin: h.deps.Client.Origin(r),
		})
		limited(w, out.Allowance)
		if errors.Is(err, connection.ErrChoose) {
			http.Redirect(w, r, h.deps.Addresses.WebPage(url.Values{"user_code": {code}, "choose": {"1"}}), http.StatusFound)
			return nil
		}
		if err != nil {
			return err
		}
		h.deps.Cookies.SetBrowserBinding(w, out.Browser)
		if len(out.Redirect.Fields) > 0 {
			h.deps.PostPage(w, r, out.Redirect)
			return nil
		}
		http.Redirect(w, r, out.Redirect.URL, http.StatusFound)
		return nil
	}
}

// assertionConsumerService answers POST sso-complete (SAML bindings §3.5.4). It
// comes from the identity provider's page, without cookies; the GET that
// follows proves which browser it is.
func (h *Handlers) assertionConsumerService(on connection.Mount) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := form(w, r, acsMax)
		if err != nil {
			return err
		}
		response, err := p.required("SAMLResponse")
		if err != nil {
			return err
		}
		relay, err := p.required("RelayState")
		if err != nil {
			return err
		}
		ticket, err := h.deps.Accept.Execute(r.Context(), application.ReceivedResponse{
			Response: response, RelayState: approval.ParseRelayState(relay), Mount: on, Origin: h.deps.Client.Origin(r),
		})
		if err != nil {
			return err
		}
		back := h.deps.Addresses.Public(on.ACSPath()) + "?" + url.Values{"ticket": {ticket.Reveal()}}.Encode()
		http.Redirect(w, r, back, http.StatusSeeOther)
		return nil
	}
}

// brokerErrors are the words in which a broker outside may say what happened.
var brokerErrors = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// completeSSO answers GET sso-complete: a ticket of ours, or what a broker
// outside sends along.
func (h *Handlers) completeSSO(on connection.Mount) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := query(r)
		if err != nil {
			return err
		}
		if p["SAMLResponse"] != nil || p["SAMLart"] != nil {
			return fault.InvalidRequest("A SAML response has to be posted here.")
		}
		if word, _ := p.text("sso_error"); word != "" {
			if !brokerErrors.MatchString(word) {
				word = "sso_failed"
			}
			h.toPage(w, r, fault.New(fault.Forbidden, word, ""))
			return nil
		}
		ticket, _ := p.text("ticket")
		assertion, _ := p.text("sso_assertion")
		if (ticket == "") == (assertion == "") {
			return fault.InvalidRequest("One of ticket and sso_assertion is required.")
		}
		session, err := h.deps.Complete.Execute(r.Context(), application.Completion{
			Ticket: approval.ParseTicket(ticket), Assertion: assertion, Mount: on,
			Browser: h.deps.Cookies.BrowserBinding(r), GrantSession: h.deps.Cookies.GrantSession(r), Origin: h.deps.Client.Origin(r),
		})
		if err != nil {
			return err
		}
		h.deps.Cookies.SetGrantSession(w, session)
		http.Redirect(w, r, h.deps.Addresses.WebPage(url.Values{"sso_verified": {"1"}}), http.StatusFound)
		return nil
	}
}

// endsOnPage knows the refusals that end on the page whoever asks, because
// only a person can go on from there.
func endsOnPage(f *fault.Error) bool {
	return errors.Is(f, approval.ErrDeniedByIdP) || errors.Is(f, approval.ErrAccountEmail)
}
