package saml

import (
	"fmt"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// maxEncoded is the longest SAMLResponse field that is looked at.
const maxEncoded = 1 << 20

// responseLimits leave room for thousands of group memberships and for nothing
// that could take long: every later step is linear in what passes here.
var responseLimits = xmltree.Limits{Bytes: maxEncoded, Depth: 100, Elements: 50_000, Attributes: 64, Namespaces: 128}

// verifiedLimits are for canonical octets of what passed: they can be longer
// than what they were made of.
var verifiedLimits = xmltree.Limits{Bytes: 8 * maxEncoded, Depth: 100, Elements: 50_000, Attributes: 128, Namespaces: 256}

// guard takes the document out of the HTTP-POST binding (SAML bindings §3.5.4)
// and reads it within limits: XML 1.0 with namespaces, one root, no DTD (SAML
// forbids it: core §1.1 builds on a schema, and an entity is another's text).
func readDocument(raw string) (*xmltree.Node, error) {
	if len(raw) > maxEncoded {
		return nil, refuse(xmltree.TooLarge, fmt.Sprintf("at most %d characters", maxEncoded), fmt.Sprint(len(raw)))
	}
	document, ok := xmlsec.Base64(raw)
	if !ok {
		return nil, refuse("not_base64", "a SAMLResponse in base64", fmt.Sprintf("%d characters of something else", len(raw)))
	}
	root, err := xmltree.Parse(document, responseLimits)
	if err != nil {
		return nil, refusal(err)
	}
	return root, nil
}
