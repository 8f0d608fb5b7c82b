package guard

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says which server a [Guard] asks and how long it keeps the answers.
// Endpoint, ClientID and ClientSecret are required; the rest has defaults.
type Config struct {
	// Endpoint is the URL of the introspection endpoint, the
	// introspection_endpoint of the server's metadata (RFC 8414).
	Endpoint string

	// ClientID and ClientSecret are the API's own credentials, one pair of the
	// server's INTROSPECTION_CLIENTS.
	ClientID     string
	ClientSecret string `json:"-"`

	// MaxAge is how long an active answer is used, counted from when the
	// question was sent: 5 s by default. A negative value asks the server for
	// each request.
	MaxAge time.Duration

	// NegativeMaxAge is the same for tokens that are not active: 1 s by
	// default. A negative value keeps none of these answers.
	NegativeMaxAge time.Duration

	// OutageMaxAge, if it is longer than MaxAge, lets an active answer of up to
	// this age be used while the server does not answer or answers 429 or 5xx.
	// A token that is revoked during an outage is accepted that long. By
	// default nothing is accepted that could not be checked.
	OutageMaxAge time.Duration

	// MaxEntries bounds the active and the other answers kept: 10,000 of each
	// by default. The one unused for longest goes first.
	MaxEntries int

	// Timeout bounds one call of the server: 3 s by default.
	Timeout time.Duration

	// Audience, if set, has to be among the token's audiences (aud).
	Audience string

	// RequireChecksum refuses tokens without devicegate's checksum unasked.
	// Leave it off where another issuer shares the token table.
	RequireChecksum bool

	// AllowHTTP permits an Endpoint without TLS on another host than this one.
	// Tokens and the client secret can then be read on the way.
	AllowHTTP bool

	// Realm is named in WWW-Authenticate: "api" by default.
	Realm string

	// HTTPClient makes the calls. Redirects are not followed, whatever its
	// CheckRedirect says.
	HTTPClient *http.Client

	// Logger is told when calls begin to fail and when they work again:
	// slog.Default() by default.
	Logger *slog.Logger

	// WriteError writes the body of a refusal, after the header fields that the
	// RFCs require have been set. By default it is a JSON object with error and
	// error_description.
	WriteError func(w http.ResponseWriter, r *http.Request, refusal Refusal)
}

// Format prints c without its secret, for every verb.
func (c Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "guard.Config{Endpoint:%q ClientID:%q}", c.Endpoint, c.ClientID)
}

// LogValue logs c without its secret.
func (c Config) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

func (c *Config) setDefaults() {
	if c.MaxAge == 0 {
		c.MaxAge = 5 * time.Second
	}
	if c.NegativeMaxAge == 0 {
		c.NegativeMaxAge = time.Second
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = 10_000
	}
	if c.Timeout == 0 {
		c.Timeout = 3 * time.Second
	}
	if c.Realm == "" {
		c.Realm = "api"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.WriteError == nil {
		c.WriteError = writeJSON
	}
	if c.HTTPClient == nil {
		c.HTTPClient = defaultClient()
	}
}

// check returns everything that is wrong with c.
func (c *Config) check() error {
	var problems []error
	wrong := func(is bool, text string) {
		if is {
			problems = append(problems, errors.New("guard: "+text))
		}
	}
	endpoint, err := url.Parse(c.Endpoint)
	switch {
	// The parser's own error would repeat a password in the URL.
	case err != nil || endpoint.Host == "" || endpoint.Scheme != "https" && endpoint.Scheme != "http":
		wrong(true, "Endpoint has to be an absolute https URL")
	case endpoint.User != nil || endpoint.Fragment != "":
		wrong(true, "Endpoint must have no user, password or fragment; use ClientID and ClientSecret")
	default:
		wrong(endpoint.Scheme == "http" && !c.AllowHTTP && !loopback(endpoint.Hostname()),
			"Endpoint has no TLS: tokens could be read on the way; use https or set AllowHTTP")
	}
	wrong(c.ClientID == "", "ClientID is missing")
	wrong(c.ClientSecret == "", "ClientSecret is missing")
	wrong(c.MaxEntries < 0, "MaxEntries must not be negative")
	wrong(c.Timeout < 0, "Timeout must not be negative")
	wrong(c.OutageMaxAge < 0, "OutageMaxAge must not be negative")
	wrong(c.OutageMaxAge > 0 && c.MaxAge < 0, "OutageMaxAge needs answers that are kept: MaxAge is negative")
	wrong(strings.ContainsFunc(c.Realm, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }),
		"Realm must be printable ASCII without quotes and backslashes")
	return errors.Join(problems...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// defaultClient keeps as many connections as a busy API needs to one host; the
// standard library keeps two.
func defaultClient() *http.Client {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxIdleConnsPerHost = 32
		return &http.Client{Transport: t}
	}
	return &http.Client{}
}
