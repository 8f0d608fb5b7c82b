package webui

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
)

var noAllowance quota.Allowance

func readForm(r *http.Request) error {
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return fault.InvalidRequest("This form could not be read. Go back and send it again.")
	}
	return err
}

// longestWait is as long as any limit's window; whoever says more in a link only
// wants to keep somebody away.
const longestWait = time.Hour

type enterBody struct {
	Typed     string
	Prefilled bool
	Wrong     bool
}

// enterPage shows the field for the code. Every way into the pages from outside
// comes by here first.
func (p *Pages) enterPage(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.Query()) > 0 {
		p.arrive(w, r)
		return
	}
	if p.shut(r.Context(), w, r) {
		return
	}
	m := p.recall(r)
	body := enterBody{Typed: m.Typed, Wrong: m.Problem == device.ErrInvalidUserCode.Code}
	v := view{State: "enter", Title: "enter.title", Step: 1}
	if body.Wrong {
		v.State, v.Problem, v.Ref = "error", m.Problem, m.Ref
	}
	body.Prefilled = !body.Wrong && body.Typed != ""
	v.Body = body
	p.show(w, r, http.StatusOK, pageEnter, v)
}

// arrive takes what stands in the address out of it. It looks nothing up, so
// that a scanner that opens links for people changes and learns nothing.
func (p *Pages) arrive(w http.ResponseWriter, r *http.Request) {
	q, m := r.URL.Query(), p.recall(r)
	if i, known := p.languageNamed(q.Get("lang")); known && ownLink(r) {
		p.setCookie(w, languageCookie, p.tongues[i].tag.String(), languageLife)
		if at := q.Get("at"); len(q) == 1 || at != "" { // chosen on a page
			p.redirect(w, r, backTo(at))
			return
		}
	}
	code, named := device.ParseUserCode(q.Get("user_code"))
	if named == nil && code.String() != m.Code {
		m = memory{Code: code.String()}
	}
	m.Problem, m.Reason, m.Ref, m.Notice, m.Leaving, m.Wait, m.Typed = "", "", "", "", false, 0, ""
	to := ""
	switch {
	case q.Get("sso_error") != "":
		m.Problem, m.Reason, m.Ref = q.Get("sso_error"), q.Get("sso_reason"), q.Get("ref")
		if seconds, err := strconv.Atoi(q.Get("retry_after")); err == nil && seconds > 0 && seconds <= int(longestWait/time.Second) {
			m.Wait = p.deps.Now().Add(time.Duration(seconds) * time.Second).Unix()
		}
		if !problemForm.MatchString(m.Problem) {
			m.Problem = "unknown"
		}
		if !referenceForm.MatchString(m.Ref) {
			m.Ref = httpserver.RequestID(r.Context())
		}
		if m.Problem != device.ErrInvalidUserCode.Code {
			to = "/problem"
		}
	case q.Get("sso_verified") == "1":
		what, err := p.deps.Describe.Execute(r.Context(), p.deps.Cookies.GrantSession(r), code, p.deps.Client.Origin(r))
		if err != nil {
			p.fail(w, r, m, err, noAllowance)
			return
		}
		if what.UserCode.String() != m.Code {
			m = memory{Code: what.UserCode.String()}
		}
		if to = "/decide"; what.Visit {
			to = "/sessions"
		}
	case q.Get("choose") == "1" && m.Code != "":
		if to = "/sign-in"; m.Hint != "" { // and nobody speaks for it
			m.Notice = noMatch
		}
	case named == nil && !p.deps.Config.RequireTypedCode:
		m.Typed = code.String()
	case q.Get("user_code") != "" && !p.deps.Config.RequireTypedCode:
		m.Typed = q.Get("user_code") // not one; the person sees what it is
	}
	p.remember(w, m.valid(p.deps.Now()))
	p.redirect(w, r, to)
}

// ownLink reports whether no other site and no mail led here, as far as the
// browser tells: a stranger must not choose in which language one is warned.
func ownLink(r *http.Request) bool {
	from := r.Header.Get("Sec-Fetch-Site")
	return from == "" || from == "same-origin"
}

// backTo is the page on which a person chose a language.
func backTo(at string) string {
	switch at {
	case "sign-in", "decide", "sessions", approved, denied, undone, "problem":
		return "/" + at
	}
	return ""
}

// enterForm finds out whether what was typed is a code, and goes straight on if
// there is only one way to sign in.
func (p *Pages) enterForm(w http.ResponseWriter, r *http.Request) {
	if p.shut(r.Context(), w, r) {
		return
	}
	typed := r.PostForm.Get("user_code")
	if code, err := device.FindUserCode(typed); err == nil {
		typed = code.String()
	}
	typed = clean(typed)
	found, err := p.deps.LookUp.Execute(r.Context(), typed, p.deps.Client.Origin(r))
	if err != nil {
		p.fail(w, r, memory{Typed: typed}, err, found.Allowance)
		return
	}
	if !found.Valid {
		p.remember(w, memory{Typed: typed, Problem: device.ErrInvalidUserCode.Code, Ref: httpserver.RequestID(r.Context())})
		p.redirect(w, r, "")
		return
	}
	m := memory{
		Code: found.UserCode.String(), Entered: true, Until: p.deps.Now().Add(found.Remaining).Unix(),
		ByHand: p.deps.Config.RequireTypedCode, // which fills no field for anybody
	}
	to := "/sign-in"
	if len(p.deps.Connections.All()) == 1 {
		m.Leaving, to = true, "/leave"
	}
	p.remember(w, m)
	p.redirect(w, r, to)
}
