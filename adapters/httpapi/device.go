package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/ports"
)

// DeviceFlow serves what a device calls to get a token (RFC 8628).
type DeviceFlow struct {
	respond   *Responder
	addresses *httpserver.Addresses
	client    *httpserver.ClientAddress
	now       ports.Clock

	startDevice *application.StartDevice
	pollDevice  *application.PollDevice
	undelivered *application.RevokeUndelivered
	lookUp      *application.LookUpDevice
}

// NewDeviceFlow makes the handlers.
func NewDeviceFlow(respond *Responder, addresses *httpserver.Addresses, client *httpserver.ClientAddress, now ports.Clock,
	start *application.StartDevice, poll *application.PollDevice, undelivered *application.RevokeUndelivered, lookUp *application.LookUpDevice,
) *DeviceFlow {
	return &DeviceFlow{respond, addresses, client, now, start, poll, undelivered, lookUp}
}

// Mount adds the routes of the canonical mount.
func (d *DeviceFlow) Mount(r chi.Router) {
	r.Post("/oauth/device/code", d.respond.json(d.start))
	r.Post("/oauth/device/token", d.respond.handler(writePollError, d.poll))
	r.Get("/oauth/device/lookup", d.respond.json(d.lookUpDevice))
}

type startedBody struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete,omitempty"`
	ExpiresIn               int    `json:"expires_in"`
	Interval                int    `json:"interval"`
}

// start answers POST code (RFC 8628 §3.1, §3.2).
func (d *DeviceFlow) start(w http.ResponseWriter, r *http.Request) error {
	p, err := body(w, r)
	if err != nil {
		return err
	}
	clientID, err := p.required("client_id")
	if err != nil {
		return err
	}
	return d.startFor(w, r, p, clientID)
}

func (d *DeviceFlow) startFor(w http.ResponseWriter, r *http.Request, p params, clientID string) error {
	label, err := p.text(labelParam)
	if err != nil {
		return err
	}
	scope, err := p.text("scope")
	if err != nil {
		return err
	}
	hint, err := p.text("login_hint")
	if err != nil {
		return err
	}
	started, err := d.startDevice.Execute(r.Context(), application.Start{
		ClientID: clientID, Label: label, Scope: scope, LoginHint: hint, Origin: d.client.Origin(r),
	})
	httpserver.SetRateLimit(w.Header(), started.Allowance)
	if err != nil {
		return err
	}
	out := startedBody{
		DeviceCode:      started.Code.Reveal(), // the one answer that carries it
		UserCode:        started.UserCode.String(),
		VerificationURI: d.addresses.WebPage(nil),
		ExpiresIn:       int(started.ExpiresIn / time.Second),
		Interval:        int(started.Interval / time.Second),
	}
	if started.LinkCarriesCode { // a user code needs no escaping
		out.VerificationURIComplete = out.VerificationURI + "?user_code=" + out.UserCode
	}
	return answer(w, http.StatusOK, out)
}

type tokenBody struct {
	Token              string    `json:"token"`
	ExpiresAt          string    `json:"expires_at"`
	SubjectType        string    `json:"subject_type"`
	SubjectEmail       string    `json:"subject_email"`
	SubjectIssuer      string    `json:"subject_issuer"`
	Account            *struct{} `json:"account"`
	Workspaces         []string  `json:"workspaces"`
	DefaultWorkspaceID *string   `json:"default_workspace_id"`
	TokenID            string    `json:"token_id"`
	standardTokenBody
}

// standardTokenBody is what RFC 6749 §5.1 defines.
type standardTokenBody struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Scope       string `json:"scope"`
}

// offsetTime is RFC 3339 with a numeric offset, as the reference writes it. The
// fraction always has six digits: Python before 3.11 reads no other number.
const offsetTime = "2006-01-02T15:04:05.000000-07:00"

// poll answers POST token (RFC 8628 §3.4, §3.5).
func (d *DeviceFlow) poll(w http.ResponseWriter, r *http.Request) error {
	p, err := body(w, r)
	if err != nil {
		return err
	}
	clientID, err := p.text("client_id")
	if err != nil {
		return err
	}
	redeemed, err := d.redeem(r, p, clientID)
	if err != nil {
		return err
	}
	t := redeemed.Token.Snapshot()
	standard := d.standardToken(redeemed)
	return d.deliver(w, r, redeemed, tokenBody{
		Token: standard.AccessToken, ExpiresAt: t.ExpiresAt.UTC().Format(offsetTime),
		SubjectType: string(redeemed.Token.SubjectType()), SubjectEmail: t.Device.Email.String(), SubjectIssuer: t.Device.Issuer,
		Workspaces: []string{}, TokenID: t.ID.String(), standardTokenBody: standard,
	})
}

func (d *DeviceFlow) redeem(r *http.Request, p params, clientID string) (application.Redeemed, error) {
	code, err := p.required("device_code")
	if err != nil {
		return application.Redeemed{}, err
	}
	return d.pollDevice.Execute(r.Context(), device.ParseCode(code), clientID, d.client.Origin(r))
}

// standardToken is the one answer that carries the token.
func (d *DeviceFlow) standardToken(redeemed application.Redeemed) standardTokenBody {
	return standardTokenBody{
		AccessToken: redeemed.Secret.Reveal(), TokenType: "Bearer",
		ExpiresIn: int(redeemed.Token.Snapshot().ExpiresAt.Sub(d.now()).Round(time.Second) / time.Second),
		Scope:     redeemed.Token.Scope(),
	}
}

// revocationTime bounds the revocation of a token that was not delivered.
const revocationTime = 5 * time.Second

// deliver hands the token over, and revokes it if writing the answer has failed.
// A client that has closed its sending half is no proof of that: it may read on.
func (d *DeviceFlow) deliver(w http.ResponseWriter, r *http.Request, redeemed application.Redeemed, body any) error {
	err := answer(w, http.StatusOK, body)
	if err == nil {
		err = http.NewResponseController(w).Flush()
	}
	if err == nil || errors.Is(err, http.ErrNotSupported) { // a writer that cannot flush
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), revocationTime)
	defer cancel()
	d.respond.log.InfoContext(ctx, "token answer not delivered", "authorization_id", redeemed.Authorization.String(), "error", err)
	if err := d.undelivered.Execute(ctx, redeemed.Authorization, redeemed.Secret, d.client.Origin(r)); err != nil {
		d.respond.log.ErrorContext(ctx, "undelivered token not revoked", "authorization_id", redeemed.Authorization.String(), "error", err)
	}
	return nil
}

type lookupBody struct {
	Valid            bool    `json:"valid"`
	ExpiresRemaining int     `json:"expires_in_remaining"`
	ClientID         *string `json:"client_id"`
}

// lookUpDevice answers GET lookup.
func (d *DeviceFlow) lookUpDevice(w http.ResponseWriter, r *http.Request) error {
	p, err := query(r)
	if err != nil {
		return err
	}
	typed, err := p.required("user_code")
	if err != nil {
		return err
	}
	found, err := d.lookUp.Execute(r.Context(), typed, d.client.Origin(r))
	httpserver.SetRateLimit(w.Header(), found.Allowance)
	unusable := errors.Is(err, client.ErrSuspended) || errors.Is(err, client.ErrNoDeviceGrant) // the contract has no word for it
	if err != nil && !unusable {
		return err
	}
	out := lookupBody{Valid: found.Valid, ExpiresRemaining: int(found.Remaining / time.Second)}
	if found.Valid {
		out.ClientID = &found.ClientID
	}
	return answer(w, http.StatusOK, out)
}
