package saml

import (
	"crypto/rsa"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// opened is what was inside an EncryptedAssertion. It is not verified yet: to
// encrypt, the published certificate is enough.
type opened struct {
	octets []byte
	root   *xmltree.Node // read in the place it was cut from
}

// decrypt opens the EncryptedAssertion (SAML core §2.3.4 and §6): the plain
// octets are one Assertion. They may use prefixes that are bound around the
// EncryptedData, since XML Encryption §4.1 puts them back where that stood.
func decrypt(l located, keys []*rsa.PrivateKey, allow xmlsec.Consent) (opened, error) {
	octets, err := xmlsec.Decrypt(l.encrypted, keys, allow)
	if err != nil {
		return opened{}, refusal(err)
	}
	root, err := readPlain(octets, "Assertion", l.encrypted.InScope())
	if err != nil {
		return opened{}, err
	}
	return opened{octets, root}, l.ids.collect(root)
}

// decryptInside opens an EncryptedID or EncryptedAttribute (SAML core §2.2.4,
// §2.7.3.2): the plain octets are one element of the given name. It stands in what
// was signed, so that, unlike an assertion, it needs no proof of its own.
func decryptInside(n *xmltree.Node, local string, keys []*rsa.PrivateKey, allow xmlsec.Consent) (*xmltree.Node, error) {
	octets, err := xmlsec.Decrypt(n, keys, allow)
	if err != nil {
		return nil, refusal(err)
	}
	return readPlain(octets, local, n.InScope())
}

func readPlain(octets []byte, local string, outer []xmltree.Decl) (*xmltree.Node, error) {
	root, err := xmltree.Parse(octets, responseLimits, outer...)
	if err != nil || !root.Is(nsAssertion, local) {
		return nil, refuse("decryption_failed", "one "+local+" in the cipher text", "something else")
	}
	return root, nil
}
