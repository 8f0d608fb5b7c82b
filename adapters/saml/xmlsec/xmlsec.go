// Package xmlsec verifies, signs and decrypts what SAML 2.0 allows of XML
// Signature and XML Encryption, and no more.
//
// [Verify] returns the octets that were signed, and those are the
// only thing a caller may go on to read. It looks for nothing in the document:
// the caller says which element has to be signed, and with which keys. What
// KeyInfo says is a hint for the log and never trusted.
package xmlsec

import (
	"encoding/base64"
	"strings"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// The namespaces read here.
const (
	Signature    = "http://www.w3.org/2000/09/xmldsig#"
	signature11  = "http://www.w3.org/2009/xmldsig11#"
	Encryption   = "http://www.w3.org/2001/04/xmlenc#"
	Encryption11 = "http://www.w3.org/2009/xmlenc11#"
	exclusive    = "http://www.w3.org/2001/10/xml-exc-c14n#"
	pssParams    = "http://www.w3.org/2007/05/xmldsig-more#"
)

// Error says why something was not verified or not decrypted. It is for the
// log; none of it is for the outside.
type Error struct{ Reason, Expected, Received string }

func (e *Error) Error() string {
	return e.Reason + ": expected " + e.Expected + ", received " + e.Received
}

// Consent names the weak algorithms that a connection allows.
type Consent struct {
	SHA1      bool // in signatures and digests; in OAEP it is not weak
	RSA15     bool // RSA 1.5 key transport
	TripleDES bool
}

// base64Of reads the base64 text of an element; xs:base64Binary allows white
// space anywhere.
func base64Of(n *xmltree.Node) ([]byte, bool) {
	text, ok := n.Content()
	if !ok {
		return nil, false
	}
	return Base64(text)
}

// Base64 reads xs:base64Binary: standard alphabet, padded, white space ignored.
func Base64(text string) ([]byte, bool) {
	if strings.ContainsAny(text, xmltree.White) {
		text = strings.Map(func(r rune) rune {
			if strings.ContainsRune(xmltree.White, r) {
				return -1
			}
			return r
		}, text)
	}
	out, err := base64.StdEncoding.DecodeString(text)
	return out, err == nil && len(out) > 0
}

// only returns the child elements if they are of the given names in XML
// Signature's or XML Encryption's namespaces, and nothing else is there.
func only(n *xmltree.Node, space string, names ...string) (map[string]*xmltree.Node, bool) {
	if n.HasText() {
		return nil, false
	}
	found := make(map[string]*xmltree.Node, len(names))
	for _, c := range n.Elements() {
		if c.Space != space || found[c.Local] != nil {
			return nil, false
		}
		known := false
		for _, name := range names {
			known = known || name == c.Local
		}
		if !known {
			return nil, false
		}
		found[c.Local] = c
	}
	return found, true
}

func algorithm(n *xmltree.Node) string {
	if n == nil {
		return ""
	}
	uri, _ := n.Attr("Algorithm")
	return strings.Trim(uri, xmltree.White)
}
