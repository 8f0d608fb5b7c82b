package webui

import (
	"net/http"
	"time"
)

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
func (p *Pages) donePage(outcome string) http.HandlerFunc {
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
func (p *Pages) whatWasDecided(r *http.Request) doneBody {
	_, undo := p.lastDecision(r)
	if undo.Grant().IsZero() {
		return doneBody{}
	}
	body := doneBody{Undo: undo.Reveal()}
	what, err := p.deps.Decision.Execute(r.Context(), undo)
	if err != nil {
		return body
	}
	body.Known, body.Client, body.App = true, what.ClientName, appOf(what.Client)
	body.Label, body.Email = labelOf(what.DeviceLabel), what.Subject.Email().String()
	body.Fetched, body.Until = what.Fetched, what.Until
	return body
}
