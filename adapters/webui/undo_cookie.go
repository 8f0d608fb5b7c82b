package webui

import (
	"net/http"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
)

// The approval-grant cookie ends with the decision. For five minutes more the
// undo cookie keeps the grant session, so that the person can look at their
// devices, and the undo token of the approval. It is sent to the pages only.
const (
	undoCookie = "device_undo"
	undoLife   = 5 * time.Minute
)

func (p *base) setUndoCookie(w http.ResponseWriter, session approval.GrantSession, undo approval.UndoToken) {
	p.setCookie(w, undoCookie, session.Reveal()+"."+undo.Reveal(), undoLife)
}

// lastDecision is the grant session and the undo token of the last decision;
// zero if there was none.
func (p *base) lastDecision(r *http.Request) (approval.GrantSession, approval.UndoToken) {
	session, undo, _ := strings.Cut(p.readCookie(r, undoCookie), ".")
	return approval.ParseGrantSession(session), approval.ParseUndoToken(undo)
}

// grantSession finds this browser's last sign-in, decided or not.
func (p *base) grantSession(r *http.Request) approval.GrantSession {
	if s := p.deps.Cookies.GrantSession(r); !s.IsZero() {
		return s
	}
	session, _ := p.lastDecision(r)
	return session
}
