package webui

import (
	"net/http"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
)

// signInPages are the choice of an identity provider and the way to it.
type signInPages struct {
	*base
	describe *application.DescribeApproval
}

func newSignInPages(b *base, describe *application.DescribeApproval) *signInPages {
	return &signInPages{b, describe}
}

func (p *signInPages) mount(r routes) {
	r.page("/device/leave", p.redirectPage)
	r.page("/device/sign-in", p.choosePage)
	r.form("/device/sign-in", p.chooseForm)
}

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
func (p *signInPages) choosePage(w http.ResponseWriter, r *http.Request) {
	state := p.readState(r)
	if state.Code == "" && !state.Managing && p.cookiesOff(r) {
		p.setCookie(w, probeCookie, "1", 0)
		p.checkCookies(w, r, "")
		return
	}
	if state.Code == "" && !state.Managing {
		p.redirect(w, r, "")
		return
	}
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	body := chooseBody{Notice: state.Notice, Hint: state.Hint, Managing: state.Managing, ShowCode: !state.Managing && (state.ByHand || p.prefillsCode(r.Context()))}
	all := p.connectionsFor(r.Context(), state).All()
	if len(all) == 1 {
		body.Only = signInOption{all[0].Slug(), all[0].Settings().Name, p.initiate(state)}
	} else {
		body.ByMail = true
		last := p.lastConnection(r)
		for _, c := range all {
			option := signInOption{c.Slug(), c.Settings().Name, p.initiate(state, "connection", c.Slug())}
			switch {
			case c.Slug() == last:
				body.Last = option
			case c.Settings().Public:
				body.Public = append(body.Public, option)
			}
		}
	}
	v := view{State: "choose", Title: "choose.title", at: "sign-in", Step: 2, Code: state.Code, Body: body}
	if state.Managing {
		v.Step = 0
	}
	if state.Notice == noMatch || state.Notice == badEmail {
		v.Problem, v.Invalid = state.Notice, true
	}
	v.Until, v.Ends = moment(state.Until), endOfCode
	p.show(w, r, http.StatusOK, pageChoose, v)
}

// chooseForm takes a work e-mail address. Whether a connection speaks for its
// domain is decided at sso-initiate, where attempts are counted.
func (p *signInPages) chooseForm(w http.ResponseWriter, r *http.Request) {
	state := p.readState(r)
	code, err := device.ParseUserCode(r.PostForm.Get("user_code"))
	if err != nil && !state.Managing {
		p.writeState(w, pageState{Problem: device.ErrInvalidUserCode.Code})
		p.redirect(w, r, "#code-wrong")
		return
	}
	if code.String() != state.Code {
		state = pageState{Code: code.String()}
	}
	if r.PostForm.Get("again") == sameAccount { // policy asks for a new sign-in
		p.signInAnew(w, r, state, code)
		return
	}
	if r.PostForm.Get("again") != "" { // with another account
		state.Notice, state.Fresh, state.Redirect = otherAccount, true, false
		p.writeState(w, state)
		p.redirect(w, r, "/sign-in")
		return
	}
	email, err := identity.ParseEmail(r.PostForm.Get("login_hint"))
	if err != nil {
		state.Notice, state.Redirect = badEmail, false
		p.writeState(w, state)
		p.redirect(w, r, "/sign-in#hint-wrong")
		return
	}
	state.Hint, state.Notice, state.Redirect = email.String(), "", true
	p.writeState(w, state)
	p.redirect(w, r, "/leave")
}

// signInAnew goes back to the identity provider of a sign-in, which asks for
// credentials again.
func (p *signInPages) signInAnew(w http.ResponseWriter, r *http.Request, state pageState, code device.UserCode) {
	what, err := p.describe.Execute(r.Context(), p.deps.Cookies.GrantSession(r), code, p.deps.Client.Origin(r))
	state.Fresh = true
	if err != nil { // it has expired
		p.writeState(w, state)
		p.redirect(w, r, "/sign-in")
		return
	}
	state.Hint, state.Notice, state.Redirect = what.Subject.Email().String(), "", true
	p.writeState(w, state)
	p.redirect(w, r, "/leave")
}

type redirectBody struct {
	Name     string
	Managing bool
}

// redirectPage goes on to the identity provider by itself, once. With the
// browser's back button the person gets to choose instead of being sent away.
func (p *signInPages) redirectPage(w http.ResponseWriter, r *http.Request) {
	state := p.readState(r)
	if state.Code == "" && !state.Managing || !state.Redirect {
		p.redirect(w, r, "/sign-in")
		return
	}
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	if r.Method != http.MethodHead {
		state.Redirect = false
		p.writeState(w, state)
	}
	v := view{State: "choose", Title: "redirect.title", Step: 2, Code: state.Code, noLanguages: true, Body: redirectBody{Managing: state.Managing}}
	v.RedirectURL = p.initiate(state)
	if state.Managing {
		v.Step = 0
	}
	if all := p.connectionsFor(r.Context(), state).All(); len(all) == 1 {
		v.Body = redirectBody{all[0].Settings().Name, state.Managing}
	} else {
		v.RedirectURL = p.initiate(state, "login_hint", state.Hint)
	}
	p.show(w, r, http.StatusOK, pageRedirect, v)
}

func moment(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}
