package saml

import (
	"strings"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/ports"
)

// claimMax bounds the responses that are read for a hint: anything can be posted
// here.
const claimMax = 256 << 10

// Claim implements [ports.Broker].
func (b *Broker) Claim(raw string) ports.Claim {
	if len(raw) > claimMax {
		return ports.Claim{}
	}
	root, err := readDocument(raw)
	if err != nil || !root.Is(nsProtocol, "Response") {
		return ports.Claim{}
	}
	issuer := issuerOf(root)
	for _, assertion := range root.Children(nsAssertion, "Assertion") {
		if issuer == "" { // a Response need not name it (SAML profiles §4.1.4.2)
			issuer = issuerOf(assertion)
		}
	}
	if issuer == "" {
		return ports.Claim{}
	}
	claim := ports.Claim{Issuer: sanitized(issuer)}
	for slug, s := range b.served.Load().sources {
		if from, err := s.current(); err == nil && from.entityID == issuer {
			if claim.Connection != "" { // several have this issuer
				claim.Connection = ""
				break
			}
			claim.Connection = slug
		}
	}
	return claim
}

func issuerOf(n *xmltree.Node) string {
	named := n.Children(nsAssertion, "Issuer")
	if len(named) != 1 {
		return ""
	}
	text, _ := named[0].Content()
	return strings.TrimSpace(text)
}
