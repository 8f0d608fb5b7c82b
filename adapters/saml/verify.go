package saml

import (
	"bytes"
	"crypto"
	"errors"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/domain/approval"
)

// verified are the trees that were read from signed octets. Later steps read
// nothing else of a response.
type verified struct {
	// response is what its signature covers. Where it is not signed it is the
	// raw element, which can only cause a refusal: validate compares its fields
	// and takes no value from them.
	response       *xmltree.Node
	responseSigned bool
	// assertion is what its own signature covers or, where it has none, what
	// the response's does; nil in a denial.
	assertion       *xmltree.Node
	assertionSigned bool
}

// verify checks every signature there is (SAML core §5, profiles §4.1.4.2),
// and that the assertion is covered by one of them: a wrong signature on the
// assertion is refused, also inside a response whose signature is right. A Response
// that was signed before its assertion was encrypted is verified in the reverse
// order (core §6.2): with the assertion back in its place.
func verify(c *checks, l located, o opened, keys []crypto.PublicKey, allow xmlsec.Consent) (verified, error) {
	v := verified{response: l.response}
	assertion := l.assertion
	if l.encrypted != nil {
		assertion = o.root
	}
	sig, err := signed(l.response)
	if sig {
		v.response, err = covered(l.response, keys, allow)
		if l.encrypted != nil && isDigestMismatch(err) {
			l = l.decrypted(o)
			v.response, err = covered(l.response, keys, allow)
		}
		v.responseSigned = err == nil
	}
	if err := c.step("signature of the Response", "one, or one of the Assertion", either(sig, "one by a key of the metadata", "none"), err); err != nil {
		return v, err
	}
	if assertion == nil {
		return v, nil
	}
	sig, err = signed(assertion)
	if sig {
		v.assertionSigned = true
		v.assertion, err = covered(assertion, keys, allow)
	} else if err == nil && !v.responseSigned {
		err = refuse("unsigned", "a signature on the Response or the Assertion", "none")
	} else if err == nil {
		v.assertion, err = within(v.response, l, o)
	}
	return v, c.step("signature of the Assertion", "one, or one of the Response", either(sig, "one by a key of the metadata", "that of the Response"), err)
}

// isDigestMismatch reports whether a trusted key has signed, but another content:
// perhaps the one before the encryption.
func isDigestMismatch(err error) bool {
	var r *approval.Refusal
	return errors.As(err, &r) && r.Reason == "digest_mismatch"
}

// covered verifies n's signature and reads the octets that it covers.
func covered(n *xmltree.Node, keys []crypto.PublicKey, allow xmlsec.Consent) (*xmltree.Node, error) {
	id, ok := n.Attr("ID")
	if !ok || !xmltree.IsNCName(id) {
		return nil, refuse("invalid_id", "an ID that is an xs:ID", id)
	}
	octets, err := xmlsec.Verify(n, id, keys, allow)
	if err != nil {
		return nil, refusal(err)
	}
	root, err := xmltree.Parse(octets, verifiedLimits)
	if err != nil {
		return nil, refusal(err)
	}
	return root, nil
}

// within finds the assertion inside the verified response.
func within(response *xmltree.Node, l located, o opened) (*xmltree.Node, error) {
	again, err := locate(response)
	if err != nil {
		return nil, err
	}
	if l.assertion != nil && again.assertion != nil {
		return again.assertion, nil
	}
	form := xmltree.Form{Exclusive: true}
	if l.encrypted == nil || again.encrypted == nil ||
		!bytes.Equal(xmltree.Canonical(l.encrypted, form, nil), xmltree.Canonical(again.encrypted, form, nil)) {
		return nil, refuse("unsigned", "the assertion inside what was signed", "another one")
	}
	return readPlain(o.octets, "Assertion", trusted(again.encrypted.InScope(), l.encrypted.InScope()))
}

// trusted are the namespaces that an assertion without a signature of its own
// is read in: those that the response's signature covers. Exclusive
// canonicalisation leaves out what only the cipher text uses, so other prefixes are
// added. A prefix of a namespace that we read is never added; a foreign prefix
// that is bound to another foreign namespace changes nothing that is read.
func trusted(signed, raw []xmltree.Decl) []xmltree.Decl {
	out := signed
next:
	for _, d := range raw {
		for _, s := range signed {
			if s.Prefix == d.Prefix {
				continue next
			}
		}
		switch d.Space {
		case nsAssertion, nsProtocol, xmlsec.Signature, xmlsec.Encryption:
		default:
			out = append(out, d)
		}
	}
	return out
}
