package deviceclient

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Authorization is a login that waits for the person.
type Authorization struct {
	UserCode        string
	VerificationURI string
	Complete        string // the address that carries the code; "" if the server gives none
	ExpiresAt       time.Time
	Interval        time.Duration

	deviceCode Secret
}

// defaultInterval applies where the server names none (RFC 8628 §3.2).
const defaultInterval = 5 * time.Second

// intervalMax bounds what a server may ask for.
const intervalMax = time.Minute

// Login says what is asked for. Every field may be empty.
type Login struct {
	Label string // what the device is called on the page and in lists
	Scope string // scope tokens, with blanks between them (RFC 6749 §3.3)
	// LoginHint is the e-mail address of the approving person. A server that
	// knows the parameter lets no other account approve; others ignore it.
	LoginHint string
}

// Start begins a login (RFC 8628 §3.1).
func (c *Client) Start(ctx context.Context, login Login) (Authorization, error) {
	const doing = "start the login"
	if err := c.discover(ctx); err != nil {
		return Authorization{}, err
	}
	form := url.Values{"client_id": {c.ClientID}}
	for name, value := range map[string]string{"device_label": login.Label, "scope": login.Scope, "login_hint": login.LoginHint} {
		if value != "" {
			form.Set(name, value)
		}
	}
	a, err := c.persist(ctx, doing, request{method: http.MethodPost, url: c.endpoints.device, form: form})
	if err != nil {
		return Authorization{}, err
	}
	if root := c.Server.withoutPath(); a.status == http.StatusNotFound && root != c.Server {
		return Authorization{}, fmt.Errorf("%w; perhaps the server's address is %s, without the path", refusal(doing, a), root)
	}
	if a.status != http.StatusOK {
		return Authorization{}, refusal(doing, a)
	}
	var body struct {
		DeviceCode      string  `json:"device_code"`
		UserCode        string  `json:"user_code"`
		VerificationURI string  `json:"verification_uri"`
		Complete        string  `json:"verification_uri_complete"`
		ExpiresIn       float64 `json:"expires_in"`
		Interval        float64 `json:"interval"`
	}
	if err := a.json(&body); err != nil {
		return Authorization{}, &Refusal{Doing: doing, Status: a.status, Message: "not JSON: is this the address of a server with a device login?"}
	}
	if body.DeviceCode == "" || body.UserCode == "" || body.ExpiresIn <= 0 || !webAddress(body.VerificationURI) {
		return Authorization{}, &Refusal{Doing: doing, Status: a.status, Message: "the answer lacks a code, an address or how long they are good for"}
	}
	if !webAddress(body.Complete) {
		body.Complete = ""
	}
	started := Authorization{
		UserCode: Printable(body.UserCode), VerificationURI: Printable(body.VerificationURI), Complete: Printable(body.Complete),
		ExpiresAt: c.Now().Add(seconds(body.ExpiresIn)), Interval: defaultInterval, deviceCode: NewSecret(body.DeviceCode),
	}
	if body.Interval > 0 {
		started.Interval = min(seconds(body.Interval), intervalMax)
	}
	return started, nil
}

func seconds(n float64) time.Duration { return time.Duration(min(n, 1e8) * float64(time.Second)) }

// webAddress reports whether a browser may be sent to text.
func webAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}
