package httpapi

import (
	"errors"
	"net/http"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/ports"
)

// Navigation is what the routes share by which a person's browser goes to an identity
// provider and comes back. The mounts differ only in their paths.
type Navigation struct {
	respond   *Responder
	addresses *httpserver.Addresses
	cookies   *httpserver.Cookies
	client    *httpserver.ClientAddress
	edition   ports.Edition
}

// NewNavigation makes it.
func NewNavigation(respond *Responder, addresses *httpserver.Addresses, cookies *httpserver.Cookies, client *httpserver.ClientAddress, edition ports.Edition) *Navigation {
	return &Navigation{respond, addresses, cookies, client, edition}
}

// serve makes a handler of an endpoint to which browsers navigate: a refusal ends on
// the page instead of in JSON.
func (s *Navigation) serve(serve endpoint) http.HandlerFunc {
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
