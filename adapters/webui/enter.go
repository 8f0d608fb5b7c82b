package webui

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
)

// entryPages are the first page, which takes the code, and where every link and
// sign-in comes back to.
type entryPages struct {
	*base
	lookUp   *application.LookUpDevice
	signIn   *application.DescribeSignIn
	describe *application.DescribeApproval
}

func newEntryPages(b *base, lookUp *application.LookUpDevice, signIn *application.DescribeSignIn, describe *application.DescribeApproval) *entryPages {
	return &entryPages{b, lookUp, signIn, describe}
}

func (p *entryPages) mount(r routes) {
	r.page("/device", p.enterPage)
	r.form("/device", p.enterForm)
}

var noAllowance quota.Allowance

func readForm(r *http.Request) error {
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return fault.InvalidRequest("This form could not be read. Go back and send it again.")
	}
	return err
}

// longestWait is the longest window of any limit. A link that asks for a longer
// wait is forged.
const longestWait = time.Hour

type enterBody struct {
	CSRF   string // of a sign-in that waits for the code
	Email  string // of the person who signed in
	Typed  string
	Linked bool // a link put it into the field
	NoCode bool // a link held something else
	Wrong  bool
}

// enterPage shows the field for the code. Every link from outside leads here
// first.
func (p *entryPages) enterPage(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.Query()) > 0 {
		p.takeParameters(w, r)
		return
	}
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	if p.cookiesOff(r) {
		p.setCookie(w, probeCookie, "1", 0)
		p.checkCookies(w, r, "")
		return
	}
	state := p.readState(r)
	body := enterBody{Typed: state.Typed, Wrong: state.Problem == device.ErrInvalidUserCode.Code, NoCode: state.Notice == noCode}
	v := view{State: "enter", Title: "enter.title", Step: 1}
	if body.Wrong {
		v.State, v.Problem, v.Ref, v.Invalid = "error", state.Problem, state.Ref, true
	}
	body.Linked = !body.Wrong && state.Linked && body.Typed != ""
	v.Body = body
	p.show(w, r, http.StatusOK, pageEnter, v)
}

// takeParameters moves the parameters of the address into the page state, and
// redirects to the page that they are for. It looks no code up, so that a
// scanner that opens links changes and learns nothing.
func (p *entryPages) takeParameters(w http.ResponseWriter, r *http.Request) {
	q, state := r.URL.Query(), p.readState(r)
	if q.Has(cookieCheck) {
		p.cookiesChecked(w, r)
		return
	}
	if i, known := p.localeNamed(q.Get("lang")); known && ownLink(r) {
		p.setCookie(w, languageCookie, p.locales[i].tag.String(), languageLife)
		if q.Get("sso_error") == "" && (len(q) == 1 || q.Get("at") != "") { // chosen on a page
			p.redirect(w, r, pagePath(q.Get("at")))
			return
		}
	}
	code, err := device.ParseUserCode(q.Get("user_code"))
	hasCode := err == nil
	if hasCode && code.String() != state.Code {
		state = pageState{Code: code.String()}
	}
	state = state.withoutMessages()
	to := ""
	switch {
	case q.Get("sso_error") != "":
		to = p.takeError(r, q, &state)
	case q.Get("sso_verified") == "1":
		if to, err = p.afterSignIn(w, r, code, &state); err != nil {
			p.fail(w, r, state, err, noAllowance)
			return
		}
	case q.Get("choose") == "1" && state.Code != "":
		if by, err := p.clients(r.Context()).Find(q.Get("client_id")); err == nil {
			state.Client = by.ID()
		}
		if to = "/sign-in"; state.Hint != "" { // and no connection speaks for it
			state.Notice, to = noMatch, "/sign-in#hint-wrong"
		}
	case !p.prefillsCode(r.Context()):
		state.Typed, state.Linked = "", false
	case hasCode:
		state.Typed, state.Linked = code.String(), true
	case q.Has("user_code"):
		state.Typed, state.Notice = "", noCode
	}
	p.writeState(w, state.valid(p.deps.Now()))
	if path, _, _ := strings.Cut(to, "#"); !p.hasCookies(r) && (path == "" || path == "/sign-in") {
		p.checkCookies(w, r, to)
		return
	}
	p.redirect(w, r, to)
}

// afterSignIn returns the page for what the person signed in for.
func (p *entryPages) afterSignIn(w http.ResponseWriter, r *http.Request, code device.UserCode, state *pageState) (string, error) {
	session := p.deps.Cookies.GrantSession(r)
	signIn, err := p.signIn.Execute(r.Context(), session)
	if err != nil {
		return "", err
	}
	p.remember(w, signIn.Connection)
	switch {
	case signIn.Purpose == approval.ManageDevices:
		*state = pageState{}
		return "/sessions", nil
	case signIn.NeedsCode:
		*state = pageState{}
		return "/code", nil
	}
	what, err := p.describe.Execute(r.Context(), session, code, p.deps.Client.Origin(r))
	if err != nil {
		return "", err
	}
	if what.UserCode.String() != state.Code {
		*state = pageState{Code: what.UserCode.String()}
	}
	return "/decide", nil
}

// takeError keeps a refusal that stands in the address, and returns the page
// that shows it.
func (p *entryPages) takeError(r *http.Request, q url.Values, state *pageState) string {
	state.Problem, state.Reason, state.Ref, state.Retry = q.Get("sso_error"), q.Get("sso_reason"), q.Get("ref"), q.Get("at")
	if seconds, err := strconv.Atoi(q.Get("retry_after")); err == nil && seconds > 0 && seconds <= int(longestWait/time.Second) {
		state.Wait = p.deps.Now().Add(time.Duration(seconds) * time.Second).Unix()
	}
	if !problemForm.MatchString(state.Problem) {
		state.Problem = "unknown"
	}
	if !referenceForm.MatchString(state.Ref) {
		state.Ref = httpserver.RequestID(r.Context())
	}
	if state.Problem == device.ErrInvalidUserCode.Code {
		return "#code-wrong"
	}
	return "/problem"
}

// withoutMessages drops what earlier requests had to say.
func (state pageState) withoutMessages() pageState {
	state.Problem, state.Reason, state.Ref, state.Notice, state.Retry, state.Wait, state.Redirect = "", "", "", "", "", 0, false
	return state
}

// ownLink reports whether a link of our own pages led here, as far as the
// browser says so: another site must not choose the language of a warning.
func ownLink(r *http.Request) bool {
	from := r.Header.Get("Sec-Fetch-Site")
	return from == "" || from == "same-origin"
}

// pagePath is the path, below the root, of a page that a parameter names.
func pagePath(name string) string {
	switch name {
	case "sign-in", "code", "decide", "sessions", approved, denied, undone, "signed-out", "problem":
		return "/" + name
	}
	return ""
}

// enterForm looks the typed code up. With one connection it goes straight on to
// the identity provider.
func (p *entryPages) enterForm(w http.ResponseWriter, r *http.Request) {
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	typed := r.PostForm.Get("user_code")
	if code, err := device.FindUserCode(typed); err == nil {
		typed = code.String()
	}
	typed = clean(typed)
	found, err := p.lookUp.Execute(r.Context(), typed, p.deps.Client.Origin(r))
	if errors.Is(err, application.ErrSignInFirst) { // the code is asked for again after the sign-in
		code, malformed := device.ParseUserCode(typed)
		found, err = application.LookedUp{Valid: malformed == nil, UserCode: code}, nil
	}
	if err != nil {
		p.fail(w, r, pageState{Typed: typed}, err, found.Allowance)
		return
	}
	if !found.Valid {
		p.writeState(w, pageState{Typed: typed, Problem: device.ErrInvalidUserCode.Code, Ref: httpserver.RequestID(r.Context())})
		p.redirect(w, r, "#code-wrong")
		return
	}
	filled := p.readState(r)
	state := pageState{
		Code: found.UserCode.String(), Client: found.ClientID, Entered: true,
		ByHand: !filled.Linked || filled.Typed != typed,
	}
	if found.Remaining > 0 {
		state.Until = p.deps.Now().Add(found.Remaining).Unix()
	}
	to := "/sign-in"
	if found.Bound || len(p.connectionsFor(r.Context(), state).All()) == 1 { // the device named the account
		state.Redirect, to = true, "/leave"
	}
	p.writeState(w, state)
	p.redirect(w, r, to)
}
