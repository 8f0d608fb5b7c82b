package demoidp

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"github.com/crewjam/saml"
)

const (
	cookieName = "demoidp_session"
	bodyMax    = 256 << 10
)

// Handler serves the identity provider below the path of its URL.
func (idp *IdP) Handler() http.Handler {
	at := func(method, path string) string { return method + " " + idp.base.Path + path }
	mux := http.NewServeMux()
	mux.HandleFunc(at("GET", "/{$}"), idp.home)
	mux.HandleFunc(at("GET", "/metadata"), idp.serveMetadata)
	mux.HandleFunc(at("GET", "/sso"), idp.beginSSO)
	mux.HandleFunc(at("POST", "/sso"), idp.beginSSO)
	mux.HandleFunc(at("POST", "/login"), idp.login)
	mux.HandleFunc(at("POST", "/sign-out"), idp.signOut)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
		mux.ServeHTTP(w, r)
	})
}

func (idp *IdP) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(idp.Metadata())
}

func (idp *IdP) home(w http.ResponseWriter, r *http.Request) {
	session, _ := idp.session(r)
	idp.show(w, http.StatusOK, "home", view{User: session.user})
}

// beginSSO takes an AuthnRequest and shows the login page.
func (idp *IdP) beginSSO(w http.ResponseWriter, r *http.Request) {
	p, err := idp.accept(r)
	if err != nil {
		idp.refuse(w, "That request is not from a service that is known here: "+err.Error()+".")
		return
	}
	session, known := idp.session(r)
	if known && p.Request.ForceAuthn != nil && *p.Request.ForceAuthn {
		session = signedIn{}
	}
	idp.showLogin(w, idp.requests.put(p), p, session.user, "")
}

// login does what the person chose on the login page.
func (idp *IdP) login(w http.ResponseWriter, r *http.Request) {
	name := r.PostFormValue("request")
	p, waits := idp.requests.get(name)
	if !waits {
		idp.refuse(w, "This sign-in took too long. Go back to where you came from and start again.")
		return
	}
	switch r.PostFormValue("action") {
	case "cancel":
		form, err := idp.deny(p)
		idp.post(w, form, err)
	case "switch":
		idp.endSession(w, r)
		idp.showLogin(w, name, p, User{}, "")
	case "continue":
		session, known := idp.session(r)
		if !known {
			idp.showLogin(w, name, p, User{}, "Your session has ended. Sign in again.")
			return
		}
		form, err := idp.respond(p, session)
		idp.post(w, form, err)
	default:
		user, known := idp.authenticate(r.PostFormValue("user"), r.PostFormValue("password"))
		if !known {
			idp.showLogin(w, name, p, User{}, "Nobody here has that name and password. Try one of the people below.")
			return
		}
		session := signedIn{user, idp.now()}
		idp.beginSession(w, session)
		form, err := idp.respond(p, session)
		idp.post(w, form, err)
	}
}

func (idp *IdP) signOut(w http.ResponseWriter, r *http.Request) {
	idp.endSession(w, r)
	idp.show(w, http.StatusOK, "home", view{})
}

func (idp *IdP) authenticate(name, password string) (User, bool) {
	right := subtle.ConstantTimeCompare([]byte(password), []byte(Password)) == 1
	for _, u := range idp.users {
		local, _, _ := strings.Cut(u.Email, "@")
		if right && (strings.EqualFold(name, u.Email) || strings.EqualFold(name, local)) {
			return u, true
		}
	}
	return User{}, false
}

// showLogin shows the login form or, with a session, the choice between that user
// and another: in a demo people try several.
func (idp *IdP) showLogin(w http.ResponseWriter, request string, p pending, user User, complaint string) {
	status := http.StatusOK
	if complaint != "" {
		status = http.StatusUnauthorized
	}
	idp.show(w, status, "login", view{Request: request, Service: p.ServiceProviderMetadata.EntityID, User: user, Complaint: complaint})
}

func (idp *IdP) post(w http.ResponseWriter, form saml.IdpAuthnRequestForm, err error) {
	if err != nil {
		idp.show(w, http.StatusInternalServerError, "refused", view{Complaint: "The answer could not be written: " + err.Error() + "."})
		return
	}
	idp.show(w, http.StatusOK, "answer", view{Form: form})
}

func (idp *IdP) refuse(w http.ResponseWriter, complaint string) {
	idp.show(w, http.StatusBadRequest, "refused", view{Complaint: complaint})
}

// signedIn is a session: the user, and when they gave their password.
type signedIn struct {
	user User
	at   time.Time
}

func (idp *IdP) session(r *http.Request) (signedIn, bool) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return signedIn{}, false
	}
	return idp.sessions.get(c.Value)
}

func (idp *IdP) beginSession(w http.ResponseWriter, session signedIn) {
	idp.setCookie(w, idp.sessions.put(session), int(sessionLife.Seconds()))
}

func (idp *IdP) endSession(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		idp.sessions.drop(c.Value)
	}
	idp.setCookie(w, "", -1)
}

func (idp *IdP) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: idp.base.Path + "/", MaxAge: maxAge,
		Secure: idp.base.Scheme == "https", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
