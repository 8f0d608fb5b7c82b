package webui

import (
	"net/http"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
)

// The approval-grant cookie ends with the decision. The undo cookie keeps the
// proof of the sign-in for five minutes more, so that the person can undo the
// approval or look at their devices. It is sent to the pages only.
const (
	undoCookie = "device_undo"
	undoLife   = 5 * time.Minute
)

func (p *Pages) setUndoCookie(w http.ResponseWriter, proof approval.Proof) {
	p.setCookie(w, undoCookie, proof.Session.Reveal()+"."+proof.CSRF.Reveal(), undoLife)
}

// undoProof is the proof of the last decision, or zero.
func (p *Pages) undoProof(r *http.Request) approval.Proof {
	session, csrf, _ := strings.Cut(p.readCookie(r, undoCookie), ".")
	return approval.Proof{Session: approval.ParseGrantSession(session), CSRF: approval.ParseCSRF(csrf)}
}

// grantSession finds this browser's last sign-in, decided or not.
func (p *Pages) grantSession(r *http.Request) approval.GrantSession {
	if s := p.deps.Cookies.GrantSession(r); !s.IsZero() {
		return s
	}
	return p.undoProof(r).Session
}
