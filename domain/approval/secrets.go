package approval

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

// RelayState is the opaque value that is sent to the identity provider and comes
// back with its response (SAML bindings §3.4.3: at most 80 bytes). It names a
// [Transaction].
type RelayState struct{ secret.Text }

// BrowserBinding binds an SSO transaction to the browser that began it. It lives
// in a cookie.
type BrowserBinding struct{ secret.Text }

// Ticket carries an accepted response from the POST to the GET.
type Ticket struct{ secret.Text }

// GrantSession names the grants of one browser. It lives in a cookie.
type GrantSession struct{ secret.Text }

// CSRF proves that a decision comes from a page that could read the grant.
type CSRF struct{ secret.Text }

const secretBytes = 32

func newRelayState() RelayState     { return RelayState{secret.Random("relay state", 24)} }
func newTicket() Ticket             { return Ticket{secret.Random("ticket", secretBytes)} }
func newGrantSession() GrantSession { return GrantSession{secret.Random("grant session", secretBytes)} }

var cookieForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// ParseRelayState wraps the value that came back with a response.
func ParseRelayState(text string) RelayState { return RelayState{secret.New("relay state", text)} }

// relayStateForm is that of the relay states made here.
var relayStateForm = regexp.MustCompile(`^[A-Za-z0-9_-]{32}$`)

// Unknown is the refusal of a response with a relay state that names no
// transaction. Without one, or with one that was not made here, the sign-in began
// at the identity provider.
func (r RelayState) Unknown() *Refusal {
	const expected = "the RelayState of a sign-in that began here"
	switch {
	case r.IsZero():
		return RefuseAs(ErrRelayStateMissing, "relay_state_missing", expected, "none")
	case !relayStateForm.MatchString(r.Reveal()):
		return RefuseAs(ErrIdPInitiated, "relay_state_foreign", expected, "another text")
	}
	return RefuseAs(ErrTransactionOver, "unknown_relay_state", expected, "one that is unknown or was swept away")
}

// ParseTicket wraps what a browser presents.
func ParseTicket(text string) Ticket { return Ticket{secret.New("ticket", text)} }

// ParseGrantSession wraps what a browser presents; a value that was not made here
// becomes the zero GrantSession.
func ParseGrantSession(text string) GrantSession {
	if !cookieForm.MatchString(text) {
		return GrantSession{}
	}
	return GrantSession{secret.New("grant session", text)}
}

// ParseCSRF wraps what a page presents.
func ParseCSRF(text string) CSRF { return CSRF{secret.New("csrf token", text)} }

// ParseBrowserBinding wraps a cookie's value; a value that was not made here
// becomes the zero BrowserBinding.
func ParseBrowserBinding(text string) BrowserBinding {
	if !cookieForm.MatchString(text) {
		return BrowserBinding{}
	}
	return BrowserBinding{secret.New("browser binding", text)}
}

// OrNew returns b, so that one browser can have several transactions under way,
// or a new binding if b is zero.
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

func csrf(key []byte, g *Grant) CSRF { return ParseCSRF(derive(key, "csrf:", g.s.ID)) }

func derive(key []byte, purpose string, grant uid.ID) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose + grant.String()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// UndoToken proves that its holder made the decision of one grant. It does not
// depend on the grant session, which changes when the browser signs in again.
type UndoToken struct{ secret.Text }

// ParseUndoToken wraps what a browser presents.
func ParseUndoToken(text string) UndoToken { return UndoToken{secret.New("undo token", text)} }

// Grant is the grant whose decision the token can take back; zero if the text
// is no undo token.
func (t UndoToken) Grant() uid.ID {
	named, _, _ := strings.Cut(t.Reveal(), ".")
	id, err := uid.Parse(named)
	if err != nil {
		return uid.ID{}
	}
	return id
}

// UndoToken is the undo token of g. Like the CSRF token it is derived, so that
// nothing is stored.
func (k CSRFKeys) UndoToken(g *Grant) UndoToken { return undoToken(k.keys[0], g) }

func (k CSRFKeys) mayUndo(g *Grant, presented UndoToken) bool {
	for _, key := range k.keys {
		if undoToken(key, g).Equal(presented.Text) {
			return true
		}
	}
	return false
}

func undoToken(key []byte, g *Grant) UndoToken {
	return ParseUndoToken(g.s.ID.String() + "." + derive(key, "undo:", g.s.ID))
}
