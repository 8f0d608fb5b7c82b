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
	who, err := identity.NewSubject(email, a.issuer.value, a.nameID.value)
	if err != nil {
		return identity.Subject{}, approval.RefuseAs(approval.ErrNoEmail, "email_missing", "an e-mail address", "none that can be used")
	}
	return who, nil
}

func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// mailOf takes the first address that the connection may speak for.
func mailOf(a *assertion, via connection.Connection) (identity.Email, error) {
	var foreign []string
	seen := 0
	for _, text := range candidates(a, via.Settings().EmailAttribute) {
		seen++
		email, err := identity.ParseEmail(text)
		if err != nil {
			continue
		}
		if via.MaySpeakFor(email) {
			return email, nil
		}
		foreign = append(foreign, email.Domain())
	}
	if len(foreign) > 0 {
		return identity.Email{}, approval.RefuseAs(connection.ErrForeignDomain, "domain_not_allowed", shown(strings.Join(via.Settings().Domains, " ")), shown(strings.Join(foreign, " ")))
	}
	if seen > 0 {
		return identity.Email{}, approval.RefuseAs(approval.ErrNoEmail, "email_missing", "an e-mail address", fmt.Sprintf("%d values that are none", seen))
	}
	return identity.Email{}, approval.RefuseAs(approval.ErrNoEmail, "email_missing", "an e-mail attribute or NameID", "none")
}

// candidates are the texts that may be the address, in the order of the
// contract. A NameID counts where its format says so (core §8.3).
func candidates(a *assertion, override string) []string {
	var out []string
	add := func(wanted string, of func(attribute) string) {
		for _, attr := range a.attributes {
			if strings.EqualFold(of(attr), wanted) {
				out = append(out, attr.values...)
			}
		}
	}
	byName := func(a attribute) string { return a.name }
	byFriendlyName := func(a attribute) string { return a.friendlyName }
	if override != "" {
		add(override, byName)
		add(override, byFriendlyName)
	}
	for _, of := range []func(attribute) string{byName, byFriendlyName} {
		for _, wanted := range mailAttributes {
			add(wanted, of)
		}
	}
	switch a.nameID.format {
	case formatEmail, formatUnspecified, "":
		out = append(out, a.nameID.value)
	}
	return out
}
