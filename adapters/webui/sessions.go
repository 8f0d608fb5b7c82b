package webui

import (
	"errors"
	"net/http"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/uid"
)

type sessionsBody struct {
	SignedIn bool
	Email    string
	CSRF     string
	Devices  []application.OwnDevice
	More     bool
	Ended    int
	TooLate  bool // to take an approval back where it was given
}

// sessionsPage shows a person the devices that act for them, if they have signed
// in at this browser in the last minutes.
func (p *Pages) sessionsPage(w http.ResponseWriter, r *http.Request) {
	if p.shut(r.Context(), w, r) {
		return
	}
	m := p.recall(r)
	own, err := p.deps.ListOwn.Execute(r.Context(), p.whoever(r))
	v := view{State: "sessions", Title: "sessions.title", At: "sessions"}
	switch {
	case errors.Is(err, approval.ErrNoSession):
		v.Body = sessionsBody{TooLate: m.Notice == tooLate}
	case err != nil:
		p.fail(w, r, m, err, noAllowance)
		return
	default:
		v.Until = own.ExpiresAt
		v.Body = sessionsBody{
			SignedIn: true, Email: own.Subject.Email().String(), CSRF: own.CSRF.Reveal(),
			Devices: own.Devices, More: own.Total > len(own.Devices), Ended: m.Ended,
		}
		if m.Ended > 0 { // said once
			m.Ended = 0
			p.remember(w, m)
		}
	}
	p.show(w, r, http.StatusOK, pageOwn, v)
}

// sessionsForm begins a sign-in that lets no device in, or ends what the person
// wants ended.
func (p *Pages) sessionsForm(w http.ResponseWriter, r *http.Request) {
	if p.shut(r.Context(), w, r) {
		return
	}
	m := p.recall(r)
	if r.PostForm.Get("csrf") == "" {
		code, allowance, err := p.deps.BeginVisit.Execute(r.Context(), p.deps.Client.Origin(r))
		if err != nil {
			p.fail(w, r, m, err, allowance)
			return
		}
		m, to := memory{Code: code.String(), Visit: true}, "/sign-in"
		if len(p.deps.Connections.All()) == 1 {
			m.Leaving, to = true, "/leave"
		}
		p.remember(w, m)
		p.redirect(w, r, to)
		return
	}
	which, err := uid.Parse(r.PostForm.Get("session"))
	if err != nil && r.PostForm.Get("session") != "all" {
		p.redirect(w, r, "/sessions")
		return
	}
	proof := approval.Proof{Session: p.whoever(r), CSRF: approval.ParseCSRF(r.PostForm.Get("csrf"))}
	ended, err := p.deps.EndOwn.Execute(r.Context(), proof, which, p.deps.Client.Origin(r))
	switch {
	case errors.Is(err, approval.ErrInvalidSession): // the page asks to sign in
	case err != nil:
		p.fail(w, r, m, err, noAllowance)
		return
	}
	m.Ended = ended
	p.remember(w, m)
	p.redirect(w, r, "/sessions")
}

// undoForm takes back the approval that this browser has just given.
func (p *Pages) undoForm(w http.ResponseWriter, r *http.Request) {
	m := p.recall(r)
	code, err := device.ParseUserCode(r.PostForm.Get("user_code"))
	if err != nil {
		p.fail(w, r, m, err, noAllowance)
		return
	}
	proof := approval.Proof{Session: p.recent(r).Session, CSRF: approval.ParseCSRF(r.PostForm.Get("csrf"))}
	err = p.deps.Undo.Execute(r.Context(), proof, code, p.deps.Client.Origin(r))
	if errors.Is(err, approval.ErrInvalidSession) { // the five minutes are over
		m.Notice = tooLate
		p.remember(w, m)
		p.redirect(w, r, "/sessions")
		return
	}
	if err != nil {
		p.fail(w, r, m, err, noAllowance)
		return
	}
	p.remember(w, memory{Code: code.String(), Outcome: undone})
	p.redirect(w, r, "/"+undone)
}
