package webui

import (
	"net/http"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
)

// The approval-grant cookie ends with the decision. For five minutes more there
// is room for second thoughts and, as long as the sign-in counts, for a look at
// one's own devices: the pages keep the proof for that in a cookie of their own,
// which reaches nobody else.
const (
	recentCookie = "device_recent"
	recentLife   = 5 * time.Minute
)

func (p *Pages) keepRecent(w http.ResponseWriter, proof approval.Proof) {
	p.setCookie(w, recentCookie, proof.Session.Reveal()+"."+proof.CSRF.Reveal(), recentLife)
}

// recent is the proof of a decision just made, if there was one.
func (p *Pages) recent(r *http.Request) approval.Proof {
	handle, csrf, _ := strings.Cut(p.readCookie(r, recentCookie), ".")
	return approval.Proof{Session: approval.ParseGrantSession(handle), CSRF: approval.ParseCSRF(csrf)}
}

// whoever is the handle by which this browser's last sign-in is found.
func (p *Pages) whoever(r *http.Request) approval.GrantSession {
	if h := p.deps.Cookies.GrantSession(r); !h.IsZero() {
		return h
	}
	return p.recent(r).Session
}
