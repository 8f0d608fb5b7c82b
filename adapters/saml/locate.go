package saml

import (
	"fmt"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// located are the only elements of a response that later steps read. A second
// Assertion in an extension, in advice or in an attribute is no assertion of this
// response.
type located struct {
	response  *xmltree.Node
	assertion *xmltree.Node // or:
	encrypted *xmltree.Node // or neither, in a denial
	ids       identifiers
}

// locate finds exactly one Status and at most one Assertion or
// EncryptedAssertion directly inside the Response (SAML core §3.3.3; profiles
// §4.1.4.2 allows several assertions; products send one, and several make it
// unclear what was signed). An xs:ID is unique in its document (core §1.3.4).
func locate(root *xmltree.Node) (located, error) {
	l := located{response: root, ids: identifiers{}}
	if !root.Is(nsProtocol, "Response") {
		return l, refuse("not_a_response", "Response of "+nsProtocol, root.Local+" of "+root.Space)
	}
	if n := len(root.Children(nsProtocol, "Status")); n != 1 {
		return l, refuse("status_missing", "one Status", fmt.Sprint(n))
	}
	plain, encrypted := root.Children(nsAssertion, "Assertion"), root.Children(nsAssertion, "EncryptedAssertion")
	if n := len(plain) + len(encrypted); n > 1 {
		return l, refuse("several_assertions", "one Assertion or EncryptedAssertion", fmt.Sprint(n))
	}
	if len(plain) == 1 {
		l.assertion = plain[0]
	}
	if len(encrypted) == 1 {
		l.encrypted = encrypted[0]
	}
	return l, l.ids.collect(root)
}

// decrypted is the same response with the assertion in the place of the cipher
// text (XML Encryption §4.1).
func (l located) decrypted(o opened) located {
	l.response, l.assertion = l.response.With(l.encrypted, o.root)
	l.encrypted = nil
	return l
}

// identifiers are the xs:ID values seen, and whether one of SAML's elements
// has it.
type identifiers map[string]bool

// collect refuses an ID of a SAML element that another element has too, be it as
// ID, Id, id or xml:id: a verifier that looks elements up by ID could find the
// other one.
func (ids identifiers) collect(root *xmltree.Node) error {
	var err error
	root.Walk(func(n *xmltree.Node) {
		ours := n.Space == nsProtocol || n.Space == nsAssertion
		for _, a := range n.Attrs {
			named := a.Space == "" && (a.Local == "ID" || a.Local == "Id" || a.Local == "id") || a.Space == xmltree.XMLSpace && a.Local == "id"
			if !named || a.Value == "" {
				continue
			}
			before, seen := ids[a.Value]
			if seen && (before || ours) && err == nil {
				err = refuse("duplicate_id", "every ID once", a.Value)
			}
			ids[a.Value] = before || ours
		}
	})
	return err
}

// signed reports whether n has a signature of its own.
func signed(n *xmltree.Node) (bool, error) {
	sig, err := xmlsec.SignatureOf(n)
	if err != nil {
		return false, refusal(err)
	}
	return sig != nil, nil
}
