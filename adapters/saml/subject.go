package saml

import (
	"fmt"
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
func subject(a *assertion, via connection.Connection) (identity.Subject, error) {
	if a.nameID == nil {
		return identity.Subject{}, refuse("name_id_missing", "a NameID", "none")
	}
	if !strings.ContainsFunc(a.nameID.value, visible) {
		return identity.Subject{}, refuse("name_id_blank", "a NameID that names somebody", "a blank one")
	}
	if err := identity.CheckIssuer(a.issuer.value); err != nil {
		return identity.Subject{}, refuse("invalid_issuer", "an entityID of at most 255 characters", a.issuer.value)
	}
	email, err := mailOf(a, via)
	if err != nil {
		return identity.Subject{}, err
	}
	subject, err := identity.NewSubject(email, a.issuer.value, a.nameID.value)
	if err != nil {
		return identity.Subject{}, approval.RefuseAs(approval.ErrNoEmail, "email_missing", "an e-mail address", "none that can be used")
	}
	return subject, nil
}

func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// mailOf takes, of the first source that names an address at all, the first one
// that the connection may speak for. A later source does not stand in for an
// address that is not allowed.
func mailOf(a *assertion, via connection.Connection) (identity.Email, error) {
	seen := 0
	for _, values := range sources(a, via.Settings().EmailAttribute) {
		var foreign []string
		for _, text := range values {
			seen++
			email, err := identity.ParseEmail(text)
			if err != nil {
				continue
			}
			if via.MayAssert(email) {
				return email, nil
			}
			foreign = append(foreign, email.Domain())
		}
		if len(foreign) > 0 {
			return identity.Email{}, approval.RefuseAs(connection.ErrForeignDomain, "domain_not_allowed", shown(strings.Join(via.Settings().Domains, " ")), shown(strings.Join(foreign, " ")))
		}
	}
	if seen > 0 {
		return identity.Email{}, approval.RefuseAs(approval.ErrNoEmail, "email_missing", "an e-mail address", fmt.Sprintf("%d values that are none", seen))
	}
	return identity.Email{}, approval.RefuseAs(approval.ErrNoEmail, "email_missing", "an e-mail attribute or NameID", "none")
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
	switch a.nameID.format {
	case formatEmail, formatUnspecified, "":
		nameID = []string{a.nameID.value}
	}
	return [][]string{own, usual, nameID}
}
