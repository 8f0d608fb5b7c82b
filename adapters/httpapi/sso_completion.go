package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
)

// SSOCompletion ends a sign-in in the browser that began it.
type SSOCompletion struct {
	*Navigation
	acs         *ACS
	completeSSO *application.CompleteSSO
	byAssertion *application.CompleteSSOByAssertion
	failSSO     *application.FailSSO
}

// NewSSOCompletion makes the handler.
func NewSSOCompletion(n *Navigation, acs *ACS, complete *application.CompleteSSO, byAssertion *application.CompleteSSOByAssertion, fail *application.FailSSO) *SSOCompletion {
	return &SSOCompletion{n, acs, complete, byAssertion, fail}
}

// Mount adds the route to a mount.
func (s *SSOCompletion) Mount(r chi.Router, on connection.Mount) {
	r.Get(on.CompletePath(), s.serve(s.complete(on)))
}

// brokerErrors are the words in which a broker outside may say what happened.
var brokerErrors = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// complete answers GET sso-complete: a ticket of ours, or what a broker
// outside sends along.
func (s *SSOCompletion) complete(on connection.Mount) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := query(r)
		if err != nil {
			return err
		}
		if p.given("SAMLResponse") || p.given("SAMLart") {
			return s.acs.receivedByGET(r, p, on)
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
