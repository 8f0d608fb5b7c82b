package approval

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"

	"github.com/devicegate/devicegate/domain/secret"
)

// RelayState is the opaque handle that travels to the identity provider and
// back (SAML bindings §3.4.3: at most 80 bytes). It names a [Transaction].
type RelayState struct{ secret.Text }

// Browser binds a trip to the browser that began it; it lives in a cookie.
type BrowserBinding struct{ secret.Text }

// Ticket carries an accepted response from the POST to the GET.
type Ticket struct{ secret.Text }

// Handle names the grants of one browser; it lives in a cookie.
type GrantSession struct{ secret.Text }

// CSRF proves that a decision comes from a page that could read the grant.
type CSRF struct{ secret.Text }

const secretBytes = 32

func newRelayState() RelayState     { return RelayState{secret.Random("relay state", 24)} }
func newTicket() Ticket             { return Ticket{secret.Random("ticket", secretBytes)} }
func newGrantSession() GrantSession { return GrantSession{secret.Random("grant handle", secretBytes)} }

var browserForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// ParseRelayState wraps what came back.
func ParseRelayState(text string) RelayState { return RelayState{secret.New("relay state", text)} }

// ParseTicket wraps what a browser presents.
func ParseTicket(text string) Ticket { return Ticket{secret.New("ticket", text)} }

// ParseHandle wraps what a browser presents.
func ParseGrantSession(text string) GrantSession {
	return GrantSession{secret.New("grant handle", text)}
}

// ParseCSRF wraps what a page presents.
func ParseCSRF(text string) CSRF { return CSRF{secret.New("csrf token", text)} }

// ParseBrowser wraps a cookie's value; a value that was not made here becomes
// the zero Browser.
func ParseBrowserBinding(text string) BrowserBinding {
	if !browserForm.MatchString(text) {
		return BrowserBinding{}
	}
	return BrowserBinding{secret.New("browser binding", text)}
}

// OrNew keeps a browser that is known, so that several trips can be under way,
// and names one that is not.
func (b BrowserBinding) OrNew() BrowserBinding {
	if b.IsZero() {
		return BrowserBinding{secret.Random("browser binding", secretBytes)}
	}
	return b
}

// newRequestID makes the ID of an AuthnRequest: an NCName (it may not begin
// with a digit), 128 random bits.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it crashes the program instead
	return "_" + hex.EncodeToString(b[:])
}

// CSRFKeys derive the CSRF token of a grant, so that it can be asked for again
// without being stored. The first key makes tokens, the others still verify.
type CSRFKeys struct{ keys [][]byte }

// NewCSRFKeys takes the active key and those before it.
func NewCSRFKeys(active []byte, previous ...[]byte) CSRFKeys {
	return CSRFKeys{append([][]byte{active}, previous...)}
}

// Token is the CSRF token of g.
func (k CSRFKeys) Token(g *Grant) CSRF { return csrf(k.keys[0], g) }

func (k CSRFKeys) matches(g *Grant, presented CSRF) bool {
	for _, key := range k.keys {
		if csrf(key, g).Equal(presented.Text) {
			return true
		}
	}
	return false
}

func csrf(key []byte, g *Grant) CSRF {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("csrf:" + g.s.ID.String()))
	return ParseCSRF(base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}
