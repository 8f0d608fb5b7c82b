package webui

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
)

// remedy is what a person can do about a problem.
type remedy int

const (
	startOver   remedy = iota // enter a code
	signInAgain               // for the same code
	signInOther               // for the same code, as somebody else
	lookAgain                 // at the decision
	tryAgain                  // where it went wrong
)

// problems are those that have a page of their own: which way leads out.
var problems = map[string]remedy{
	"invalid_request":               startOver,
	"not_found":                     startOver,
	"method_not_allowed":            startOver,
	"too_large":                     startOver,
	"user_code_expired":             startOver,
	"user_code_decided":             startOver,
	"user_code_not_pending":         startOver,
	"session_already_consumed":      startOver,
	"state_lost":                    startOver,
	"too_many_decisions":            startOver,
	"no_cookies":                    startOver,
	"rate_limited":                  tryAgain,
	"temporarily_unavailable":       tryAgain,
	"server_error":                  tryAgain,
	"unknown":                       startOver,
	"no_session":                    signInAgain,
	"user_code_mismatch":            signInAgain,
	"access_denied":                 signInAgain,
	"invalid_sso_assertion":         signInAgain,
	"browser_mismatch":              signInAgain,
	"sso_expired":                   signInAgain,
	"sso_replayed":                  signInAgain,
	"domain_not_allowed":            signInOther,
	"email_missing":                 signInOther,
	"email_belongs_to_dify_account": signInOther,
	"unknown_connection":            signInAgain,
	"sso_initiate_failed":           signInAgain,
	"sso_initiate_missing_url":      signInAgain,
	"csrf_mismatch":                 lookAgain,
	"another_code":                  lookAgain,
	"forbidden":                     startOver,
}

// aliases are codes whose page is another's, among them those that only the
// reference's page knows.
var aliases = map[string]string{
	"invalid_session":    "no_session",
	"expired_or_unknown": "user_code_not_pending",
	"already_resolved":   "user_code_decided",
	"conflict":           "state_lost",
	"too_many_requests":  "rate_limited",
}

// wording is the code whose sentences a problem gets.
func wording(code string) string {
	if alias, is := aliases[code]; is {
		code = alias
	}
	if _, known := problems[code]; !known {
		return "unknown"
	}
	return code
}

// problemBody is what the problem page shows.
type problemBody struct {
	Code   string // of the sentences
	Action string // key of the way out
	Href   string
	Icon   string
	Other  bool // there is another way: another code
	Again  bool // the way out is to sign in as somebody else
}

func (p *Pages) problem(w http.ResponseWriter, r *http.Request, status int, m memory) {
	code := wording(m.Reason)
	if code == "unknown" {
		code = wording(m.Problem)
	}
	body := problemBody{Code: code, Icon: iconOf(code), Action: "action.enter_code", Href: p.root}
	switch problems[code] {
	case signInAgain:
		if m.Code != "" {
			body.Action, body.Href, body.Other = "action.sign_in_again", p.root+"/sign-in", true
		}
	case signInOther:
		if m.Code != "" {
			body.Action, body.Href, body.Other, body.Again = "action.other_account", "", true, true
		}
	case lookAgain:
		if m.Code != "" {
			body.Action, body.Href, body.Other = "action.look_again", p.root+"/decide", true
		}
	}
	if problems[code] == tryAgain {
		body.Action, body.Href = "action.try_again", p.root+again(r.URL.Path)
	}
	v := view{State: "error", Problem: m.Problem, Title: "problem." + code + ".title", Ref: m.Ref, Code: m.Code}
	if m.Wait != 0 {
		v.Until = time.Unix(m.Wait, 0)
	}
	if v.Body = body; status == http.StatusOK {
		v.At = "problem"
	}
	p.show(w, r, status, pageProblem, v)
}

// again is the page, below the root, from which a request came that has to be
// made once more.
func again(path string) string {
	switch strings.TrimPrefix(strings.TrimRight(path, "/"), "/device") {
	case "/approve", "/deny", "/decide":
		return "/decide"
	case "/sign-in", "/leave":
		return "/sign-in"
	}
	return ""
}

func iconOf(code string) string {
	switch code {
	case "rate_limited", "no_session", "sso_expired", "user_code_expired", "user_code_not_pending":
		return "clock"
	case "sso_unavailable", "no_connection":
		return "off"
	}
	return "alert"
}

// fail answers a form or a page that was refused. What a person can do
// something about is remembered and shown after a redirect, so that reloading
// repeats nothing. What has to be said in a status is said at once.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, m memory, err error, allowance quota.Allowance) {
	id := httpserver.RequestID(r.Context())
	var tooLarge *http.MaxBytesError
	f, refused := fault.Of(err)
	switch {
	case errors.As(err, &tooLarge):
		p.outage(w, r, http.StatusRequestEntityTooLarge, "too_large")
		return
	case !refused || f.Kind == fault.Internal:
		p.deps.Log.ErrorContext(r.Context(), "page failed", "request_id", id, "route", r.URL.Path, "error", err)
		p.outage(w, r, http.StatusInternalServerError, "server_error")
		return
	case f.Kind == fault.Unavailable:
		p.deps.Log.ErrorContext(r.Context(), "page failed", "request_id", id, "route", r.URL.Path, "code", f.Code, "error", err)
		w.Header().Set("Retry-After", "5")
		p.outage(w, r, http.StatusServiceUnavailable, f.Code)
		return
	}
	p.deps.Log.InfoContext(r.Context(), "page refused", "request_id", id, "route", r.URL.Path, "code", f.PageCode())
	m.Problem, m.Reason, m.Ref, m.Wait = f.Code, f.PageCode(), id, 0
	switch f.Kind {
	case fault.RateLimited:
		m.Wait = p.deps.Now().Add(allowance.Reset).Unix()
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(allowance.Reset.Seconds())))))
		p.problem(w, r, http.StatusTooManyRequests, m)
	case fault.Forbidden:
		if errors.Is(err, httpserver.ErrCrossOrigin) { // another site gets no say in what is remembered
			p.problem(w, r, http.StatusForbidden, memory{Problem: m.Problem, Ref: id})
			return
		}
		p.toProblem(w, r, m)
	default:
		p.toProblem(w, r, m)
	}
}

func (p *Pages) toProblem(w http.ResponseWriter, r *http.Request, m memory) {
	if m.Problem == device.ErrInvalidUserCode.Code {
		p.remember(w, memory{Typed: m.Typed, Problem: m.Problem, Ref: m.Ref})
		p.redirect(w, r, "")
		return
	}
	p.remember(w, m)
	p.redirect(w, r, "/problem")
}

// outage answers with a page that needs nothing but itself.
func (p *Pages) outage(w http.ResponseWriter, r *http.Request, status int, code string) {
	p.problem(w, r, status, memory{Problem: code, Ref: httpserver.RequestID(r.Context())})
}
