package connection

import (
	"errors"
	"fmt"
	"slices"
)

// Entities are the entityIDs of the identity providers of connections, by slug,
// as far as they are known.
type Entities map[string]string

// Conflicts are the reasons why c cannot stand beside others, a sentence each. An
// e-mail domain belongs to one connection, and so does an identity provider:
// otherwise two connections could assert the same address, or the same person.
func Conflicts(c Connection, entityID string, others []Connection, of Entities) (found []string) {
	for _, other := range others {
		if other.Slug() == c.Slug() {
			continue
		}
		for _, domain := range c.s.Domains {
			if domain != "*" && slices.Contains(other.s.Domains, domain) {
				found = append(found, fmt.Sprintf("domains: %s belongs to connection %s; take it out there first", domain, other.Slug()))
			}
		}
		if entityID != "" && of[other.Slug()] == entityID && c.s.Broker == SAML && other.s.Broker == SAML {
			found = append(found, fmt.Sprintf("entity_id: %s is the identity provider of connection %s already; edit that one", entityID, other.Slug()))
		}
	}
	return found
}

// Check returns an error for each connection that cannot stand beside those before it.
func (e Entities) Check(all Directory) error {
	var errs []error
	for i, c := range all.all {
		for _, text := range Conflicts(c, e[c.Slug()], all.all[:i], e) {
			errs = append(errs, fmt.Errorf("connection %s: %s", c.Slug(), text))
		}
	}
	return errors.Join(errs...)
}
