package saml

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// maxEncoded bounds the SAMLResponse field: an encrypted assertion of 600 kB makes
// 1.1 MB of base64 in base64, line ends not counted.
const maxEncoded = 2 << 20

// responseLimits leave room for thousands of group memberships. Every later step
// takes time linear in the size of the document.
var responseLimits = xmltree.Limits{Bytes: maxEncoded / 4 * 3, Depth: 100, Elements: 50_000, Attributes: 64, Namespaces: 128}

// verifiedLimits are for canonical octets of such a document: they can be longer
// than the document.
var verifiedLimits = xmltree.Limits{Bytes: 8 << 20, Depth: 100, Elements: 50_000, Attributes: 128, Namespaces: 256}

// A large response takes up to 20 MiB while it is read. Few are read at the same time,
// so that many of them do not take all memory; people's own are small.
const (
	largeFrom   = 128 << 10
	largeAtOnce = 4
)

// admit waits until a response may be read, and returns what ends that.
func (b *Broker) admit(ctx context.Context, raw string) (done func(), err error) {
	if len(raw) < largeFrom {
		return func() {}, nil
	}
	select {
	case b.large <- struct{}{}:
		return func() { <-b.large }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other large responses: %w", ctx.Err())
	}
}

// readDocument takes the document out of the HTTP-POST binding (SAML bindings §3.5.4)
// and reads it within limits: XML 1.0 with namespaces, one root, no DTD (SAML
// forbids it: core §1.1 builds on a schema, and an entity is text from elsewhere).
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
