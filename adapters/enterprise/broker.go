package enterprise

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

const (
	keyID            = "dify-shared-v1"
	envelopeAudience = "api.sso.state_envelope"
	envelopeLife     = 900 * time.Second
)

// Broker is the [ports.Broker] of connections whose sign-ins a Dify Enterprise
// inner API carries out.
type Broker struct {
	cfg Config
	api innerAPI
}

// NewBroker makes a broker. Its error lists everything that is wrong with cfg.
func NewBroker(cfg Config) (*Broker, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	return &Broker{cfg, newInnerAPI(cfg)}, nil
}

// Begin implements [ports.Broker]: it asks the inner API where to send the
// browser.
func (b *Broker) Begin(ctx context.Context, _ connection.Connection, signIn approval.SignInRequest) (ports.Redirect, error) {
	envelope, err := b.envelope(signIn)
	if err != nil {
		return ports.Redirect{}, approval.RefuseAs(ports.ErrInitiateFailed, "internal_error", "a signed state envelope", err.Error())
	}
	answer, err := b.api.call(ctx, http.MethodPost, map[string]string{"signed_state": envelope}, "device-flow", "sso-initiate")
	if err != nil {
		return ports.Redirect{}, refusedCall(err)
	}
	to, ok := destination(answer)
	if !ok {
		return ports.Redirect{}, approval.RefuseAs(ports.ErrInitiateMissingURL, "inner_api_url_missing", "an http or https URL of the inner API", "none")
	}
	return ports.Redirect{URL: to}, nil
}

// refusedCall keeps the reason of a failed call.
func refusedCall(err error) error {
	var f *failure
	if errors.As(err, &f) {
		return approval.RefuseAs(ports.ErrInitiateFailed, f.reason, f.expected, f.received)
	}
	return approval.RefuseAs(ports.ErrInitiateFailed, "internal_error", "an answer of the inner API", err.Error())
}

func (b *Broker) envelope(signIn approval.SignInRequest) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"aud":              envelopeAudience,
		"iat":              signIn.IssuedAt.Unix(),
		"exp":              signIn.IssuedAt.Add(envelopeLife).Unix(),
		"redirect_url":     "",
		"app_code":         "",
		"intent":           "device_flow",
		"user_code":        signIn.UserCode.String(),
		"nonce":            signIn.RequestID,
		"return_to":        "",
		"idp_callback_url": strings.TrimRight(b.cfg.PublicURL.String(), "/") + connection.Canonical.ACSPath(),
	})
	token.Header["kid"] = keyID
	return token.SignedString(b.cfg.SigningKey)
}

// destination reads {"url": …}. Credentials in a URL are refused: browsers hide
// them, and they make one host look like another.
func destination(answer []byte) (string, bool) {
	var body struct{ URL any }
	if err := json.Unmarshal(answer, &body); err != nil {
		return "", false
	}
	text, _ := body.URL.(string)
	u, err := url.Parse(text)
	if err != nil || !isWeb(u) || u.User != nil {
		return "", false
	}
	return u.String(), true
}
