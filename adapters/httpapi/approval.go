package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/request"
)

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
}

// describeApproval answers GET approval-context.
func (h *Handlers) describeApproval(w http.ResponseWriter, r *http.Request) error {
	session := h.deps.Cookies.GrantSession(r)
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
	a, err := h.deps.Describe.Execute(r.Context(), session, code, h.deps.Client.Origin(r))
	if err != nil {
		return err
	}
	out := contextBody{
		SubjectEmail: a.Subject.Email().String(), SubjectIssuer: a.Subject.Issuer(),
		UserCode: a.UserCode.String(), CSRFToken: a.CSRF.Reveal(),
		ExpiresAt: a.ExpiresAt.UTC().Format(offsetTime),
		ClientID:  a.ClientID, ClientName: a.ClientName, DeviceLabel: a.DeviceLabel,
		RequestedAt: a.RequestedAt.UTC().Format(offsetTime), SameNetwork: sameNetwork(a.NetworkMatch),
	}
	if a.RequestedFrom.IsValid() {
		out.RequestedIP = a.RequestedFrom.String()
	}
	return answer(w, http.StatusOK, out)
}

// approveExternal answers POST approve-external.
func (h *Handlers) approveExternal(w http.ResponseWriter, r *http.Request) error {
	return h.decide(w, r, h.deps.Approve.Execute, "approved")
}

// denyExternal answers POST deny-external.
func (h *Handlers) denyExternal(w http.ResponseWriter, r *http.Request) error {
	return h.decide(w, r, h.deps.Deny.Execute, "denied")
}

type decision func(context.Context, approval.Proof, device.UserCode, request.Origin) (application.Decided, error)

func (h *Handlers) decide(w http.ResponseWriter, r *http.Request, decide decision, status string) error {
	if err := h.deps.CrossOrigin.Check(r); err != nil {
		return err
	}
	proof := approval.Proof{Session: h.deps.Cookies.GrantSession(r), CSRF: csrfToken(r)}
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
	code, _ := device.ParseUserCode(typed) // no code at all is nobody's: user_code_mismatch
	decided, err := decide(r.Context(), proof, code, h.deps.Client.Origin(r))
	limited(w, decided.Allowance)
	if err != nil {
		return err
	}
	if !decided.MoreToDecide {
		h.deps.Cookies.ClearGrantSession(w)
	}
	return answer(w, http.StatusOK, map[string]string{"status": status})
}

// csrfToken reads the header under either of the names that pages use.
func csrfToken(r *http.Request) approval.CSRF {
	text := r.Header.Get("X-CSRF-Token")
	if text == "" {
		text = r.Header.Get("X-CSRFToken")
	}
	return approval.ParseCSRF(text)
}

// zuluTime is RFC 3339 in UTC, as the reference writes it in lists.
func zuluTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z") }

// sameNetwork is nil where the addresses cannot be compared.
func sameNetwork(match device.NetworkMatch) *bool {
	if match == device.UnknownNetwork {
		return nil
	}
	same := match == device.SameNetwork
	return &same
}
