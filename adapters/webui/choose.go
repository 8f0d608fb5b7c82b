package webui

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

// way is one way to sign in.
type way struct {
	Slug, Name, Href string
}

type chooseBody struct {
	Only   way   // the only one, if there is only one
	ByMail bool  // an e-mail address finds the others
	Public []way // may be named
	Notice string
	Hint   string
	Visit  bool
	// ShowCode says that the code may be seen here: it is none that the person
	// has yet to type, and one that a device shows.
	ShowCode bool
}

// choosePage asks how to sign in. It names the connections that may be named;
// which others there are is nobody's business.
func (p *Pages) choosePage(w http.ResponseWriter, r *http.Request) {
	m := p.recall(r)
	if m.Code == "" && p.comesFromForm(r) {
		p.outage(w, r, http.StatusBadRequest, "no_cookies")
		return
	}
	if m.Code == "" {
		p.redirect(w, r, "")
		return
	}
	if p.shut(r.Context(), w, r) {
		return
	}
	body := chooseBody{Notice: m.Notice, Hint: m.Hint, Visit: m.Visit, ShowCode: !m.Visit && !p.mustType(m, m.Code)}
	all := p.deps.Connections.All()
	if len(all) == 1 {
		body.Only = way{all[0].Slug(), all[0].Settings().Name, p.initiate(m)}
	} else {
		body.ByMail = true
		for _, c := range all {
			if c.Settings().Public {
				body.Public = append(body.Public, way{c.Slug(), c.Settings().Name, p.initiate(m, "connection", c.Slug())})
			}
		}
	}
	v := view{State: "choose", Title: "choose.title", At: "sign-in", Step: 2, Code: m.Code, Body: body}
	if m.Visit {
		v.Step = 0
	}
	if m.Notice == noMatch || m.Notice == badEmail {
		v.Problem = m.Notice
	}
	v.Until = moment(m.Until)
	p.show(w, r, http.StatusOK, pageChoose, v)
}

// comesFromForm reports whether the form on the first page led here: nothing
// else on that page does. Whoever has then forgotten the code takes no cookies.
func (p *Pages) comesFromForm(r *http.Request) bool {
	from, err := url.Parse(r.Referer())
	if err != nil {
		return false
	}
	path := strings.TrimSuffix(strings.TrimRight(from.Path, "/"), "/leave")
	return from.Host != "" && path == p.root
}

// chooseForm takes a work e-mail address. Whether anybody speaks for its domain
// is found out where tries are counted.
func (p *Pages) chooseForm(w http.ResponseWriter, r *http.Request) {
	m := p.recall(r)
	code, err := device.ParseUserCode(r.PostForm.Get("user_code"))
	if err != nil {
		p.remember(w, memory{Problem: device.ErrInvalidUserCode.Code})
		p.redirect(w, r, "")
		return
	}
	if code.String() != m.Code {
		m = memory{Code: code.String()}
	}
	if r.PostForm.Get("again") != "" { // as somebody else
		m.Notice, m.Fresh, m.Leaving = otherAccount, true, false
		p.remember(w, m)
		p.redirect(w, r, "/sign-in")
		return
	}
	email, err := identity.ParseEmail(r.PostForm.Get("login_hint"))
	if err != nil {
		m.Notice, m.Leaving = badEmail, false
		p.remember(w, m)
		p.redirect(w, r, "/sign-in")
		return
	}
	m.Hint, m.Notice, m.Leaving = email.String(), "", true
	p.remember(w, m)
	p.redirect(w, r, "/leave")
}

type leaveBody struct {
	Name  string
	Visit bool
}

// leavePage goes on to the identity provider by itself, once: whoever comes
// back with the browser's button gets to choose instead of being sent away.
func (p *Pages) leavePage(w http.ResponseWriter, r *http.Request) {
	m := p.recall(r)
	if m.Code == "" || !m.Leaving {
		p.redirect(w, r, "/sign-in")
		return
	}
	if p.shut(r.Context(), w, r) {
		return
	}
	if r.Method != http.MethodHead {
		m.Leaving = false
		p.remember(w, m)
	}
	v := view{State: "choose", Title: "leave.title", Step: 2, Code: m.Code, frozen: true, Body: leaveBody{Visit: m.Visit}}
	v.Leave = p.initiate(m)
	if m.Visit {
		v.Step = 0
	}
	if all := p.deps.Connections.All(); len(all) == 1 {
		v.Body = leaveBody{all[0].Settings().Name, m.Visit}
	} else {
		v.Leave = p.initiate(m, "login_hint", m.Hint)
	}
	p.show(w, r, http.StatusOK, pageLeave, v)
}

// LeaveByPost goes on to an identity provider that takes no redirect: a form does
// it, by itself where there are scripts. Its policy names no target of forms,
// because Chromium holds the list against redirects too.
func (p *Pages) LeaveByPost(w http.ResponseWriter, r *http.Request, to ports.Redirect) {
	p.show(w, r, http.StatusOK, pageLeave, view{State: "choose", Title: "leave.title", frozen: true, Post: &to, Body: leaveBody{}})
}

func moment(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}
