package webui

import (
	"net/http"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

// signInOption is one connection to sign in with.
type signInOption struct {
	Slug, Name, Href string
}

type chooseBody struct {
	Only     signInOption   // the only one, if there is only one
	Last     signInOption   // the one that was used last in this browser, if there are several
	ByMail   bool           // an e-mail address finds the others
	Public   []signInOption // may be named
	Notice   string
	Hint     string
	Managing bool
	// ShowCode says that the code may be shown: a device shows it, and the
	// person does not have to type it later.
	ShowCode bool
}

// choosePage asks how to sign in. It names only the public connections.
func (p *Pages) choosePage(w http.ResponseWriter, r *http.Request) {
	m := p.readState(r)
	if m.Code == "" && !m.Managing && p.cookiesOff(r) {
		p.setCookie(w, probeCookie, "1", 0)
		p.checkCookies(w, r, "")
		return
	}
	if m.Code == "" && !m.Managing {
		p.redirect(w, r, "")
		return
	}
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	body := chooseBody{Notice: m.Notice, Hint: m.Hint, Managing: m.Managing, ShowCode: !m.Managing && (m.ByHand || p.prefillsCode(r.Context()))}
	all := p.connectionsFor(r.Context(), m).All()
	if len(all) == 1 {
		body.Only = signInOption{all[0].Slug(), all[0].Settings().Name, p.initiate(m)}
	} else {
		body.ByMail = true
		last := p.lastConnection(r)
		for _, c := range all {
			option := signInOption{c.Slug(), c.Settings().Name, p.initiate(m, "connection", c.Slug())}
			switch {
			case c.Slug() == last:
				body.Last = option
			case c.Settings().Public:
				body.Public = append(body.Public, option)
			}
		}
	}
	v := view{State: "choose", Title: "choose.title", at: "sign-in", Step: 2, Code: m.Code, Body: body}
	if m.Managing {
		v.Step = 0
	}
	if m.Notice == noMatch || m.Notice == badEmail {
		v.Problem, v.Invalid = m.Notice, true
	}
	v.Until, v.Ends = moment(m.Until), endOfCode
	p.show(w, r, http.StatusOK, pageChoose, v)
}

// chooseForm takes a work e-mail address. Whether a connection speaks for its
// domain is decided at sso-initiate, where attempts are counted.
func (p *Pages) chooseForm(w http.ResponseWriter, r *http.Request) {
	m := p.readState(r)
	code, err := device.ParseUserCode(r.PostForm.Get("user_code"))
	if err != nil && !m.Managing {
		p.writeState(w, pageState{Problem: device.ErrInvalidUserCode.Code})
		p.redirect(w, r, "#code-wrong")
		return
	}
	if code.String() != m.Code {
		m = pageState{Code: code.String()}
	}
	if r.PostForm.Get("again") == sameAccount { // policy asks for a new sign-in
		p.signInAnew(w, r, m, code)
		return
	}
	if r.PostForm.Get("again") != "" { // with another account
		m.Notice, m.Fresh, m.Redirect = otherAccount, true, false
		p.writeState(w, m)
		p.redirect(w, r, "/sign-in")
		return
	}
	email, err := identity.ParseEmail(r.PostForm.Get("login_hint"))
	if err != nil {
		m.Notice, m.Redirect = badEmail, false
		p.writeState(w, m)
		p.redirect(w, r, "/sign-in#hint-wrong")
		return
	}
	m.Hint, m.Notice, m.Redirect = email.String(), "", true
	p.writeState(w, m)
	p.redirect(w, r, "/leave")
}

// signInAnew goes back to the identity provider of a sign-in, which asks for
// credentials again.
func (p *Pages) signInAnew(w http.ResponseWriter, r *http.Request, m pageState, code device.UserCode) {
	what, err := p.deps.Describe.Execute(r.Context(), p.deps.Cookies.GrantSession(r), code, p.deps.Client.Origin(r))
	m.Fresh = true
	if err != nil { // it has expired
		p.writeState(w, m)
		p.redirect(w, r, "/sign-in")
		return
	}
	m.Hint, m.Notice, m.Redirect = what.Subject.Email().String(), "", true
	p.writeState(w, m)
	p.redirect(w, r, "/leave")
}

type redirectBody struct {
	Name     string
	Managing bool
}

// redirectPage goes on to the identity provider by itself, once. With the
// browser's back button the person gets to choose instead of being sent away.
func (p *Pages) redirectPage(w http.ResponseWriter, r *http.Request) {
	m := p.readState(r)
	if m.Code == "" && !m.Managing || !m.Redirect {
		p.redirect(w, r, "/sign-in")
		return
	}
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	if r.Method != http.MethodHead {
		m.Redirect = false
		p.writeState(w, m)
	}
	v := view{State: "choose", Title: "redirect.title", Step: 2, Code: m.Code, noLanguages: true, Body: redirectBody{Managing: m.Managing}}
	v.RedirectURL = p.initiate(m)
	if m.Managing {
		v.Step = 0
	}
	if all := p.connectionsFor(r.Context(), m).All(); len(all) == 1 {
		v.Body = redirectBody{all[0].Settings().Name, m.Managing}
	} else {
		v.RedirectURL = p.initiate(m, "login_hint", m.Hint)
	}
	p.show(w, r, http.StatusOK, pageRedirect, v)
}

// PostToIdP sends the browser to an identity provider that takes requests by
// POST only: with a form, which a script submits.
func (p *Pages) PostToIdP(w http.ResponseWriter, r *http.Request, to ports.Redirect) {
	p.show(w, r, http.StatusOK, pageRedirect, view{State: "choose", Title: "redirect.title", noLanguages: true, Post: &to, Body: redirectBody{}})
}

func moment(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}
