package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/device"
)

type startedBody struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int    `json:"expires_in"`
	Interval                int    `json:"interval"`
}

// startDevice answers POST code (RFC 8628 §3.1, §3.2).
func (h *Handlers) startDevice(w http.ResponseWriter, r *http.Request) error {
	p, err := body(w, r)
	if err != nil {
		return err
	}
	clientID, err := p.required("client_id")
	if err != nil {
		return err
	}
	return h.start(w, r, p, clientID)
}

func (h *Handlers) start(w http.ResponseWriter, r *http.Request, p params, clientID string) error {
	label, err := p.text("device_label")
	if err != nil {
		return err
	}
	scope, err := p.text("scope")
	if err != nil {
		return err
	}
	started, err := h.deps.Start.Execute(r.Context(), application.Start{
		ClientID: clientID, Label: label, Scope: scope, Origin: h.deps.Client.Origin(r),
	})
	limited(w, started.Allowance)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, startedBody{
		DeviceCode:              started.Code.Reveal(), // the one answer that carries it
		UserCode:                started.UserCode.String(),
		VerificationURI:         h.deps.Addresses.WebPage(nil),
		VerificationURIComplete: h.deps.Addresses.WebPage(url.Values{"user_code": {started.UserCode.String()}}),
		ExpiresIn:               int(started.ExpiresIn / time.Second),
		Interval:                int(started.Interval / time.Second),
	})
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
	AccessToken        string    `json:"access_token"`
	TokenType          string    `json:"token_type"`
	ExpiresIn          int       `json:"expires_in"`
	Scope              string    `json:"scope"`
}

// offsetTime is RFC 3339 with a numeric offset, as the reference writes it.
const offsetTime = "2006-01-02T15:04:05.999999-07:00"

// pollDevice answers POST token (RFC 8628 §3.4, §3.5).
func (h *Handlers) pollDevice(w http.ResponseWriter, r *http.Request) error {
	p, err := body(w, r)
	if err != nil {
		return err
	}
	clientID, err := p.text("client_id")
	if err != nil {
		return err
	}
	return h.poll(w, r, p, clientID)
}

func (h *Handlers) poll(w http.ResponseWriter, r *http.Request, p params, clientID string) error {
	code, err := p.required("device_code")
	if err != nil {
		return err
	}
	redeemed, err := h.deps.Poll.Execute(r.Context(), device.ParseCode(code), clientID, h.deps.Client.Origin(r))
	if err != nil {
		return err
	}
	t := redeemed.Token.Snapshot()
	secret := redeemed.Secret.Reveal() // the one answer that carries it
	return h.deliver(w, r, redeemed, tokenBody{
		Token: secret, ExpiresAt: t.ExpiresAt.UTC().Format(offsetTime),
		SubjectType: string(redeemed.Token.SubjectType()), SubjectEmail: t.Device.Email.String(), SubjectIssuer: t.Device.Issuer,
		Workspaces: []string{}, TokenID: t.ID.String(),
		AccessToken: secret, TokenType: "Bearer",
		ExpiresIn: int(t.ExpiresAt.Sub(h.deps.Now()).Round(time.Second) / time.Second),
		Scope:     strings.Join(redeemed.Token.Scopes(), " "),
	})
}

// withdrawal bounds how long an answer that did not arrive is cleaned up after.
const withdrawal = 5 * time.Second

// deliver hands the token over, and revokes it if writing the answer has failed.
// A client that has closed its sending half is no proof of that: it may read on.
func (h *Handlers) deliver(w http.ResponseWriter, r *http.Request, redeemed application.Redeemed, b tokenBody) error {
	err := answer(w, http.StatusOK, b)
	if err == nil {
		err = http.NewResponseController(w).Flush()
	}
	if err == nil || errors.Is(err, http.ErrNotSupported) { // a writer that cannot flush
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), withdrawal)
	defer cancel()
	h.deps.Log.InfoContext(ctx, "token answer not delivered", "authorization_id", redeemed.Authorization.String(), "error", err)
	if err := h.deps.Withdraw.Execute(ctx, redeemed.Authorization, redeemed.Secret, h.deps.Client.Origin(r)); err != nil {
		h.deps.Log.ErrorContext(ctx, "token not withdrawn", "authorization_id", redeemed.Authorization.String(), "error", err)
	}
	return nil
}

type lookupBody struct {
	Valid            bool    `json:"valid"`
	ExpiresRemaining int     `json:"expires_in_remaining"`
	ClientID         *string `json:"client_id"`
}

// lookUpDevice answers GET lookup.
func (h *Handlers) lookUpDevice(w http.ResponseWriter, r *http.Request) error {
	p, err := query(r)
	if err != nil {
		return err
	}
	typed, err := p.required("user_code")
	if err != nil {
		return err
	}
	found, err := h.deps.LookUp.Execute(r.Context(), typed, h.deps.Client.Origin(r))
	limited(w, found.Allowance)
	if err != nil {
		return err
	}
	out := lookupBody{Valid: found.Valid, ExpiresRemaining: int(found.Remaining / time.Second)}
	if found.Valid {
		out.ClientID = &found.ClientID
	}
	return answer(w, http.StatusOK, out)
}
