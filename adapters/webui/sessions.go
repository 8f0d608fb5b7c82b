package webui

import (
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/uid"
)

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
	From     netip.Addr
	Waiting  bool // approved, but without a token yet
}

func ownDevices(all []application.OwnDevice) []ownDevice {
	list := make([]ownDevice, len(all))
	for i, d := range all {
		list[i] = ownDevice{
			ID: d.ID.String(), Label: sanitizeLabel(d.Label), Client: d.ClientName,
			Since: d.CreatedAt, LastUsed: d.LastUsedAt, From: d.From,
		}
	}
	return list
}

// sessionsPage shows a person their signed-in devices, if they have signed in
// at this browser in the last minutes.
func (p *Pages) sessionsPage(w http.ResponseWriter, r *http.Request) {
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	if p.cookiesOff(r) {
		p.errorPage(w, r, http.StatusBadRequest, "no_cookies")
		return
	}
	m := p.readState(r)
	own, err := p.deps.ListOwn.Execute(r.Context(), p.grantSession(r))
	v := view{State: "sessions", Title: "sessions.title", at: "sessions"}
	switch {
	case errors.Is(err, approval.ErrNoSession):
		v.Body = sessionsBody{TooLate: m.Notice == tooLate}
	case err != nil:
		p.fail(w, r, m, err, noAllowance)
		return
	default:
		v.Until, v.Ends = own.ExpiresAt, endOfSignIn
		body := sessionsBody{
			SignedIn: true, Email: own.Subject.Email().String(), CSRF: own.CSRF.Reveal(),
			Devices: ownDevices(own.Devices), Total: own.Total, More: own.Total > len(own.Devices), Ended: m.Ended,
			Confirm: m.Notice == confirmAll && len(own.Devices) > 0,
		}
		if body.Confirm {
			v.Title = "sessions.confirm_title"
		}
		v.Body = body
		if r.Method != http.MethodHead && (m.Ended > 0 || m.Notice == confirmAll) { // shown once
			m.Ended, m.Notice = 0, ""
			p.writeState(w, m)
		}
	}
	p.show(w, r, http.StatusOK, pageSessions, v)
}

// sessionsForm begins a sign-in that approves no device, or ends the access
// that the person wants ended.
func (p *Pages) sessionsForm(w http.ResponseWriter, r *http.Request) {
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	m := p.readState(r)
	if r.PostForm.Get("csrf") == "" {
		p.startAccountSignIn(w, r, m)
		return
	}
	all := r.PostForm.Get("session") == "all"
	which, err := uid.Parse(r.PostForm.Get("session"))
	if err != nil && !all {
		p.redirect(w, r, "/sessions")
		return
	}
	if all && r.PostForm.Get("confirmed") == "" {
		m.Notice = confirmAll
		p.writeState(w, m)
		p.redirect(w, r, "/sessions")
		return
	}
	proof := approval.Proof{Session: p.grantSession(r), CSRF: approval.ParseCSRF(r.PostForm.Get("csrf"))}
	ended, err := p.deps.EndOwn.Execute(r.Context(), proof, which, p.deps.Client.Origin(r))
	switch {
	case errors.Is(err, approval.ErrInvalidSession): // the page asks to sign in
	case err != nil:
		p.fail(w, r, m, err, noAllowance)
		return
	}
	m.Ended = ended
	p.writeState(w, m)
	p.redirect(w, r, "/sessions")
}

func (p *Pages) startAccountSignIn(w http.ResponseWriter, r *http.Request, m pageState) {
	code, allowance, err := p.deps.AccountSignIn.Execute(r.Context(), p.deps.Client.Origin(r))
	if err != nil {
		p.fail(w, r, m, err, allowance)
		return
	}
	m, to := pageState{Code: code.String(), Visit: true}, "/sign-in"
	if len(p.connections(r.Context()).All()) == 1 {
		m.Redirect, to = true, "/leave"
	}
	p.writeState(w, m)
	p.redirect(w, r, to)
}

// undoForm undoes the approval that this browser has just given.
func (p *Pages) undoForm(w http.ResponseWriter, r *http.Request) {
	m := p.readState(r)
	code, err := device.ParseUserCode(r.PostForm.Get("user_code"))
	if err != nil {
		p.fail(w, r, m, err, noAllowance)
		return
	}
	proof := approval.Proof{Session: p.undoProof(r).Session, CSRF: approval.ParseCSRF(r.PostForm.Get("csrf"))}
	err = p.deps.Undo.Execute(r.Context(), proof, code, p.deps.Client.Origin(r))
	if errors.Is(err, approval.ErrInvalidSession) { // the five minutes are over
		m.Notice = tooLate
		p.writeState(w, m)
		p.redirect(w, r, "/sessions")
		return
	}
	if err != nil {
		p.fail(w, r, m, err, noAllowance)
		return
	}
	p.writeState(w, pageState{Code: code.String(), Outcome: undone, Ref: httpserver.RequestID(r.Context())})
	p.redirect(w, r, "/"+undone)
}
