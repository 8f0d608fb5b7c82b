package webui

import (
	"net/http"

	"github.com/devicegate/devicegate/domain/approval"
)

// signOutForm makes this browser forget the person. Cookies are taken back even
// if nothing was left to forget.
func (p *sessionPages) signOutForm(w http.ResponseWriter, r *http.Request) {
	proof := approval.Proof{Session: p.grantSession(r), CSRF: approval.ParseCSRF(r.PostForm.Get("csrf"))}
	if err := p.leave.Execute(r.Context(), proof, p.deps.Client.Origin(r)); err != nil {
		p.fail(w, r, p.readState(r), err, noAllowance)
		return
	}
	p.forget(w)
	p.redirect(w, r, "/signed-out")
}

// signedOutPage says what the browser has forgotten, and what it has not.
func (p *sessionPages) signedOutPage(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, pageDone, view{State: left, Title: "left.title", at: "signed-out", Body: doneBody{}})
}
