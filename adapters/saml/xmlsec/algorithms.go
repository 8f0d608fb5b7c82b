package xmlsec

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha1" // by consent, and in OAEP
	_ "crypto/sha256"
	_ "crypto/sha512"
	"math/big"
	"strconv"
	"strings"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// The algorithms that this package signs with.
const (
	exclusiveC14N = exclusive
	enveloped     = Signature + "enveloped-signature"
	digestSHA256  = Encryption + "sha256"
	RSASHA256     = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	ecdsaSHA256   = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
)

// digests are the DigestMethods (XML Signature §6.2, RFC 6931 §2.1).
var digests = map[string]crypto.Hash{
	Signature + "sha1": crypto.SHA1,
	"http://www.w3.org/2001/04/xmldsig-more#sha224": crypto.SHA224,
	digestSHA256: crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	Encryption + "sha512":                           crypto.SHA512,
}

type scheme int

const (
	pkcs1 scheme = iota
	pss
	ellipticCurve
	edwardsCurve
)

type method struct {
	scheme scheme
	hash   crypto.Hash
	salt   int // of RSA-PSS, in octets; 0: as long as the hash
}

// methods are the SignatureMethods (XML Signature §6.4, RFC 6931 §2.3,
// RFC 9231). None is keyed with a shared secret.
var methods = map[string]method{
	Signature + "rsa-sha1":                              {scheme: pkcs1, hash: crypto.SHA1},
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha224": {scheme: pkcs1, hash: crypto.SHA224},
	RSASHA256: {scheme: pkcs1, hash: crypto.SHA256},
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384":      {scheme: pkcs1, hash: crypto.SHA384},
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512":      {scheme: pkcs1, hash: crypto.SHA512},
	"http://www.w3.org/2007/05/xmldsig-more#rsa-pss":         {scheme: pss, hash: 0}, // RSAPSSParams say which
	"http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1":   {scheme: pss, hash: crypto.SHA1},
	"http://www.w3.org/2007/05/xmldsig-more#sha224-rsa-MGF1": {scheme: pss, hash: crypto.SHA224},
	"http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1": {scheme: pss, hash: crypto.SHA256},
	"http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1": {scheme: pss, hash: crypto.SHA384},
	"http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1": {scheme: pss, hash: crypto.SHA512},
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1":      {scheme: ellipticCurve, hash: crypto.SHA1},
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha224":    {scheme: ellipticCurve, hash: crypto.SHA224},
	ecdsaSHA256: {scheme: ellipticCurve, hash: crypto.SHA256},
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384":  {scheme: ellipticCurve, hash: crypto.SHA384},
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512":  {scheme: ellipticCurve, hash: crypto.SHA512},
	"http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519": {scheme: edwardsCurve, hash: 0},
}

// signatureMethod reads SignatureMethod with its parameters.
func signatureMethod(n *xmltree.Node, allow Consent) (method, error) {
	uri := algorithm(n)
	m, ok := methods[uri]
	if !ok {
		return m, &Error{"signature_algorithm_not_allowed", "RSA, RSA-PSS, ECDSA or Ed25519 with SHA-2", uri}
	}
	if m.scheme == pss && m.hash == 0 {
		if m.hash, m.salt, ok = pssParameters(n); !ok {
			return m, &Error{"signature_algorithm_not_allowed", "RSAPSSParams with one hash for both and a salt of 1 to 512 octets", uri}
		}
	} else if len(n.Elements()) > 0 {
		return m, &Error{"signature_malformed", "a SignatureMethod without parameters", uri}
	}
	if m.hash == crypto.SHA1 && !allow.SHA1 {
		return m, &Error{"weak_signature_algorithm", "SHA-2 (the connection does not consent to SHA-1)", uri}
	}
	return m, nil
}

// pssParameters reads RSAPSSParams (RFC 6931 §2.3.9): the hash, SHA-256 unless
// it says otherwise, and the length of the salt, that of the hash unless it says
// otherwise. The mask generation is MGF1 with the same hash; crypto/rsa verifies
// no other. The trailer is 1.
func pssParameters(n *xmltree.Node) (hash crypto.Hash, salt int, ok bool) {
	outer, ok := only(n, pssParams, "RSAPSSParams")
	if !ok {
		return 0, 0, false
	}
	hash, mgf := crypto.SHA256, crypto.Hash(0)
	params := outer["RSAPSSParams"]
	if params == nil {
		return hash, 0, true
	}
	for _, c := range params.Elements() {
		switch {
		case c.Is(Signature, "DigestMethod"):
			hash, ok = digests[algorithm(c)]
		case c.Is(pssParams, "MaskGenerationFunction"):
			mgf, ok = mgf1(c)
		case c.Is(pssParams, "SaltLength"):
			salt, ok = integer(c, longestSalt)
		case c.Is(pssParams, "TrailerField"):
			_, ok = integer(c, 1)
		default:
			ok = false
		}
		if !ok {
			return 0, 0, false
		}
	}
	return hash, salt, mgf == 0 || mgf == hash
}

// longestSalt is more than fits beside any hash into keys of 4096 bits.
const longestSalt = 512

// integer reads a number from 1 to most.
func integer(n *xmltree.Node, most int) (int, bool) {
	text, ok := n.Content()
	number, err := strconv.Atoi(strings.Trim(text, xmltree.White))
	return number, ok && err == nil && number >= 1 && number <= most
}

func mgf1(n *xmltree.Node) (crypto.Hash, bool) {
	if algorithm(n) != pssParams+"MGF1" {
		return 0, false
	}
	for _, c := range n.Elements() {
		hash, ok := digests[algorithm(c)]
		return hash, ok
	}
	return 0, true
}

// fits reports whether key made signature over octets.
func (m method) fits(key crypto.PublicKey, octets, signature []byte) bool {
	var sum []byte
	if m.hash != 0 {
		sum = digest(m.hash, octets)
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		switch m.scheme {
		case pkcs1:
			return rsa.VerifyPKCS1v15(k, m.hash, sum, signature) == nil
		case pss:
			return rsa.VerifyPSS(k, m.hash, sum, signature, &rsa.PSSOptions{SaltLength: m.saltLength()}) == nil
		}
	case *ecdsa.PublicKey:
		// XML Signature §6.4.3: r and s side by side, each as long as the
		// order of the curve; not the ASN.1 of certificates.
		size := (k.Curve.Params().N.BitLen() + 7) / 8
		if m.scheme != ellipticCurve || len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(k, sum, r, s)
	case ed25519.PublicKey:
		return m.scheme == edwardsCurve && ed25519.Verify(k, octets, signature)
	}
	return false
}

func (m method) saltLength() int {
	if m.salt > 0 {
		return m.salt
	}
	return rsa.PSSSaltLengthEqualsHash
}

func digest(hash crypto.Hash, octets []byte) []byte {
	h := hash.New()
	_, _ = h.Write(octets)
	return h.Sum(nil)
}
