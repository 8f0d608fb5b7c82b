package saml

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/identity"
)

// mailAttributes are the names that identity providers give the e-mail address,
// in the contract's order.
var mailAttributes = []string{
	"urn:oid:0.9.2342.19200300.100.1.3",
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
	"urn:mace:dir:attribute-def:mail",
	"mail",
	"email",
	"emailAddress",
}

// subject names the person. The NameID has to be there, whatever the
// attributes say: two people without one would be the same (core §2.2.3).
func subject(c *checks, a *assertion, via connection.Connection) (person identity.Subject) {
	email, noEmail := emailOf(a, via)
	var noNameID error
	if reason := a.nameID.missing(); reason != "" {
		// Some identity providers send a blank NameID where the person has no
		// e-mail address, others send no attribute. The page is the same.
		as := approval.ErrInvalidAssertion
		if errors.Is(noEmail, approval.ErrNoEmail) {
			as = approval.ErrNoEmail
		}
		noNameID = approval.RefuseAs(as, reason, "a NameID that is not blank", received(a, via.Settings().EmailAttribute))
	}
	c.check("NameID", "a NameID that is not blank", func() string { return "one of format " + a.nameID.format }, noNameID)
	if a.issuer == nil {
		return person
	}
	if err := identity.CheckIssuer(a.issuer.value); err != nil {
		c.that("Issuer of the Assertion", "invalid_issuer", false, "an entityID of at most 255 characters", a.issuer.value)
	}
	c.check("e-mail address", strings.Join(via.Settings().Domains, " "), func() string { return "one at " + email.Domain() }, noEmail)
	if noEmail != nil || noNameID != nil || c.done() {
		return person
	}
	person, err := identity.NewSubject(email, a.issuer.value, a.nameID.value)
	c.that("person", "invalid_subject", err == nil, "an e-mail address, an issuer and a NameID of at most 255 characters", either(err == nil, "as expected", "others"))
	return person
}

// missing is the reason why the NameID cannot identify a person; empty: it can.
func (n *nameID) missing() string {
	switch {
	case n == nil:
		return "name_id_missing"
	case !strings.ContainsFunc(n.value, visible):
		return "name_id_blank"
	}
	return ""
}

func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// emailOf takes, of the first source that names an address at all, the first one
// that the connection may assert. A later source does not stand in for an
// address that is not allowed.
func emailOf(a *assertion, via connection.Connection) (identity.Email, error) {
	override := via.Settings().EmailAttribute
	for _, values := range sources(a, override) {
		var foreign []string
		for _, text := range values {
			email, err := identity.ParseEmail(text)
			if err != nil {
				continue
			}
			if via.MayAssert(email) {
				return email, nil
			}
			if !slices.Contains(foreign, email.Domain()) {
				foreign = append(foreign, email.Domain())
			}
		}
		if len(foreign) > 0 {
			return identity.Email{}, approval.RefuseAs(connection.ErrForeignDomain, "domain_not_allowed", sanitized(strings.Join(via.Settings().Domains, " ")), sanitized(strings.Join(foreign, " ")))
		}
	}
	expected := "an e-mail address in one of the usual attributes or in the NameID"
	if override != "" {
		expected = fmt.Sprintf("an e-mail address in the attribute %q (email_attribute), in one of the usual ones or in the NameID", sanitized(override))
	}
	return identity.Email{}, approval.RefuseAs(approval.ErrNoEmail, "email_missing", expected, received(a, override))
}

const (
	maxNamesShown = 12
	maxNameShown  = 80 // characters
)

// received names what came, for operators who look for the e-mail address: the
// attributes' names and the NameID's format. Values are personal and not shown.
func received(a *assertion, override string) string {
	var parts []string
	for i, attribute := range a.attributes {
		if i == maxNamesShown {
			parts = append(parts, fmt.Sprintf("%d more attributes", len(a.attributes)-i))
			break
		}
		parts = append(parts, attribute.shown(override))
	}
	if len(a.attributes) == 0 {
		parts = append(parts, "no attributes")
	}
	if a.unopened > 0 {
		parts = append(parts, fmt.Sprintf("%d encrypted attributes that none of our keys opens", a.unopened))
	}
	switch {
	case a.nameID == nil:
		parts = append(parts, "no NameID")
	case a.nameID.format == "":
		parts = append(parts, "a NameID without format")
	default:
		parts = append(parts, "a NameID of format "+sanitized(a.nameID.format))
	}
	if a.nameID.missing() == "name_id_blank" {
		parts[len(parts)-1] += " that is blank"
	}
	return strings.Join(parts, ", ")
}

func (a attribute) shown(override string) string {
	text := fmt.Sprintf("%q", sanitizedTo(a.name, maxNameShown))
	if a.friendlyName != "" && a.friendlyName != a.name {
		text += fmt.Sprintf(" (%q)", sanitizedTo(a.friendlyName, maxNameShown))
	}
	for _, wanted := range append([]string{override}, mailAttributes...) {
		if wanted != "" && (strings.EqualFold(a.name, wanted) || strings.EqualFold(a.friendlyName, wanted)) {
			return text + a.unusable()
		}
	}
	return text
}

// unusable says why an attribute that could hold the e-mail address does not;
// empty: it does.
func (a attribute) unusable() string {
	if len(a.values) == 0 {
		return " without a value"
	}
	n := 0
	for _, text := range a.values {
		if _, err := identity.ParseEmail(text); err != nil {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" with %d values that are no e-mail address", n)
}

// sources are the texts that may be the address, by source, in the order of the
// contract: the connection's own attribute; the usual ones by Name, then by
// FriendlyName; the NameID, where its format says so (core §8.3).
func sources(a *assertion, override string) [][]string {
	named := func(wanted string, of func(attribute) string) (out []string) {
		for _, attr := range a.attributes {
			if strings.EqualFold(of(attr), wanted) {
				out = append(out, attr.values...)
			}
		}
		return out
	}
	byName := func(a attribute) string { return a.name }
	byFriendlyName := func(a attribute) string { return a.friendlyName }
	var own, usual, nameID []string
	if override != "" {
		own = append(named(override, byName), named(override, byFriendlyName)...)
	}
	for _, of := range []func(attribute) string{byName, byFriendlyName} {
		for _, wanted := range mailAttributes {
			usual = append(usual, named(wanted, of)...)
		}
	}
	if a.nameID != nil {
		switch a.nameID.format {
		case formatEmail, formatUnspecified, "":
			nameID = []string{a.nameID.value}
		}
	}
	return [][]string{own, usual, nameID}
}
