package webui

import (
	"errors"
	"net/http"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
)

// codePath is that of the page, below the root.
const codePath = "/code"

// codePages ask for the user code after the sign-in.
type codePages struct {
	*base
	signIn    *application.DescribeSignIn
	enterCode *application.EnterCode
}

func newCodePages(b *base, signIn *application.DescribeSignIn, enterCode *application.EnterCode) *codePages {
	return &codePages{b, signIn, enterCode}
}

func (p *codePages) mount(r routes) {
	r.page("/device/code", p.codePage)
	r.form("/device/code", p.codeForm)
}

// codePage asks for the user code after the sign-in: it could not be looked up
// before, because too many wrong codes were tried.
func (p *codePages) codePage(w http.ResponseWriter, r *http.Request) {
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	state := p.readState(r)
	signIn, err := p.signIn.Execute(r.Context(), p.deps.Cookies.GrantSession(r))
	if err != nil {
		p.fail(w, r, state, err, noAllowance)
		return
	}
	if !signIn.NeedsCode {
		p.redirect(w, r, "/decide")
		return
	}
	v := view{State: "enter", Title: "enter.title", at: "code", Until: signIn.ExpiresAt, Ends: endOfSignIn}
	body := enterBody{
		CSRF: signIn.CSRF.Reveal(), Email: signIn.Subject.Email().String(),
		Typed: state.Typed, Wrong: state.Problem == device.ErrInvalidUserCode.Code,
	}
	if body.Wrong {
		v.State, v.Problem, v.Ref, v.Invalid = "error", state.Problem, state.Ref, true
	}
	v.Body = body
	p.show(w, r, http.StatusOK, pageEnter, v)
}

// codeForm takes the user code that the person typed.
func (p *codePages) codeForm(w http.ResponseWriter, r *http.Request) {
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	typed := r.PostForm.Get("user_code")
	if code, err := device.FindUserCode(typed); err == nil {
		typed = code.String()
	}
	typed = clean(typed)
	proof := approval.Proof{Session: p.deps.Cookies.GrantSession(r), CSRF: approval.ParseCSRF(r.PostForm.Get("csrf"))}
	code, allowance, err := p.enterCode.Execute(r.Context(), proof, typed, p.deps.Client.Origin(r))
	switch {
	case errors.Is(err, device.ErrInvalidUserCode):
		p.writeState(w, pageState{Typed: typed, Problem: device.ErrInvalidUserCode.Code, Ref: httpserver.RequestID(r.Context())})
		p.redirect(w, r, "/code#code-wrong")
	case err != nil:
		p.fail(w, r, pageState{Typed: typed, Retry: "code"}, err, allowance)
	default:
		p.writeState(w, pageState{Code: code.String(), Entered: true, ByHand: true})
		p.redirect(w, r, "/decide")
	}
}
