package samltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // weak algorithms have to be refused, so they have to be made
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// Algorithm URIs for a [Signing] and an [Encryption].
const (
	DSig       = "http://www.w3.org/2000/09/xmldsig#"
	More       = "http://www.w3.org/2001/04/xmldsig-more#"
	More2007   = "http://www.w3.org/2007/05/xmldsig-more#"
	Enc        = "http://www.w3.org/2001/04/xmlenc#"
	Enc11      = "http://www.w3.org/2009/xmlenc11#"
	Exclusive  = "http://www.w3.org/2001/10/xml-exc-c14n#"
	Inclusive  = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	Inclusive1 = "http://www.w3.org/2006/12/xml-c14n11"
	Enveloped  = DSig + "enveloped-signature"
)

// Signing says how to sign; what is empty has its usual form.
type Signing struct {
	Parameters string // inside SignatureMethod
	Salt       int    // of RSA-PSS; 0: as long as the hash
	Key        crypto.Signer
	Method     string // SignatureMethod
	Digest     string // DigestMethod
	C14N       string // CanonicalizationMethod
	KeyInfo    string // the whole element

	// Transforms are the whole Transform elements; what they do is said by
	// Form, since nothing here reads them.
	Transforms string
	Form       *xmltree.Form

	URI       *string                     // of the Reference
	Reference func(element string) string // edits the Reference before SignedInfo is signed
	Finished  func(element string) string // edits the Signature when all is done
	ASN1      bool                        // ECDSA as certificates write it, which is wrong here
}

var hashes = map[string]crypto.Hash{
	DSig + "sha1": crypto.SHA1, Enc + "sha256": crypto.SHA256, More + "sha384": crypto.SHA384, Enc + "sha512": crypto.SHA512, More + "sha224": crypto.SHA224,
}

// sign replaces mark, if it is still there, by a signature of the element with
// that ID.
func (s Signing) sign(document, id, mark string) string {
	if !strings.Contains(document, mark) {
		return document
	}
	unsigned := strings.NewReplacer(responseMark, "", assertionMark, "", Mark, "").Replace(document)
	digest := pick(s.Digest, Enc+"sha256")
	form := xmltree.Form{Exclusive: true}
	if s.Form != nil {
		form = *s.Form
	}
	sum := hashed(hashes[digest], xmltree.Canonical(element(unsigned, "ID", id), form, nil))
	transforms := pick(s.Transforms, `<ds:Transform Algorithm="`+Enveloped+`"/><ds:Transform Algorithm="`+Exclusive+`"/>`)
	reference := fmt.Sprintf(`<ds:Reference URI="%s"><ds:Transforms>%s</ds:Transforms><ds:DigestMethod Algorithm="%s"/><ds:DigestValue>%s</ds:DigestValue></ds:Reference>`,
		or(s.URI, "#"+id), transforms, digest, base64.StdEncoding.EncodeToString(sum))
	if s.Reference != nil {
		reference = s.Reference(reference)
	}
	method := pick(s.Method, More+"rsa-sha256")
	c14n := pick(s.C14N, Exclusive)
	build := func(value string) string {
		return `<ds:Signature xmlns:ds="` + DSig + `"><ds:SignedInfo Id="si-` + id + `"><ds:CanonicalizationMethod Algorithm="` + c14n + `"/>` +
			`<ds:SignatureMethod Algorithm="` + method + `">` + s.Parameters + `</ds:SignatureMethod>` + reference + `</ds:SignedInfo><ds:SignatureValue>` + value + `</ds:SignatureValue>` + s.KeyInfo + `</ds:Signature>`
	}
	// SignedInfo is canonical where it will stand.
	placed := strings.NewReplacer(responseMark, "", assertionMark, "", Mark, "").Replace(strings.Replace(document, mark, build("AA=="), 1))
	signedInfo := xmltree.Canonical(element(placed, "Id", "si-"+id), xmltree.Form{
		Exclusive: strings.HasPrefix(c14n, Exclusive), Comments: strings.HasSuffix(c14n, "WithComments"), Version11: strings.HasPrefix(c14n, Inclusive1),
	}, nil)
	signature := build(base64.StdEncoding.EncodeToString(s.value(method, signedInfo)))
	if s.Finished != nil {
		signature = s.Finished(signature)
	}
	return strings.Replace(document, mark, signature, 1)
}

// Mark is where [Signing.SignDocument] puts the signature.
const Mark = "@@signature@@"

// SignDocument replaces [Mark] by a signature of the element with that ID.
func (s Signing) SignDocument(document, id string) string { return s.sign(document, id, Mark) }

func (s Signing) value(method string, octets []byte) []byte {
	hash := crypto.SHA256
	for name, h := range map[string]crypto.Hash{"sha1": crypto.SHA1, "sha224": crypto.SHA224, "sha384": crypto.SHA384, "sha512": crypto.SHA512} {
		if strings.Contains(method, name) {
			hash = h
		}
	}
	if k, ok := s.Key.(ed25519.PrivateKey); ok {
		return ed25519.Sign(k, octets)
	}
	sum := hashed(hash, octets)
	var out []byte
	var err error
	switch k := s.Key.(type) {
	case *rsa.PrivateKey:
		if strings.Contains(method, "MGF1") || strings.HasSuffix(method, "rsa-pss") {
			out, err = rsa.SignPSS(rand.Reader, k, hash, sum, &rsa.PSSOptions{SaltLength: s.salt()})
		} else {
			out, err = rsa.SignPKCS1v15(rand.Reader, k, hash, sum)
		}
	case *ecdsa.PrivateKey:
		if s.ASN1 {
			out, err = ecdsa.SignASN1(rand.Reader, k, sum)
			break
		}
		r, t, signErr := ecdsa.Sign(rand.Reader, k, sum)
		size := (k.Curve.Params().N.BitLen() + 7) / 8
		out, err = make([]byte, 2*size), signErr
		if err == nil {
			r.FillBytes(out[:size])
			t.FillBytes(out[size:])
		}
	}
	if err != nil {
		panic(err)
	}
	return out
}

func (s Signing) salt() int {
	if s.Salt > 0 {
		return s.Salt
	}
	return rsa.PSSSaltLengthEqualsHash
}

func hashed(h crypto.Hash, octets []byte) []byte {
	w := h.New()
	_, _ = w.Write(octets)
	return w.Sum(nil)
}

func element(document, attr, id string) *xmltree.Node {
	root, err := xmltree.Parse([]byte(document), xmltree.Limits{Bytes: 8 << 20, Depth: 1000, Elements: 1 << 20, Attributes: 1000, Namespaces: 1000})
	if err != nil {
		panic(fmt.Sprintf("samltest: sign: %v", err))
	}
	var found *xmltree.Node
	root.Walk(func(n *xmltree.Node) {
		if value, _ := n.Attr(attr); value == id && found == nil {
			found = n
		}
	})
	if found == nil {
		panic("samltest: sign: no element with ID " + id)
	}
	return found
}
