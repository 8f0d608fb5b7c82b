package webui

import (
	"errors"
	"net/http"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
)

// resultPages tell what came of a decision, and undo an approval.
type resultPages struct {
	*base
	decision *application.DescribeDecision
	undo     *application.UndoApproval
}

func newResultPages(b *base, decision *application.DescribeDecision, undo *application.UndoApproval) *resultPages {
	return &resultPages{b, decision, undo}
}

func (p *resultPages) mount(r routes) {
	r.page("/device/approved", p.donePage(approved))
	r.page("/device/denied", p.donePage(denied))
	r.page("/device/undone", p.donePage(undone))
	r.form("/device/undo", p.undoForm)
}

// doneBody is the content of the last page. With an undo token the person can
// still undo the approval, and is told what came of the decision.
type doneBody struct {
	Undo    string
	Known   bool // the rest is
	Client  string
	App     *app // nil: nothing is known but the client's name
	Label   label
	Email   string
	Fetched bool      // the device has its token
	Until   time.Time // when its access ends; zero: it has none
}

// donePage shows the outcome.
func (p *resultPages) donePage(outcome string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		state := p.readState(r)
		if state.Outcome != outcome {
			p.redirect(w, r, "")
			return
		}
		body := p.whatWasDecided(r)
		v := view{
			State: outcome, Title: outcome + ".title", at: outcome, Code: state.Code,
			Ref: state.Ref, ShowRef: outcome != approved && state.Ref != "", // which the person may have to tell an administrator
		}
		switch {
		case outcome != approved:
			body.Undo = ""
		case body.Fetched:
			v.Title = "approved.connected"
		case body.Known:
			v.awaits = true
		}
		v.Body = body
		p.show(w, r, http.StatusOK, pageDone, v)
	}
}

// whatWasDecided is as much as this browser may still know. What cannot be read
// is left out: the decision itself is made.
func (p *resultPages) whatWasDecided(r *http.Request) doneBody {
	_, undo := p.lastDecision(r)
	if undo.Grant().IsZero() {
		return doneBody{}
	}
	body := doneBody{Undo: undo.Reveal()}
	what, err := p.decision.Execute(r.Context(), undo)
	if err != nil {
		return body
	}
	body.Known, body.Client, body.App = true, what.ClientName, appOf(what.Client)
	body.Label, body.Email = labelOf(what.DeviceLabel), what.Subject.Email().String()
	body.Fetched, body.Until = what.Fetched, what.Until
	return body
}

// undoForm undoes the approval that this browser has just given.
func (p *resultPages) undoForm(w http.ResponseWriter, r *http.Request) {
	state := p.readState(r)
	code, err := device.ParseUserCode(r.PostForm.Get("user_code"))
	if err != nil {
		p.fail(w, r, state, err, noAllowance)
		return
	}
	err = p.undo.Execute(r.Context(), approval.ParseUndoToken(r.PostForm.Get("undo")), p.deps.Client.Origin(r))
	if errors.Is(err, approval.ErrInvalidSession) { // the five minutes are over
		state.Notice = tooLate
		p.writeState(w, state)
		p.redirect(w, r, "/sessions")
		return
	}
	if err != nil {
		p.fail(w, r, state, err, noAllowance)
		return
	}
	p.writeState(w, pageState{Code: code.String(), Outcome: undone, Ref: httpserver.RequestID(r.Context())})
	p.redirect(w, r, "/"+undone)
}
