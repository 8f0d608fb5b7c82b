package webui

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/request"
)

// decisionPages show a request and take the decision.
type decisionPages struct {
	*base
	signIn   *application.DescribeSignIn
	describe *application.DescribeApproval
	recall   *application.RecallDevices
	approve  *application.ApproveExternal
	deny     *application.DenyExternal
}

func newDecisionPages(b *base, signIn *application.DescribeSignIn, describe *application.DescribeApproval, recall *application.RecallDevices,
	approve *application.ApproveExternal, deny *application.DenyExternal,
) *decisionPages {
	return &decisionPages{b, signIn, describe, recall, approve, deny}
}

func (p *decisionPages) mount(r routes) {
	r.page("/device/decide", p.decidePage)
	r.form("/device/approve", p.decideForm(approved))
	r.form("/device/deny", p.decideForm(denied))
}

type decideBody struct {
	Client      string
	App         *app // nil: nothing is known but the client's name
	Label       label
	Replaces    *replacedDevice // nil: approving ends no other sign-in
	Email       string
	Via         string // name of the connection
	RequestedAt time.Time
	Minutes     int    // since then
	From, You   origin // of the device and of the person
	Near        bool   // the device and the person are in the same network
	Hasty       bool   // a link led past the first page: approving waits a moment
	Verdict     string // key of the sentence about the network
	Harmless    bool   // the page says when another network is normal: not of a suspected request
	Before      string // key of what is new about the device; empty: nothing
	Scopes      []scopeLine
	Until       time.Time // when the access would end
	CSRF        string
	MustType    bool
	Mistyped    bool
	BoundTo     string // e-mail address of the only person that may approve; empty: any
	Blocked     string // code of what stands against an approval; empty: nothing
}

// replacedDevice is a signed-in device whose access ends when this one is
// approved.
type replacedDevice struct {
	Label    string
	LastUsed time.Time // zero: never
	Minutes  int       // since then
	Recent   bool      // less than an hour
	From     origin    // where it was connected
}

// DenyFirst reports whether the safe choice stands where people expect the button
// that leads on. Not where a code is typed: the key that sends a form presses its
// first button.
func (b decideBody) DenyFirst() bool { return !b.Near && !b.MustType }

// PlacesKnown reports whether the page can say in words where the device or the
// person is.
func (b decideBody) PlacesKnown() bool { return !b.From.Place.IsZero() || !b.You.Place.IsZero() }

// decidePage shows the request that is to be decided. It is the only page that
// can approve a device.
func (p *decisionPages) decidePage(w http.ResponseWriter, r *http.Request) {
	if !p.requireOpen(r.Context(), w, r) {
		return
	}
	state := p.readState(r)
	code, _ := device.ParseUserCode(state.Code) // none: the latest sign-in
	if state.Outcome != "" {                    // with the browser's back button
		p.redirect(w, r, "/"+state.Outcome)
		return
	}
	session, origin := p.deps.Cookies.GrantSession(r), p.deps.Client.Origin(r)
	what, err := p.describe.Execute(r.Context(), session, code, origin)
	if errors.Is(err, approval.ErrNoSession) && p.needsCode(r) {
		p.redirect(w, r, "/code")
		return
	}
	if errors.Is(err, approval.ErrNoSession) && !code.IsZero() {
		if other, err := p.describe.Execute(r.Context(), session, device.UserCode{}, origin); err == nil {
			p.anotherCode(w, r, other)
			return
		}
	}
	if err != nil {
		p.fail(w, r, state, err, noAllowance)
		return
	}
	v := view{State: "decide", Title: "decide.title", at: "decide", Step: 3, Code: what.UserCode.String(), Until: what.ExpiresAt, Ends: endOfSignIn}
	if until := moment(state.Until); state.Code == v.Code && !until.IsZero() && until.Before(v.Until) {
		v.Until, v.Ends = until, endOfCode
	}
	known, err := p.recall.Execute(r.Context(), what.Subject, what.ClientID, what.DeviceLabel)
	if err != nil {
		p.fail(w, r, state, err, noAllowance)
		return
	}
	body := p.whatToDecide(r.Context(), what, known, state, origin)
	if body.MustType && (state.Notice == typedMismatch || state.Notice == typedMissing) {
		body.Mistyped, v.Problem, v.Invalid = true, state.Notice, true
	}
	if body.Blocked != "" { // an administrator may have to be told
		v.Ref, v.ShowRef = httpserver.RequestID(r.Context()), body.Blocked != device.ErrSubjectMismatch.Code
	}
	v.Body = body
	p.show(w, r, http.StatusOK, pageDecide, v)
}

func (p *decisionPages) whatToDecide(ctx context.Context, what application.Approval, known application.Recalled, state pageState, origin request.Origin) decideBody {
	code := what.UserCode.String()
	body := decideBody{
		Client: what.ClientName, Label: labelOf(what.DeviceLabel), Email: what.Subject.Email().String(),
		RequestedAt: what.RequestedAt, Minutes: max(0, int(p.deps.Now().Sub(what.RequestedAt)/time.Minute)),
		Near: what.NetworkMatch == device.SameNetwork, Hasty: !state.Entered || state.Code != code,
		Verdict:  "verdict." + string(what.NetworkMatch),
		Harmless: what.NetworkMatch == device.OtherNetwork && !what.Circumstances.Suspected,
		App:      appOf(what.Client), CSRF: what.CSRF.Reveal(), Until: p.deps.Now().Add(what.TokenLife),
		MustType: what.MustType && !typedAlready(state, code), BoundTo: what.BoundTo.String(),
	}
	if refusal, blocked := fault.Of(what.Refusal); blocked {
		body.Blocked = refusal.Code
	}
	for _, name := range what.Scopes {
		body.Scopes = append(body.Scopes, scopeLine{name, what.Client})
	}
	switch {
	case !known.Any:
		body.Before = "decide.before_none"
	case !known.OfClient:
		body.Before = "decide.before_app"
	}
	if what.Replaces != nil {
		since := p.deps.Now().Sub(what.Replaces.LastUsedAt)
		body.Replaces = &replacedDevice{
			sanitizeLabel(what.Replaces.Label), what.Replaces.LastUsedAt,
			max(0, int(since/time.Minute)), since < time.Hour, p.originOf(known.From),
		}
	}
	if !origin.BehindUnknownProxy { // whose address it would be
		body.From, body.You = p.originOf(what.RequestedFrom), p.originOf(origin.IP)
	}
	if via, err := p.connections(ctx).Find(what.Connection); err == nil {
		body.Via = via.Settings().Name
	}
	return body
}

// anotherCode is for a tab whose code another tab has replaced: the person is
// still signed in, for the other code.
func (p *decisionPages) anotherCode(w http.ResponseWriter, r *http.Request, other application.Approval) {
	state := pageState{Code: other.UserCode.String(), Problem: "another_code", Ref: httpserver.RequestID(r.Context())}
	p.writeState(w, state)
	p.redirect(w, r, "/problem")
}

// needsCode reports whether the person has signed in without a user code and has
// yet to type it.
func (p *decisionPages) needsCode(r *http.Request) bool {
	signIn, err := p.signIn.Execute(r.Context(), p.deps.Cookies.GrantSession(r))
	return err == nil && signIn.NeedsCode
}

// typedAlready reports whether the person typed the code on the first page. A link
// may have filled it in there, or have led past that page.
func typedAlready(state pageState, code string) bool { return state.ByHand && state.Code == code }

// typedCode is the user code that the person typed: on the first page of this
// browser, else with the decision.
func typedCode(r *http.Request, state pageState, code device.UserCode) device.UserCode {
	if typedAlready(state, code.String()) {
		return code
	}
	typed, _ := device.ParseUserCode(r.PostForm.Get("typed_code")) // zero: no code
	return typed
}

// decision is Execute of the use case that approves or denies.
type decision func(ctx context.Context, proof approval.Proof, code device.UserCode, origin request.Origin) (application.Decided, error)

// decideForm carries a decision out. The form's own code counts, not that of
// the page state: there may be two tabs.
func (p *decisionPages) decideForm(outcome string) http.HandlerFunc {
	decide := decision(p.approve.Execute)
	if outcome == denied {
		decide = p.deny.Execute
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if !p.requireOpen(r.Context(), w, r) {
			return
		}
		state := p.readState(r)
		code, err := device.ParseUserCode(r.PostForm.Get("user_code"))
		if err != nil {
			p.fail(w, r, state, err, noAllowance)
			return
		}
		if code.String() != state.Code {
			state = pageState{Code: code.String()}
		}
		if state.Outcome != "" { // sent twice
			p.redirect(w, r, "/"+state.Outcome)
			return
		}
		proof := approval.Proof{
			Session: p.deps.Cookies.GrantSession(r), CSRF: approval.ParseCSRF(r.PostForm.Get("csrf")), Typed: typedCode(r, state, code),
			NotRequested: r.PostForm.Get("reason") == device.NotRequested,
		}
		origin := p.deps.Client.Origin(r)
		origin.Language = p.locales[p.localeOf(r)].Tag()
		decided, err := decide(r.Context(), proof, code, origin)
		if errors.Is(err, policy.ErrTypedCodeRequired) {
			if state.Notice = typedMismatch; strings.TrimSpace(r.PostForm.Get("typed_code")) == "" {
				state.Notice = typedMissing
			}
			p.writeState(w, state)
			p.redirect(w, r, "/decide#code-wrong")
			return
		}
		if errors.Is(err, policy.ErrReauthenticationRequired) { // the page offers it
			p.redirect(w, r, "/decide")
			return
		}
		if err != nil {
			p.fail(w, r, state, err, decided.Allowance)
			return
		}
		if !decided.MoreToDecide {
			p.deps.Cookies.ClearGrantSession(w)
		}
		p.setUndoCookie(w, proof.Session, decided.Undo)
		p.writeState(w, pageState{Code: code.String(), Outcome: outcome, Ref: httpserver.RequestID(r.Context())})
		p.redirect(w, r, "/"+outcome)
	}
}
