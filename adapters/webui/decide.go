package webui

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
)

type decideBody struct {
	Client      string
	Label       label
	Email       string
	Via         string // name of the connection
	RequestedAt time.Time
	Minutes     int        // since then
	From        netip.Addr // zero: unknown
	Near        bool       // the device asked from where the person sits
	Hasty       bool       // the person has seen nothing of ours before: a link led past the first page
	Verdict     string     // key of the sentence that says so
	Scopes      []string
	CSRF        string
	MustType    bool
	Mistyped    bool
}

// decidePage shows what there is to decide: the only page from which a device
// is let in.
func (p *Pages) decidePage(w http.ResponseWriter, r *http.Request) {
	if p.shut(r.Context(), w, r) {
		return
	}
	m := p.recall(r)
	code, _ := device.ParseUserCode(m.Code) // none: the latest sign-in
	if m.Outcome != "" {                    // with the browser's button
		p.redirect(w, r, "/"+m.Outcome)
		return
	}
	session, facts := p.deps.Cookies.GrantSession(r), p.deps.Client.Origin(r)
	what, err := p.deps.Describe.Execute(r.Context(), session, code, facts)
	if errors.Is(err, approval.ErrNoSession) && !code.IsZero() {
		if other, err := p.deps.Describe.Execute(r.Context(), session, device.UserCode{}, facts); err == nil && !other.Visit {
			p.anotherCode(w, r, other)
			return
		}
	}
	if err != nil {
		p.fail(w, r, m, err, noAllowance)
		return
	}
	if what.Visit {
		p.redirect(w, r, "/sessions")
		return
	}
	v := view{State: "decide", Title: "decide.title", At: "decide", Step: 3, Code: what.UserCode.String(), Until: what.ExpiresAt}
	if until := moment(m.Until); m.Code == v.Code && !until.IsZero() && until.Before(v.Until) {
		v.Until = until
	}
	body := p.whatToDecide(what, m)
	if body.MustType && m.Notice == typedMismatch {
		body.Mistyped, v.Problem = true, typedMismatch
	}
	v.Body = body
	p.show(w, r, http.StatusOK, pageDecide, v)
}

func (p *Pages) whatToDecide(what application.Approval, m memory) decideBody {
	code := what.UserCode.String()
	body := decideBody{
		Client: what.ClientName, Label: labelOf(what.DeviceLabel), Email: what.Subject.Email().String(),
		RequestedAt: what.RequestedAt, Minutes: max(0, int(p.deps.Now().Sub(what.RequestedAt)/time.Minute)),
		Near: what.NetworkMatch == device.SameNetwork, Hasty: !m.Entered || m.Code != code,
		Scopes: token.ScopesOf(what.Subject.Type()), CSRF: what.CSRF.Reveal(),
		MustType: p.mustType(m, code),
	}
	if what.NetworkMatch != device.UnknownNetwork {
		body.From = what.RequestedFrom.Unmap()
	}
	body.Verdict = verdictOn(what.NetworkMatch, body.Minutes)
	if via, err := p.deps.Connections.Find(what.Connection); err == nil {
		body.Via = via.Settings().Name
	}
	return body
}

// anotherCode is for a tab whose code another tab has replaced: the person is
// still signed in, for the device that they signed in for.
func (p *Pages) anotherCode(w http.ResponseWriter, r *http.Request, other application.Approval) {
	m := memory{Code: other.UserCode.String(), Problem: "another_code", Ref: httpserver.RequestID(r.Context())}
	p.remember(w, m)
	p.redirect(w, r, "/problem")
}

// verdictOn is the key of what the page says about where and when a request
// began.
func verdictOn(where device.NetworkMatch, minutes int) string {
	if minutes == 0 {
		return "verdict." + string(where) + "_now"
	}
	return "verdict." + string(where)
}

// mustType reports whether the person has yet to type the code. Signing in does
// not lead by the first page for whoever was sent a link that leads past it.
func (p *Pages) mustType(m memory, code string) bool {
	return p.deps.Config.RequireTypedCode && (!m.ByHand || m.Code != code)
}

// verdict is Execute of the use case that approves or denies.
type verdict func(ctx context.Context, proof approval.Proof, code device.UserCode, origin request.Origin) (application.Decided, error)

// decideForm carries a decision out. The form's own code counts, not what the
// browser was about last: there may be two tabs.
func (p *Pages) decideForm(outcome string) http.HandlerFunc {
	decide := verdict(p.deps.Approve.Execute)
	if outcome == denied {
		decide = p.deps.Deny.Execute
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if p.shut(r.Context(), w, r) {
			return
		}
		m := p.recall(r)
		code, err := device.ParseUserCode(r.PostForm.Get("user_code"))
		if err != nil {
			p.fail(w, r, m, err, noAllowance)
			return
		}
		if code.String() != m.Code {
			m = memory{Code: code.String()}
		}
		if m.Outcome != "" { // sent twice
			p.redirect(w, r, "/"+m.Outcome)
			return
		}
		if outcome == approved && p.mustType(m, code.String()) {
			if typed, err := device.ParseUserCode(r.PostForm.Get("typed_code")); err != nil || typed != code {
				m.Notice = typedMismatch
				p.remember(w, m)
				p.redirect(w, r, "/decide")
				return
			}
		}
		proof := approval.Proof{Session: p.deps.Cookies.GrantSession(r), CSRF: approval.ParseCSRF(r.PostForm.Get("csrf"))}
		decided, err := decide(r.Context(), proof, code, p.deps.Client.Origin(r))
		if err != nil {
			p.fail(w, r, m, err, decided.Allowance)
			return
		}
		if !decided.MoreToDecide {
			p.deps.Cookies.ClearGrantSession(w)
		}
		p.keepRecent(w, proof)
		p.remember(w, memory{Code: code.String(), Outcome: outcome})
		p.redirect(w, r, "/"+outcome)
	}
}

// doneBody is what the last page shows. With a CSRF token the person can still
// say that it was not they.
type doneBody struct{ CSRF string }

// donePage says how it ended.
func (p *Pages) donePage(outcome string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m := p.recall(r)
		if m.Outcome != outcome {
			p.redirect(w, r, "")
			return
		}
		body := doneBody{}
		if recent := p.recent(r); outcome == approved && !recent.Session.IsZero() {
			body.CSRF = recent.CSRF.Reveal()
		}
		p.show(w, r, http.StatusOK, pageDone, view{State: outcome, Title: outcome + ".title", At: outcome, Code: m.Code, Body: body})
	}
}

// problemPage says what went wrong.
func (p *Pages) problemPage(w http.ResponseWriter, r *http.Request) {
	m := p.recall(r)
	if m.Problem == "" {
		p.redirect(w, r, "")
		return
	}
	p.problem(w, r, http.StatusOK, m)
}
