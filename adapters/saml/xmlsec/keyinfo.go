package xmlsec

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// Certificate is what is used of a certificate: its key. The dates are for
// warnings only, since trust comes from the metadata that it stands in.
type Certificate struct {
	Key                 crypto.PublicKey
	Subject             string
	NotBefore, NotAfter time.Time // zero where there is no certificate around the key
	SHA256              string    // of the certificate, in hex; empty where there is none
}

// keysOf are the public keys that a KeyInfo names, as far as they can be read.
func keysOf(keyInfo *xmltree.Node) []crypto.PublicKey {
	if keyInfo == nil {
		return nil
	}
	var out []crypto.PublicKey
	certs, _ := CertificatesOf(keyInfo)
	for _, c := range certs {
		out = append(out, c.Key)
	}
	return out
}

// CertificatesOf reads the certificates and bare keys of a KeyInfo (XML
// Signature §4.5); the error is about those that cannot be read.
func CertificatesOf(keyInfo *xmltree.Node) ([]Certificate, error) {
	var out []Certificate
	var errs []error
	keep := func(c Certificate, err error) {
		if err != nil {
			errs = append(errs, err)
		} else {
			out = append(out, c)
		}
	}
	for _, n := range keyInfo.Elements() {
		if len(out)+len(errs) > maxKeys {
			break
		}
		switch {
		case n.Is(Signature, "X509Data"):
			for _, c := range n.Children(Signature, "X509Certificate") {
				text, _ := c.Content()
				keep(ParseCertificate(text))
			}
		case n.Is(Signature, "KeyValue"):
			keep(keyValue(n))
		case n.Is(signature11, "DEREncodedKeyValue"):
			der, _ := base64Of(n)
			key, err := x509.ParsePKIXPublicKey(der)
			keep(Certificate{Key: key}, err)
		}
	}
	return out, errors.Join(errs...)
}

// ParseCertificate reads what people put into X509Certificate: base64, with or
// without PEM armour and white space. A certificate that crypto/x509 finds
// fault with still yields its key.
func ParseCertificate(text string) (Certificate, error) {
	for {
		before, rest, found := strings.Cut(text, "-----")
		if !found {
			break
		}
		_, after, closed := strings.Cut(rest, "-----")
		if !closed {
			break
		}
		if before = strings.TrimSpace(before); before != "" {
			text = before
			break
		}
		text = after
	}
	der, ok := Base64(text)
	if !ok {
		return Certificate{}, errors.New("a certificate that is not base64")
	}
	if cert, err := x509.ParseCertificate(der); err == nil && cert.PublicKey != nil {
		sum := sha256.Sum256(der)
		return Certificate{cert.PublicKey, cert.Subject.String(), cert.NotBefore, cert.NotAfter, hex.EncodeToString(sum[:])}, nil
	}
	if key, err := x509.ParsePKIXPublicKey(der); err == nil {
		return Certificate{Key: key}, nil
	}
	key, err := keyInside(der)
	return Certificate{Key: key}, err
}

// keyInside reads the public key of a certificate (RFC 5280 §4.1) that crypto/x509
// refuses because of another field, for instance a negative serial number.
func keyInside(der []byte) (crypto.PublicKey, error) {
	var cert struct {
		TBS struct {
			Version    int `asn1:"optional,explicit,default:0,tag:0"`
			Serial     *big.Int
			Algorithm  asn1.RawValue
			Issuer     asn1.RawValue
			Validity   asn1.RawValue
			Subject    asn1.RawValue
			Key        asn1.RawValue
			Extensions []asn1.RawValue `asn1:"optional,omitempty"`
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &cert); err != nil {
		return nil, errors.New("a certificate that cannot be read")
	}
	return x509.ParsePKIXPublicKey(cert.TBS.Key.FullBytes)
}

func keyValue(n *xmltree.Node) (Certificate, error) {
	for _, c := range n.Elements() {
		switch {
		case c.Is(Signature, "RSAKeyValue"):
			return rsaKeyValue(c)
		case c.Is(signature11, "ECKeyValue"):
			return ecKeyValue(c)
		}
	}
	return Certificate{}, errors.New("a KeyValue of a kind that is not read")
}

func rsaKeyValue(n *xmltree.Node) (Certificate, error) {
	parts, ok := only(n, Signature, "Modulus", "Exponent")
	if !ok || parts["Modulus"] == nil || parts["Exponent"] == nil {
		return Certificate{}, errors.New("an RSAKeyValue without Modulus and Exponent")
	}
	modulus, ok1 := base64Of(parts["Modulus"])
	exponent, ok2 := base64Of(parts["Exponent"])
	if !ok1 || !ok2 || len(exponent) > 4 || len(modulus) > 2048 {
		return Certificate{}, errors.New("an RSAKeyValue that is not base64")
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(new(big.Int).SetBytes(exponent).Int64())}
	if key.N.BitLen() < 1024 || key.E < 3 || key.E > 1<<31-1 {
		return Certificate{}, errors.New("an RSAKeyValue that is no usable key")
	}
	return Certificate{Key: key}, nil
}

func ecKeyValue(n *xmltree.Node) (Certificate, error) {
	parts, ok := only(n, signature11, "NamedCurve", "PublicKey")
	if !ok || parts["NamedCurve"] == nil || parts["PublicKey"] == nil {
		return Certificate{}, errors.New("an ECKeyValue without NamedCurve and PublicKey")
	}
	uri, _ := parts["NamedCurve"].Attr("URI")
	curve, ok := map[string]elliptic.Curve{
		"urn:oid:1.3.132.0.33": elliptic.P224(), "urn:oid:1.2.840.10045.3.1.7": elliptic.P256(),
		"urn:oid:1.3.132.0.34": elliptic.P384(), "urn:oid:1.3.132.0.35": elliptic.P521(),
	}[uri]
	point, ok2 := base64Of(parts["PublicKey"])
	if !ok || !ok2 {
		return Certificate{}, errors.New("an ECKeyValue on a curve that is not known")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	return Certificate{Key: key}, err
}

// SameKey reports whether two public keys are one.
func SameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(x crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// fingerprint names a public key in logs: the SHA-256 of its encoding, cut.
func fingerprint(key crypto.PublicKey) string {
	print, err := KeyID(key)
	if err != nil {
		return "key of an unknown kind"
	}
	return "key " + print
}

// KeyID is the number in [Fingerprint].
func KeyID(key crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:8]), nil
}
