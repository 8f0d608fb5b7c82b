// Package identity names the person who decides about a device.
//
// A person is identified by the pair (issuer, e-mail): the identity provider and
// the e-mail address that it asserts. Two identity providers never share a
// subject, whatever addresses they assert.
package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/fault"
)

// ErrInvalidEmail says that a text is no e-mail address.
var ErrInvalidEmail = fault.New(fault.Invalid, "invalid_email", "That is not an e-mail address. Write it like name@company.example.")

// ErrInvalidIssuer says that a text cannot name an identity provider here.
var ErrInvalidIssuer = fault.New(fault.Invalid, "invalid_issuer",
	"An issuer is 1 to 255 characters, without blanks around it or control characters.")

// Email is an address in lower case. It is compared as a whole.
type Email struct{ text string }

// ParseEmail accepts a plain address of 3 to 255 characters, blanks around it
// ignored. It returns [ErrInvalidEmail] for anything else: display names,
// comments, several addresses, control characters.
func ParseEmail(text string) (Email, error) {
	if isPlainEmail(text) {
		return Email{text}, nil
	}
	text = strings.TrimSpace(text)
	n := utf8.RuneCountInString(text)
	if n < 3 || n > 255 || !utf8.ValidString(text) || strings.ContainsFunc(text, forbiddenInEmail) {
		return Email{}, ErrInvalidEmail
	}
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text {
		return Email{}, ErrInvalidEmail
	}
	return Email{strings.ToLower(text)}, nil
}

// isPlainEmail reports whether text is an address of the most common form: small
// letters, digits, '.', '_', '-' and '+', as stored ones are. For these alone it
// answers as net/mail does, which costs more than reading the row of a token.
func isPlainEmail(text string) bool {
	at := strings.IndexByte(text, '@')
	if at < 1 || at == len(text)-1 || len(text) > 255 {
		return false
	}
	before := byte('.') // a dot stands neither first nor after a dot
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '+' && i < at:
		case c == '.' && before != '.' && i != at-1 && i != len(text)-1:
		case i == at:
			c = '.'
		default:
			return false
		}
		before = c
	}
	return true
}

// forbiddenInEmail also refuses '#': directories put it into the user names of
// guests (name_home.example#EXT#@host.example), which are no addresses. And it
// refuses letters that lower-casing would turn into ASCII ones, such as the
// Kelvin sign: by them one person could pass for another.
func forbiddenInEmail(r rune) bool {
	if r > unicode.MaxASCII && unicode.ToLower(r) <= unicode.MaxASCII {
		return true
	}
	return r == '#' || r == '<' || r == '>' || r == '"' || unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

func (e Email) String() string { return e.text }

// Domain is what follows the at sign.
func (e Email) Domain() string { return e.text[strings.LastIndexByte(e.text, '@')+1:] }

// IsZero reports whether there is no address.
func (e Email) IsZero() bool { return e.text == "" }

// Type tells where a subject comes from.
type Type string

// The types of subjects, in the words of the wire contract.
const (
	ExternalSSO Type = "external_sso"
	Account     Type = "account"
)

// Subject is a person that an identity provider has authenticated.
type Subject struct {
	email  Email
	issuer string
	nameID string
}

// NewSubject names the person whom issuer calls nameID and reaches at email.
// The NameID is kept for the audit trail; identity is (issuer, e-mail). It
// returns [ErrInvalidEmail] or [ErrInvalidIssuer].
func NewSubject(email Email, issuer, nameID string) (Subject, error) {
	if email.IsZero() {
		return Subject{}, ErrInvalidEmail
	}
	if err := CheckIssuer(issuer); err != nil {
		return Subject{}, err
	}
	return Subject{email: email, issuer: issuer, nameID: nameID}, nil
}

// CheckIssuer returns [ErrInvalidIssuer] unless text can name an identity
// provider: the token table keeps 255 characters of it.
func CheckIssuer(text string) error {
	n := utf8.RuneCountInString(text)
	if n < 1 || n > 255 || !utf8.ValidString(text) || strings.TrimSpace(text) != text || strings.ContainsFunc(text, unicode.IsControl) {
		return ErrInvalidIssuer
	}
	return nil
}

// Type tells where the subject comes from.
func (s Subject) Type() Type { return ExternalSSO }

// Email is the address that the issuer asserts.
func (s Subject) Email() Email { return s.email }

// Issuer is the identity provider's entityID.
func (s Subject) Issuer() string { return s.issuer }

// NameID is what the identity provider itself calls the person.
func (s Subject) NameID() string { return s.nameID }

// IsZero reports whether no person is named.
func (s Subject) IsZero() bool { return s == Subject{} }

// SubjectID names a person for programs: the same for each token of the pair (issuer,
// e-mail), another for every other pair. It holds no secret, and is no way to
// hide an address: an address that is guessed can be checked against it. It is
// empty without an address.
func SubjectID(email Email, issuer string) string {
	if email.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte("devicegate subject\x00" + issuer + "\x00" + email.text)) // neither part has control characters
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Same reports whether both are one person.
func (s Subject) Same(o Subject) bool { return s.email == o.email && s.issuer == o.issuer }
