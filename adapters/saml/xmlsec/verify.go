package xmlsec

import (
	"crypto"
	"crypto/subtle"
	"fmt"
	"strings"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// maxKeys bounds how many keys are tried on one signature, maxSignedInfo how many
// elements are made canonical before the signature is checked.
const (
	maxKeys       = 32
	maxSignedInfo = 1000
)

// limits are wide: the document has passed the caller's limits, and its canonical
// octets can be longer.
var limits = xmltree.Limits{Bytes: 16 << 20, Depth: 1000, Elements: 1 << 20, Attributes: 1000, Namespaces: 1000}

// SignatureOf returns the one Signature directly inside el, or nil.
func SignatureOf(el *xmltree.Node) (*xmltree.Node, error) {
	all := el.Children(Signature, "Signature")
	if len(all) > 1 {
		return nil, &Error{"several_signatures", "at most one Signature in " + el.Local, fmt.Sprint(len(all))}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all[0], nil
}

// Verify checks the one Signature directly inside el, which has the given ID,
// against keys: SAML core §5.4, XML Signature §3.2. It returns the octets that
// the signature covers: el, without the Signature, in canonical form.
func Verify(el *xmltree.Node, id string, keys []crypto.PublicKey, allow Consent) ([]byte, error) {
	sig, err := SignatureOf(el)
	if err != nil {
		return nil, err
	}
	if sig == nil {
		return nil, &Error{"unsigned", "a signed " + el.Local, "none"}
	}
	signedInfo, err := verifySignedInfo(sig, keys, allow)
	if err != nil {
		return nil, err
	}
	// From here on the reference is read from what the key has signed.
	ref, err := readReference(signedInfo, id, allow)
	if err != nil {
		return nil, err
	}
	octets := xmltree.Canonical(el, ref.form, sig)
	if subtle.ConstantTimeCompare(digest(ref.hash, octets), ref.digest) != 1 {
		return nil, &Error{"digest_mismatch", "the digest of the " + el.Local, "another one"}
	}
	return octets, nil
}

// verifySignedInfo checks SignatureValue over SignedInfo and returns SignedInfo
// read anew from the octets that were signed.
func verifySignedInfo(sig *xmltree.Node, keys []crypto.PublicKey, allow Consent) (*xmltree.Node, error) {
	// SAML forbids Object (errata E91): nothing covers what is inside.
	parts, ok := only(sig, Signature, "SignedInfo", "SignatureValue", "KeyInfo")
	if !ok || parts["SignedInfo"] == nil || parts["SignatureValue"] == nil {
		return nil, &Error{"signature_malformed", "SignedInfo, SignatureValue and KeyInfo, once each", strings.Join(names(sig), " ")}
	}
	signedInfo := parts["SignedInfo"]
	inner, ok := only(signedInfo, Signature, "CanonicalizationMethod", "SignatureMethod", "Reference")
	if !ok || inner["CanonicalizationMethod"] == nil || inner["SignatureMethod"] == nil || inner["Reference"] == nil {
		return nil, &Error{"signature_malformed", "a SignedInfo with one Reference", strings.Join(names(signedInfo), " ")}
	}
	nodes := 0
	if signedInfo.Walk(func(*xmltree.Node) { nodes++ }); nodes > maxSignedInfo {
		return nil, &Error{"signature_malformed", fmt.Sprintf("a SignedInfo of at most %d elements", maxSignedInfo), fmt.Sprint(nodes)}
	}
	m, err := signatureMethod(inner["SignatureMethod"], allow)
	if err != nil {
		return nil, err
	}
	form, ok := canonicalForm(inner["CanonicalizationMethod"])
	if !ok {
		return nil, &Error{"canonicalization_not_allowed", "Exclusive or Canonical XML", algorithm(inner["CanonicalizationMethod"])}
	}
	value, ok := base64Of(parts["SignatureValue"])
	if !ok {
		return nil, &Error{"signature_malformed", "a SignatureValue in base64", "something else"}
	}
	octets := xmltree.Canonical(signedInfo, form, nil)
	for _, key := range keys[:min(len(keys), maxKeys)] {
		if m.fits(key, octets, value) {
			return xmltree.Parse(octets, limits)
		}
	}
	return nil, whyNoKey(parts["KeyInfo"], keys)
}

// whyNoKey distinguishes a wrong signature from one by a key that is not in the
// metadata, as far as KeyInfo names the key.
func whyNoKey(keyInfo *xmltree.Node, keys []crypto.PublicKey) error {
	named := keysOf(keyInfo)
	for _, n := range named {
		for _, k := range keys {
			if SameKey(n, k) {
				return &Error{"signature_invalid", "a signature by " + fingerprint(k), "one that does not fit"}
			}
		}
	}
	known := make([]string, 0, len(keys))
	for _, k := range keys {
		known = append(known, fingerprint(k))
	}
	if len(named) == 0 {
		return &Error{"signature_invalid", "a signature by one of " + strings.Join(known, " "), "one that fits none"}
	}
	return &Error{"unknown_key", "one of " + strings.Join(known, " "), fingerprint(named[0])}
}

type reference struct {
	form   xmltree.Form
	hash   crypto.Hash
	digest []byte
}

// readReference reads the one Reference of a signed SignedInfo (SAML core
// §5.4.2 and §5.4.4).
func readReference(signedInfo *xmltree.Node, id string, allow Consent) (reference, error) {
	var ref reference
	n := signedInfo.Children(Signature, "Reference")[0]
	parts, ok := only(n, Signature, "Transforms", "DigestMethod", "DigestValue")
	if !ok || parts["Transforms"] == nil || parts["DigestMethod"] == nil || parts["DigestValue"] == nil {
		return ref, &Error{"signature_malformed", "a Reference with Transforms, DigestMethod and DigestValue", strings.Join(names(n), " ")}
	}
	if uri, _ := n.Attr("URI"); id == "" || uri != "#"+id {
		return ref, &Error{"reference_mismatch", "#" + id, uri}
	}
	if err := ref.transforms(parts["Transforms"]); err != nil {
		return ref, err
	}
	uri := algorithm(parts["DigestMethod"])
	if ref.hash, ok = digests[uri]; !ok {
		return ref, &Error{"digest_algorithm_not_allowed", "SHA-2", uri}
	}
	if ref.hash == crypto.SHA1 && !allow.SHA1 {
		return ref, &Error{"weak_digest_algorithm", "SHA-2 (the connection does not consent to SHA-1)", uri}
	}
	if ref.digest, ok = base64Of(parts["DigestValue"]); !ok {
		return ref, &Error{"signature_malformed", "a DigestValue in base64", "something else"}
	}
	return ref, nil
}

// transforms accepts the enveloped signature and, after it, at most one
// canonicalisation; without one, XML Signature §4.4.3.2 says Canonical XML 1.0.
// SAML core §5.4.4 lets verifiers refuse the inclusive forms, but products send
// them; the caller reads the octets that were verified, whatever their form.
func (ref *reference) transforms(n *xmltree.Node) error {
	all := n.Elements()
	refused := func(received string) error {
		return &Error{"transform_not_allowed", "enveloped-signature, then a canonicalisation", received}
	}
	if len(all) == 0 || len(all) > 2 || n.HasText() {
		return refused(fmt.Sprintf("%d transforms", len(all)))
	}
	for _, t := range all {
		if !t.Is(Signature, "Transform") {
			return refused(t.Local)
		}
	}
	if algorithm(all[0]) != enveloped || len(all[0].Elements()) > 0 {
		return refused(algorithm(all[0]))
	}
	if len(all) == 1 {
		return nil
	}
	form, ok := canonicalForm(all[1])
	if !ok {
		return refused(algorithm(all[1]))
	}
	// A same-document reference by ID selects no comments (XML Signature
	// §4.4.3.3), so that a WithComments transform finds none to keep.
	form.Comments = false
	ref.form = form
	return nil
}

// canonicalForm reads the Algorithm of a CanonicalizationMethod or Transform,
// and InclusiveNamespaces where it may have them.
func canonicalForm(n *xmltree.Node) (xmltree.Form, bool) {
	uri := algorithm(n)
	form := xmltree.Form{Comments: strings.HasSuffix(uri, "#WithComments")}
	switch strings.TrimSuffix(uri, "WithComments") {
	case exclusive:
		form.Exclusive = true
	case "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#":
	case "http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/2006/12/xml-c14n11#":
		form.Version11 = true
	default:
		return form, false
	}
	children := n.Elements()
	if len(children) == 0 {
		return form, !n.HasText()
	}
	if !form.Exclusive || len(children) > 1 || !children[0].Is(exclusive, "InclusiveNamespaces") {
		return form, false
	}
	list, _ := children[0].Attr("PrefixList")
	for _, prefix := range strings.Fields(list) {
		if prefix == "#default" {
			prefix = ""
		}
		form.Prefixes = append(form.Prefixes, prefix)
	}
	return form, len(form.Prefixes) <= 64
}

func names(n *xmltree.Node) []string {
	var out []string
	for _, c := range n.Elements() {
		if len(out) == 8 {
			return append(out, "…")
		}
		out = append(out, c.Local)
	}
	return out
}
