package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Device is an OAuth client without a browser (RFC 8628 §1).
type Device struct {
	API      string // the canonical mount's address
	ClientID string
	Label    string
	HTTP     *http.Client
}

// Codes are what a device begins with.
type Codes struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	URI        string `json:"verification_uri"`
	Complete   string `json:"verification_uri_complete"`
	ExpiresIn  int    `json:"expires_in"` // seconds
	Interval   int    `json:"interval"`   // seconds
}

// Token is what a device ends with.
type Token struct {
	AccessToken   string    `json:"access_token"`
	SubjectEmail  string    `json:"subject_email"`
	SubjectIssuer string    `json:"subject_issuer"`
	TokenID       string    `json:"token_id"`
	ExpiresAt     time.Time `json:"expires_at"`
	Scope         string    `json:"scope"`
}

// Start asks for codes.
func (d Device) Start(ctx context.Context) (Codes, error) {
	var c Codes
	refused, err := d.post(ctx, "/oauth/device/code", map[string]string{"client_id": d.ClientID, "device_label": d.Label}, &c)
	if err == nil && refused != "" {
		err = fmt.Errorf("start: %s", refused)
	}
	return c, err
}

// Poll asks once for the token. Refused is "" or one of RFC 8628's words.
func (d Device) Poll(ctx context.Context, deviceCode string) (t Token, refused string, err error) {
	refused, err = d.post(ctx, "/oauth/device/token", map[string]string{"client_id": d.ClientID, "device_code": deviceCode}, &t)
	return t, refused, err
}

// Account asks whom a token acts for, and returns the answer's status and body.
func (d Device) Account(ctx context.Context, accessToken string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.API+"/account", nil)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	resp, err := d.HTTP.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(bytes.TrimSpace(text)), err
}

func (d Device) post(ctx context.Context, path string, in, out any) (refused string, err error) {
	text, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.API+path, bytes.NewReader(text))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := d.HTTP.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode == http.StatusOK {
		return "", json.Unmarshal(body, out)
	}
	var no struct{ Error string }
	if err := json.Unmarshal(body, &no); err != nil || no.Error == "" {
		return "", fmt.Errorf("%s answered %s", path, resp.Status)
	}
	return no.Error, nil
}
