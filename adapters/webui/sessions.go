package webui

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/uid"
)

// sessionPages are a person's own devices, and the way out of this browser.
type sessionPages struct {
	*base
	signIn      *application.StartAccountSignIn
	sessions    *application.ListSessions
	endSessions *application.EndSessions
	leave       *application.LeaveBrowser
}

func newSessionPages(b *base, signIn *application.StartAccountSignIn, sessions *application.ListSessions,
	endSessions *application.EndSessions, leave *application.LeaveBrowser,
) *sessionPages {
	return &sessionPages{b, signIn, sessions, endSessions, leave}
}

func (p *sessionPages) mount(r routes) {
	r.page("/device/sessions", p.sessionsPage)
	r.form("/device/sessions", p.sessionsForm)
	r.Get("/device/sessions/sign-in", p.accountSignIn)
	r.form("/device/sign-out", p.signOutForm)
	r.page("/device/signed-out", p.signedOutPage)
}

type sessionsBody struct {
	SignedIn bool
	Email    string
	CSRF     string
	Devices  []ownDevice
	Total    int
	More     bool
	Ended    int
	TooLate  bool // to undo the approval
	Confirm  bool // ask before the access of all devices is ended
}

// ownDevice is one device that is signed in, or approved and still to fetch its
// token.
type ownDevice struct {
	ID       string
	Label    string
	Client   string
	Since    time.Time
	LastUsed time.Time // zero: never
	Until    time.Time // zero: it has no token yet
	From     origin
	Waiting  bool // approved, but without a token yet
}

// lastSeen is when the device was used or, if it never was, connected.
func (d ownDevice) lastSeen() time.Time {
	if d.LastUsed.IsZero() {
		return d.Since
	}
	return d.LastUsed
}

// ownDevices are those that wait for their token, then the others by their use.
func (p *sessionPages) ownDevices(own application.Sessions) []ownDevice {
	var list []ownDevice
	for _, d := range own.Waiting {
		list = append(list, ownDevice{
			ID: d.ID.String(), Label: sanitizeLabel(d.Label), Client: d.ClientName,
			Since: d.ApprovedAt, From: p.originOf(d.From), Waiting: true,
		})
	}
	waiting := len(list)
	for _, d := range own.Sessions {
		list = append(list, ownDevice{
			ID: d.ID.String(), Label: sanitizeLabel(d.Label), Client: d.ClientName,
			Since: d.CreatedAt, LastUsed: d.LastUsedAt, Until: d.ExpiresAt, From: p.originOf(d.From),
		})
	}
	slices.SortStableFunc(list[waiting:], func(a, b ownDevice) int { return b.lastSeen().Compare(a.lastSeen()) })
	return list
}

// devicesShown is how many signed-in devices are shown at once.
const devicesShown = 100

// sessionsPage shows a person their signed-in devices, if they have signed in
// at this browser in the last minutes.
func (p *sessionPages) sessionsPage(w http.ResponseWriter, r *http.Request) {
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	if p.cookiesOff(r) {
		p.errorPage(w, r, http.StatusBadRequest, "no_cookies")
		return
	}
	state := p.readState(r)
	first, err := application.NewPage(1, devicesShown)
	if err != nil {
		p.fail(w, r, state, err, noAllowance)
		return
	}
	own, err := p.sessions.Execute(r.Context(), application.OwnerAt(approval.Proof{Session: p.grantSession(r)}), first)
	v := view{State: "sessions", Title: "sessions.title", at: "sessions"}
	switch {
	case errors.Is(err, approval.ErrNoSession):
		v.Body = sessionsBody{TooLate: state.Notice == tooLate}
	case err != nil:
		p.fail(w, r, state, err, noAllowance)
		return
	default:
		devices := p.ownDevices(own)
		v.Until, v.Ends = own.SignIn.ExpiresAt, endOfSignIn
		body := sessionsBody{
			SignedIn: true, Email: own.SignIn.Subject.Email().String(), CSRF: own.SignIn.CSRF.Reveal(),
			Devices: devices, Total: own.Total + len(own.Waiting), More: own.More, Ended: state.Ended,
			Confirm: state.Notice == confirmAll && len(devices) > 0,
		}
		if body.Confirm {
			v.Title = "sessions.confirm_title"
		}
		v.Body = body
		if r.Method != http.MethodHead && (state.Ended > 0 || state.Notice == confirmAll) { // shown once
			state.Ended, state.Notice = 0, ""
			p.writeState(w, state)
		}
	}
	p.show(w, r, http.StatusOK, pageSessions, v)
}

// sessionsForm begins a sign-in that approves no device, or ends the access
// that the person wants ended.
func (p *sessionPages) sessionsForm(w http.ResponseWriter, r *http.Request) {
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	state := p.readState(r)
	if r.PostForm.Get("csrf") == "" {
		p.chooseForSessions(w, r)
		return
	}
	all := r.PostForm.Get("session") == "all"
	which, err := uid.Parse(r.PostForm.Get("session"))
	if err != nil && !all {
		p.redirect(w, r, "/sessions")
		return
	}
	if all && r.PostForm.Get("confirmed") == "" {
		state.Notice = confirmAll
		p.writeState(w, state)
		p.redirect(w, r, "/sessions")
		return
	}
	proof := approval.Proof{Session: p.grantSession(r), CSRF: approval.ParseCSRF(r.PostForm.Get("csrf"))}
	ended, err := p.endSessions.Execute(r.Context(), application.OwnerAt(proof), which, p.deps.Client.Origin(r))
	switch {
	case errors.Is(err, approval.ErrInvalidSession): // the page asks to sign in
	case err != nil:
		p.fail(w, r, state, err, noAllowance)
		return
	}
	state.Ended = ended
	p.writeState(w, state)
	p.redirect(w, r, "/sessions")
}

// chooseForSessions leads to the choice of a connection, if there is one to make.
func (p *sessionPages) chooseForSessions(w http.ResponseWriter, r *http.Request) {
	state, to := pageState{Managing: true}, "/sign-in"
	if len(p.connections(r.Context()).All()) == 1 {
		state.Redirect, to = true, "/leave"
	}
	p.writeState(w, state)
	p.redirect(w, r, to)
}

// accountSignIn begins to sign in for the sessions page. It is what sso-initiate
// is for a device.
func (p *sessionPages) accountSignIn(w http.ResponseWriter, r *http.Request) {
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	state, q := p.readState(r), r.URL.Query()
	out, err := p.signIn.Execute(r.Context(), application.Initiate{
		Connection: q.Get("connection"), LoginHint: q.Get("login_hint"), ForceAuthn: q.Get("prompt") == "login", Mount: connection.Canonical,
		Browser: p.deps.Cookies.BrowserBinding(r), GrantSession: p.deps.Cookies.GrantSession(r), Origin: p.deps.Client.Origin(r),
	})
	switch {
	case errors.Is(err, connection.ErrChoose):
		state, to := pageState{Managing: true, Hint: state.Hint}, "/sign-in"
		if state.Hint != "" { // and no connection speaks for it
			state.Notice, to = noMatch, "/sign-in#hint-wrong"
		}
		p.writeState(w, state)
		p.redirect(w, r, to)
	case err != nil:
		p.fail(w, r, state, err, out.Allowance)
	default:
		p.deps.Cookies.SetBrowserBinding(w, out.Browser)
		if len(out.Redirect.Fields) > 0 {
			p.PostToIdP(w, r, out.Redirect)
			return
		}
		http.Redirect(w, r, out.Redirect.URL, http.StatusFound)
	}
}
