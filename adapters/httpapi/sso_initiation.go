package httpapi

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/connection"
)

// SSOInitiation sends a person's browser to an identity provider.
type SSOInitiation struct {
	*Navigation
	pages       Pages
	initiateSSO *application.InitiateSSO
}

// NewSSOInitiation makes the handler.
func NewSSOInitiation(n *Navigation, pages Pages, initiate *application.InitiateSSO) *SSOInitiation {
	return &SSOInitiation{n, pages, initiate}
}

// Mount adds the route to a mount.
func (s *SSOInitiation) Mount(r chi.Router, on connection.Mount) {
	r.Get("/oauth/device/sso-initiate", s.serve(s.initiate(on)))
}

// initiate answers GET sso-initiate.
func (s *SSOInitiation) initiate(on connection.Mount) endpoint {
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
