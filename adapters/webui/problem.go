package webui

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
)

// nextStep is the way out of a problem page.
type nextStep int

const (
	startOver   nextStep = iota // enter a code
	signInAgain                 // for the same code
	signInOther                 // for the same code, with another account
	lookAgain                   // at the decision
	tryAgain                    // on the page on which it failed
)

// problemPageOf says how a problem is shown.
type problemPageOf struct {
	next nextStep
	ref  bool // the sentence asks for it: to tell an administrator or support
}

// problems are the codes that have sentences of their own.
var problems = map[string]problemPageOf{
	"invalid_request":               {startOver, false},
	"not_found":                     {startOver, false},
	"method_not_allowed":            {startOver, false},
	"too_large":                     {startOver, false},
	"user_code_expired":             {startOver, false},
	"user_code_decided":             {startOver, false},
	"user_code_not_pending":         {startOver, false},
	"session_already_consumed":      {startOver, false},
	"state_lost":                    {startOver, false},
	"too_many_decisions":            {lookAgain, false},
	"no_cookies":                    {startOver, false},
	"rate_limited":                  {tryAgain, false},
	"temporarily_unavailable":       {tryAgain, true},
	"server_error":                  {tryAgain, true},
	"unknown":                       {startOver, true},
	"no_session":                    {signInAgain, false},
	"user_code_mismatch":            {signInAgain, false},
	"access_denied":                 {signInAgain, true},
	"invalid_sso_assertion":         {signInAgain, true},
	"browser_mismatch":              {signInAgain, false},
	"sso_expired":                   {signInAgain, false},
	"sso_finished_elsewhere":        {signInAgain, false},
	"sso_replayed":                  {signInAgain, true},
	"idp_initiated":                 {startOver, false},
	"domain_not_allowed":            {signInOther, true},
	"email_missing":                 {signInOther, true},
	"email_belongs_to_dify_account": {signInOther, false},
	"subject_mismatch":              {signInOther, false},
	"reauthentication_required":     {lookAgain, true},
	"network_not_allowed":           {lookAgain, true},
	"approval_refused":              {lookAgain, true},
	"client_suspended":              {startOver, true},
	"connection_not_allowed":        {signInAgain, true},
	"unknown_connection":            {signInAgain, false},
	"sso_initiate_failed":           {signInAgain, true},
	"sso_initiate_missing_url":      {signInAgain, true},
	"csrf_mismatch":                 {lookAgain, false},
	"code_page_out_of_date":         {lookAgain, false},
	"too_many_codes":                {startOver, false},
	"another_code":                  {lookAgain, false},
	"forbidden":                     {startOver, false},
}

// aliases are codes that share the sentences of another code, among them those
// of the reference's page.
var aliases = map[string]string{
	"invalid_session":    "no_session",
	"expired_or_unknown": "user_code_not_pending",
	"already_resolved":   "user_code_decided",
	"conflict":           "state_lost",
	"too_many_requests":  "rate_limited",
	"unsupported_client": "client_suspended",
}

// problemCode is the code whose sentences a problem gets.
func problemCode(code string) string {
	if alias, is := aliases[code]; is {
		code = alias
	}
	if _, known := problems[code]; !known {
		return "unknown"
	}
	return code
}

// onCodePage is the code whose sentences a problem gets on the page that asks for
// the user code after the sign-in: there is no request to look at yet, and the
// sign-in ends before a limit does.
func onCodePage(code string) string {
	switch code {
	case "csrf_mismatch":
		return "code_page_out_of_date"
	case "rate_limited":
		return "too_many_codes"
	}
	return code
}

// problemBody is the content of the problem page.
type problemBody struct {
	Code         string // of the sentences
	Action       string // key of the way out
	Href         string
	Icon         string
	Waits        bool // the way out is of no use before the wait is over
	OtherCode    bool // another way out is to enter another code
	OtherAccount bool // the way out is a form that signs in with another account
}

func (p *base) problem(w http.ResponseWriter, r *http.Request, status int, state pageState) {
	code := problemCode(state.Reason)
	if code == "unknown" {
		code = problemCode(state.Problem)
	}
	retry := retryPage(r.URL.Path)
	if status == http.StatusOK {
		retry = pagePath(state.Retry)
	}
	if retry == codePath {
		code = onCodePage(code)
	}
	v := view{
		State: "error", Problem: state.Problem, Title: "problem." + code + ".title", Code: state.Code,
		Ref: state.Ref, ShowRef: problems[code].ref && state.Ref != "",
	}
	if state.Wait != 0 {
		v.Until = time.Unix(state.Wait, 0)
	}
	if status == http.StatusOK {
		v.at = "problem"
	} else {
		v.again = p.parametersOf(state, v.Until, retry)
	}
	v.Body = p.nextStepOf(code, state, retry)
	p.show(w, r, status, pageProblem, v)
}

func (p *base) nextStepOf(code string, state pageState, retry string) problemBody {
	body := problemBody{Code: code, Icon: iconOf(code), Action: "action.enter_code", Href: p.root}
	next := problems[code].next
	switch {
	case code == "too_many_codes":
		body.Waits = true
	case code == "code_page_out_of_date":
		body.Href = p.root + retry
	case next == tryAgain:
		body.Action, body.Href, body.Waits = "action.try_again", p.root+retry, true
	case state.Code == "":
	case next == signInAgain:
		body.Action, body.Href, body.OtherCode = "action.sign_in_again", p.root+"/sign-in", true
	case next == signInOther:
		body.Action, body.Href, body.OtherCode, body.OtherAccount = "action.other_account", "", true, true
	case next == lookAgain:
		body.Action, body.Href, body.OtherCode = "action.look_again", p.root+"/decide", true
	}
	return body
}

// parametersOf are those with which [entryPages.takeParameters] shows the same
// problem again. A page that answers a failed request at once has no address of
// its own, and its language links need one.
func (p *base) parametersOf(state pageState, until time.Time, retry string) url.Values {
	q := url.Values{"sso_error": {state.Problem}}
	add := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	if state.Reason != state.Problem {
		add("sso_reason", state.Reason)
	}
	add("ref", state.Ref)
	add("at", strings.TrimPrefix(retry, "/"))
	if left := until.Sub(p.deps.Now()); !until.IsZero() && left > 0 {
		add("retry_after", strconv.Itoa(int(math.Ceil(left.Seconds()))))
	}
	return q
}

// retryPage is the page, below the root, from which a failed request came.
func retryPage(path string) string {
	switch strings.TrimPrefix(strings.TrimRight(path, "/"), "/device") {
	case "/approve", "/deny", "/decide":
		return "/decide"
	case "/sign-in", "/leave":
		return "/sign-in"
	case codePath:
		return codePath
	case "/sessions", "/sign-out":
		return "/sessions"
	}
	return ""
}

func iconOf(code string) string {
	switch code {
	case "rate_limited", "too_many_codes", "too_many_decisions", "no_session", "sso_expired", "user_code_expired", "user_code_not_pending":
		return "clock"
	case "sso_unavailable", "no_connection":
		return "off"
	}
	return "alert"
}

// fail answers a form or a page that was refused. A refusal is kept and shown
// after a redirect, so that reloading repeats nothing; one that needs a status
// of its own is shown at once.
func (p *base) fail(w http.ResponseWriter, r *http.Request, state pageState, err error, allowance quota.Allowance) {
	id := httpserver.RequestID(r.Context())
	var tooLarge *http.MaxBytesError
	f, refused := fault.Of(err)
	switch {
	case errors.As(err, &tooLarge):
		p.errorPage(w, r, http.StatusRequestEntityTooLarge, "too_large")
		return
	case !refused || f.Kind == fault.Internal:
		p.deps.Log.ErrorContext(r.Context(), "page failed", "request_id", id, "route", r.URL.Path, "error", err)
		p.errorPage(w, r, http.StatusInternalServerError, "server_error")
		return
	case f.Kind == fault.Unavailable:
		p.deps.Log.ErrorContext(r.Context(), "page failed", "request_id", id, "route", r.URL.Path, "code", f.Code, "error", err)
		w.Header().Set("Retry-After", "5")
		p.errorPage(w, r, http.StatusServiceUnavailable, f.Code)
		return
	}
	p.deps.Log.InfoContext(r.Context(), "page refused", "request_id", id, "route", r.URL.Path, "code", f.PageCode())
	state.Problem, state.Reason, state.Ref, state.Wait = f.Code, f.PageCode(), id, 0
	switch {
	case f.Kind == fault.RateLimited:
		state.Wait = p.deps.Now().Add(allowance.Reset).Unix()
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(allowance.Reset.Seconds())))))
		p.writeState(w, state) // what was typed is still there afterwards
		p.problem(w, r, http.StatusTooManyRequests, state)
	case errors.Is(err, httpserver.ErrCrossOrigin): // another site must not change the page state
		p.problem(w, r, http.StatusForbidden, pageState{Problem: state.Problem, Ref: id})
	default:
		p.toProblem(w, r, state)
	}
}

func (p *base) toProblem(w http.ResponseWriter, r *http.Request, state pageState) {
	if state.Problem == device.ErrInvalidUserCode.Code {
		p.writeState(w, pageState{Typed: state.Typed, Problem: state.Problem, Ref: state.Ref})
		p.redirect(w, r, "#code-wrong")
		return
	}
	p.writeState(w, state)
	p.redirect(w, r, "/problem")
}

// errorPage answers with a page that depends on nothing but the request.
func (p *base) errorPage(w http.ResponseWriter, r *http.Request, status int, code string) {
	p.problem(w, r, status, pageState{Problem: code, Ref: httpserver.RequestID(r.Context())})
}

// problemPage shows a refusal.
func (p *base) problemPage(w http.ResponseWriter, r *http.Request) {
	state := p.readState(r)
	switch {
	case state.Problem != "":
		p.problem(w, r, http.StatusOK, state)
	case !p.hasCookies(r) && r.Header.Get("Sec-Fetch-Site") != "none": // a redirect led here, but its cookie did not come along
		p.errorPage(w, r, http.StatusBadRequest, "no_cookies")
	default:
		p.redirect(w, r, "")
	}
}
