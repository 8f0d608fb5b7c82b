package deviceclient

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// Client speaks to one server. Its fields may be changed before its first use.
type Client struct {
	Server   Server
	ClientID string
	Mount    Mount // Auto unless it is set

	HTTP *http.Client
	Now  func() time.Time
	// Wait returns after d, or earlier with ctx's error.
	Wait func(ctx context.Context, d time.Duration) error
	// Notice is told, in a sentence for people, why the client goes on waiting.
	Notice func(sentence string)

	endpoints *endpoints
}

// Mount is the set of routes that a client uses.
type Mount string

// The mounts. Auto is Standard where the server announces it, else Canonical.
const (
	Auto      Mount = ""
	Standard  Mount = "standard"
	Canonical Mount = "canonical"
)

// attemptTime bounds one request. A poll whose answer is lost is repeated while
// the server still remembers it, so it must not be long.
const attemptTime = 10 * time.Second

// New returns a client that uses the proxies of the environment and the
// system's clock.
func New(server Server, clientID string) *Client {
	return &Client{
		Server: server, ClientID: clientID,
		HTTP: NewHTTPClient(nil), Now: time.Now, Wait: Sleep, Notice: func(string) {},
	}
}

// NewHTTPClient returns an HTTP client that never follows a redirect: one could
// carry a device code or a token to another server. A nil transport is
// net/http's own, with the proxies of the environment.
func NewHTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport, Timeout: attemptTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Sleep waits for d, or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// endpoints are the addresses of one server, and how they are spoken to.
type endpoints struct {
	standard          bool
	device, token     string
	revocation        string // "": RFC 7009 is not offered
	account, sessions string
}

func (c *Client) canonical() *endpoints {
	return &endpoints{
		device: c.Server.at("/openapi/v1/oauth/device/code"), token: c.Server.at("/openapi/v1/oauth/device/token"),
		account: c.Server.at("/openapi/v1/account"), sessions: c.Server.at("/openapi/v1/account/sessions"),
	}
}

// metadata is what is read of RFC 8414 §2.
type metadata struct {
	Issuer     string `json:"issuer"`
	Device     string `json:"device_authorization_endpoint"` // RFC 8628 §4
	Token      string `json:"token_endpoint"`
	Revocation string `json:"revocation_endpoint"`
}

var errNoStandardMount = errors.New("the server announces no device login in its metadata (RFC 8414)")

// discover finds the server's endpoints. The other methods call it when they
// need it; it asks once.
func (c *Client) discover(ctx context.Context) error {
	if c.endpoints != nil {
		return nil
	}
	found := c.canonical()
	if c.Mount != Canonical {
		m, err := c.readMetadata(ctx)
		if err != nil {
			return err
		}
		switch {
		case m != nil:
			found.standard, found.device, found.token, found.revocation = true, m.Device, m.Token, m.Revocation
		case c.Mount == Standard:
			return errNoStandardMount
		}
	}
	c.endpoints = found
	return nil
}

// readMetadata returns nil if there is none that may be used.
func (c *Client) readMetadata(ctx context.Context) (*metadata, error) {
	for _, address := range c.Server.wellKnown() {
		got, err := c.persist(ctx, "reach the server", request{method: http.MethodGet, url: address})
		if errors.As(err, new(*Refusal)) {
			continue // a server may answer what it does not know with 5xx
		}
		if err != nil {
			return nil, err
		}
		var m metadata
		if got.status == http.StatusOK && got.json(&m) == nil && c.mayUse(m) {
			return &m, nil
		}
	}
	return nil, nil
}

// mayUse reports whether metadata speaks for this server (RFC 8414 §3.3) and
// leads to no address that is protected less than it.
func (c *Client) mayUse(m metadata) bool {
	issuer, err := ParseServer(m.Issuer)
	if err != nil || issuer != c.Server || m.Device == "" || m.Token == "" {
		return false
	}
	own, _ := url.Parse(c.Server.String())
	for _, endpoint := range []string{m.Device, m.Token, m.Revocation} {
		u, err := url.Parse(endpoint)
		if endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != own.Scheme) {
			return false
		}
	}
	return true
}
