package httpapi

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// Approval serves what a page calls when a person decides about a device.
type Approval struct {
	respond     *Responder
	cookies     *httpserver.Cookies
	client      *httpserver.ClientAddress
	crossOrigin *httpserver.CrossOrigin
	edition     ports.Edition

	describeApproval *application.DescribeApproval
	approveExternal  *application.ApproveExternal
	denyExternal     *application.DenyExternal
}

// NewApproval makes the handlers.
func NewApproval(respond *Responder, cookies *httpserver.Cookies, client *httpserver.ClientAddress, crossOrigin *httpserver.CrossOrigin, edition ports.Edition,
	describe *application.DescribeApproval, approve *application.ApproveExternal, deny *application.DenyExternal,
) *Approval {
	return &Approval{respond, cookies, client, crossOrigin, edition, describe, approve, deny}
}

// Mount adds the routes of the canonical mount.
func (a *Approval) Mount(r chi.Router) {
	a.MountLegacy(r)
	r.Post("/oauth/device/deny-external", a.sameOrigin(a.deny))
}

// MountLegacy adds those that the legacy mount has, too.
func (a *Approval) MountLegacy(r chi.Router) {
	r.Get("/oauth/device/approval-context", a.respond.json(requireEdition(a.edition, a.describe)))
	r.Post("/oauth/device/approve-external", a.sameOrigin(a.approve))
}

type contextBody struct {
	SubjectEmail  string `json:"subject_email"`
	SubjectIssuer string `json:"subject_issuer"`
	UserCode      string `json:"user_code"`
	CSRFToken     string `json:"csrf_token"`
	ExpiresAt     string `json:"expires_at"`
	ClientID      string `json:"client_id"`
	ClientName    string `json:"client_name"`
	DeviceLabel   string `json:"device_label"`
	RequestedAt   string `json:"requested_at"`
	RequestedIP   string `json:"requested_ip,omitempty"`
	SameNetwork   *bool  `json:"same_network,omitempty"` // nil: not known
	LoginHint     string `json:"login_hint,omitempty"`   // the only person that may approve
	Refusal       string `json:"refusal,omitempty"`      // of an approval, whatever is typed
}

// describe answers GET approval-context.
func (a *Approval) describe(w http.ResponseWriter, r *http.Request) error {
	session := a.cookies.GrantSession(r)
	if session.IsZero() {
		return approval.ErrNoSession
	}
	p, err := query(r)
	if err != nil {
		return err
	}
	typed, _ := p.text("user_code")
	var code device.UserCode
	if typed != "" {
		if code, err = device.ParseUserCode(typed); err != nil {
			return approval.ErrNoSession
		}
	}
	found, err := a.describeApproval.Execute(r.Context(), session, code, a.client.Origin(r))
	if err != nil {
		return err
	}
	out := contextBody{
		SubjectEmail: found.Subject.Email().String(), SubjectIssuer: found.Subject.Issuer(),
		UserCode: found.UserCode.String(), CSRFToken: found.CSRF.Reveal(),
		ExpiresAt: found.ExpiresAt.UTC().Format(offsetTime),
		ClientID:  found.ClientID, ClientName: found.ClientName, DeviceLabel: found.DeviceLabel,
		RequestedAt: found.RequestedAt.UTC().Format(offsetTime), SameNetwork: sameNetwork(found.NetworkMatch),
	}
	if found.RequestedFrom.IsValid() {
		out.RequestedIP = found.RequestedFrom.String()
	}
	out.LoginHint = found.BoundTo.String()
	if refusal, stands := fault.Of(found.Refusal); stands {
		out.Refusal = refusal.Code
	}
	return answer(w, http.StatusOK, out)
}

// approve answers POST approve-external.
func (a *Approval) approve(w http.ResponseWriter, r *http.Request) error {
	return a.decide(w, r, decision{execute: a.approveExternal.Execute, status: "approved"})
}

// deny answers POST deny-external.
func (a *Approval) deny(w http.ResponseWriter, r *http.Request) error {
	return a.decide(w, r, decision{execute: a.denyExternal.Execute, status: "denied", readReason: true})
}

// sameOrigin serves an endpoint that decides: no page of another site may call
// it with the person's cookie.
func (a *Approval) sameOrigin(serve endpoint) http.HandlerFunc {
	return a.respond.json(requireEdition(a.edition, func(w http.ResponseWriter, r *http.Request) error {
		if err := a.crossOrigin.Check(r); err != nil {
			return err
		}
		return serve(w, r)
	}))
}

// decision is what differs between an approval and a denial.
type decision struct {
	execute    func(context.Context, approval.Proof, device.UserCode, request.Origin) (application.Decided, error)
	status     string // of the answer
	readReason bool   // the body may say why
}

func (a *Approval) decide(w http.ResponseWriter, r *http.Request, d decision) error {
	proof := approval.Proof{Session: a.cookies.GrantSession(r), CSRF: csrfToken(r)}
	if proof.Session.IsZero() {
		return approval.ErrInvalidSession
	}
	p, err := body(w, r)
	if err != nil {
		return err
	}
	typed, err := p.required("user_code")
	if err != nil {
		return err
	}
	if again, _ := p.text("typed_code"); again != "" { // what the person typed, where policy asks for it
		proof.Typed, _ = device.ParseUserCode(again)
	}
	if d.readReason {
		if proof.NotRequested, err = notRequested(p); err != nil {
			return err
		}
	}
	code, _ := device.ParseUserCode(typed) // zero, which no grant has: user_code_mismatch
	origin := a.client.Origin(r)
	origin.Language = httpserver.Language(r)
	decided, err := d.execute(r.Context(), proof, code, origin)
	httpserver.SetRateLimit(w.Header(), decided.Allowance)
	if err != nil {
		return err
	}
	if !decided.MoreToDecide {
		a.cookies.ClearGrantSession(w)
	}
	return answer(w, http.StatusOK, map[string]string{"status": d.status})
}

var errDenialReason = fault.InvalidRequest("reason has to be " + device.NotRequested + ", or left out.")

// notRequested reads why a person denies.
func notRequested(p params) (bool, error) {
	reason, err := p.text("reason")
	if err == nil && reason != "" && reason != device.NotRequested {
		err = errDenialReason
	}
	return reason == device.NotRequested, err
}

// csrfToken reads the header under either of the names that pages use.
func csrfToken(r *http.Request) approval.CSRF {
	text := r.Header.Get("X-CSRF-Token")
	if text == "" {
		text = r.Header.Get("X-CSRFToken")
	}
	return approval.ParseCSRF(text)
}

// sameNetwork is nil where the addresses cannot be compared.
func sameNetwork(match device.NetworkMatch) *bool {
	if match == device.UnknownNetwork {
		return nil
	}
	same := match == device.SameNetwork
	return &same
}
