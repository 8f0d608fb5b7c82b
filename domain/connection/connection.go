// Package connection describes the identity providers at which people sign in.
//
// A [Connection] is one identity provider as configured here. It speaks for
// the e-mail domains it lists and for no others. Its ACS mount is the callback
// URL that the identity provider has registered; moving from one to the other
// is a matter of configuration, connection by connection.
package connection

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
)

var (
	// ErrUnknown says that no connection has this slug, or that there is none.
	ErrUnknown = fault.New(fault.NotFound, "unknown_connection",
		"This way of signing in is not known here. Go back and choose another.")
	// ErrNotListed is [ErrUnknown] as administrators are told it.
	ErrNotListed = ErrUnknown.Saying("No connection has this slug. List the connections to see those that are there.")
	// ErrForeignDomain says that an identity provider asserted an address
	// outside its domains.
	ErrForeignDomain = fault.New(fault.Invalid, "invalid_sso_assertion",
		"Your identity provider may not vouch for this e-mail address here. Ask your administrator.").OnPage("domain_not_allowed")
	// ErrChoose says that the person has to choose among several connections.
	ErrChoose = errors.New("connection: the person has to choose")
)

// Broker tells how a connection's sign-ins are carried out.
type Broker string

// The brokers.
const (
	SAML       Broker = "saml"       // devicegate is the SAML service provider
	Enterprise Broker = "enterprise" // Dify Enterprise is; devicegate calls its inner API
)

// SignRequests tells whether AuthnRequests are signed.
type SignRequests string

// The choices; Auto does what the identity provider's metadata asks for.
const (
	SignAuto   SignRequests = "auto"
	SignAlways SignRequests = "always"
	SignNever  SignRequests = "never"
)

// LoginHint tells how the address that a person has typed is passed on to the
// identity provider.
type LoginHint string

// The choices.
const (
	LoginHintParameter LoginHint = "parameter" // login_hint in the query
	LoginHintSubject   LoginHint = "subject"   // Subject of the AuthnRequest, which some refuse
	LoginHintNone      LoginHint = "none"
)

// Settings are a connection's facts, as configuration states them.
type Settings struct {
	Slug           string       // [a-z0-9-]+
	Name           string       // for people; empty: the slug
	Broker         Broker       // empty: SAML
	EntityID       string       // SAML: picks one of several in the metadata; Enterprise: the only issuer accepted
	Domains        []string     // e-mail domains it may speak for; "*": any
	ACSMount       Mount        // empty: Canonical
	SignRequests   SignRequests // empty: Auto
	LoginHint      LoginHint    // empty: LoginHintParameter
	EmailAttribute string       // empty: the usual attributes in their order
	Public         bool         // may be offered by name

	SAML SAMLSettings // of a connection whose broker is SAML
}

// Connection is one identity provider as configured here. It does not change.
type Connection struct {
	s     Settings
	owner Owner
}

var (
	slugForm   = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	domainForm = regexp.MustCompile(`^` + domainPart + `(\.` + domainPart + `)+$`)
)

// domainPart also takes international letters: a domain is compared as the
// identity provider writes it, in letters or as xn--….
const domainPart = `[\p{L}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?`

// New checks the settings and fills in defaults. Its error lists everything
// that is wrong.
func New(s Settings) (Connection, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slugForm.MatchString(s.Slug) {
		wrong("slug %q: use 1 to 64 of a-z, 0-9 and -", s.Slug)
	}
	if s.Name = or(s.Name, s.Slug); !nameable(s.Name) {
		wrong("name: at most %d characters that can be seen, no control or direction marks", nameMax)
	}
	s.Broker, s.ACSMount, s.SignRequests = or(s.Broker, SAML), or(s.ACSMount, Canonical), or(s.SignRequests, SignAuto)
	if s.Broker != SAML && s.Broker != Enterprise {
		wrong("broker %q: use saml or enterprise", s.Broker)
	}
	if s.ACSMount != Canonical && s.ACSMount != Legacy {
		wrong("acs_mount %q: use canonical or legacy", s.ACSMount)
	}
	if s.SignRequests != SignAuto && s.SignRequests != SignAlways && s.SignRequests != SignNever {
		wrong("sign_requests %q: use auto, always or never", s.SignRequests)
	}
	if s.LoginHint = or(s.LoginHint, LoginHintParameter); s.LoginHint != LoginHintParameter && s.LoginHint != LoginHintSubject && s.LoginHint != LoginHintNone {
		wrong("login_hint %q: use parameter, subject or none", s.LoginHint)
	}
	if s.EntityID != "" && identity.CheckIssuer(s.EntityID) != nil {
		wrong("entity_id: at most 255 characters, no blanks around it")
	}
	if s.EmailAttribute = strings.TrimSpace(s.EmailAttribute); !nameable(s.EmailAttribute) {
		wrong("email_attribute: at most %d characters that can be seen, no control or direction marks", nameMax)
	}
	if len(s.Domains) == 0 {
		wrong(`domains: list the e-mail domains this identity provider may speak for ("*": any)`)
	}
	s.Domains = slices.Clone(s.Domains)
	for i, d := range s.Domains {
		s.Domains[i] = strings.ToLower(strings.TrimSpace(d))
		if s.Domains[i] != "*" && !domainForm.MatchString(s.Domains[i]) {
			wrong("domains: %q is not a domain", d)
		}
	}
	return Connection{s: s}, errors.Join(errs...)
}

const nameMax = 255

// nameable reports whether a name shows on a page and a terminal as it is.
func nameable(name string) bool {
	return utf8.ValidString(name) && utf8.RuneCountInString(name) <= nameMax && !strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	})
}

func or[T ~string](value, otherwise T) T {
	if value == "" {
		return otherwise
	}
	return value
}

// Slug names the connection in URLs, logs and audit events.
func (c Connection) Slug() string { return c.s.Slug }

// Settings are the connection's facts, defaults filled in.
func (c Connection) Settings() Settings { return c.s }

// MayAssertAnyDomain reports whether no address is foreign to the connection.
func (c Connection) MayAssertAnyDomain() bool { return slices.Contains(c.s.Domains, "*") }

// MayAssert reports whether email lies in the connection's domains. Domains
// match exactly; a sub-domain is another domain.
func (c Connection) MayAssert(email identity.Email) bool {
	return c.MayAssertAnyDomain() || slices.Contains(c.s.Domains, email.Domain())
}

// CheckSubject returns [ErrForeignDomain] unless the connection may assert the
// subject's address.
func (c Connection) CheckSubject(subject identity.Subject) error {
	if !c.MayAssert(subject.Email()) {
		return ErrForeignDomain
	}
	return nil
}

// Directory holds the connections of this installation.
type Directory struct{ all []Connection }

// NewDirectory refuses two connections of one slug.
func NewDirectory(all ...Connection) (Directory, error) {
	seen := map[string]bool{}
	for _, c := range all {
		if seen[c.Slug()] {
			return Directory{}, fmt.Errorf("connection %s: there are two of that slug", c.Slug())
		}
		seen[c.Slug()] = true
	}
	return Directory{slices.Clone(all)}, nil
}

// All lists the connections in the order of the configuration.
func (d Directory) All() []Connection { return slices.Clone(d.all) }

// Find returns the connection called slug, or [ErrUnknown].
func (d Directory) Find(slug string) (Connection, error) {
	for _, c := range d.all {
		if c.Slug() == slug {
			return c, nil
		}
	}
	return Connection{}, ErrUnknown
}

// Among holds the connections whose slugs allow lets through.
func (d Directory) Among(allow func(slug string) bool) Directory {
	return Directory{slices.DeleteFunc(d.All(), func(c Connection) bool { return !allow(c.Slug()) })}
}

// Choose picks the connection for a sign-in: by slug; else by the domain of the
// login hint, or the one that may assert every domain; else the only one. It
// returns [ErrUnknown] for an unknown slug or without any connection, and
// [ErrChoose] if the person has to choose. A domain that no connection may assert
// gets the same answer as no hint.
func (d Directory) Choose(slug, loginHint string) (Connection, error) {
	if slug != "" {
		return d.Find(slug)
	}
	if email, err := identity.ParseEmail(loginHint); err == nil {
		for _, c := range d.all {
			if slices.Contains(c.s.Domains, email.Domain()) {
				return c, nil
			}
		}
		if anyone := slices.DeleteFunc(d.All(), func(c Connection) bool { return !c.MayAssertAnyDomain() }); len(anyone) == 1 {
			return anyone[0], nil
		}
	}
	switch len(d.all) {
	case 0:
		return Connection{}, ErrUnknown
	case 1:
		return d.all[0], nil
	}
	return Connection{}, ErrChoose
}
