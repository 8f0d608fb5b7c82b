package xmlsec

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// SignOctets signs octets with RSA-SHA256 or ECDSA-SHA256, whichever the key is
// for, and says which. That is the whole of the HTTP-Redirect binding's
// signature (SAML bindings §3.4.4.1).
func SignOctets(key crypto.Signer, octets []byte) (signature []byte, method string, err error) {
	sum := digest(crypto.SHA256, octets)
	switch pub := key.Public().(type) {
	case *rsa.PublicKey:
		signature, err = key.Sign(rand.Reader, sum, crypto.SHA256)
		return signature, RSASHA256, err
	case *ecdsa.PublicKey:
		der, err := key.Sign(rand.Reader, sum, crypto.SHA256)
		if err != nil {
			return nil, "", err
		}
		var pair struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &pair); err != nil {
			return nil, "", err
		}
		size := (pub.Curve.Params().N.BitLen() + 7) / 8
		signature = make([]byte, 2*size)
		pair.R.FillBytes(signature[:size])
		pair.S.FillBytes(signature[size:])
		return signature, ecdsaSHA256, nil
	}
	return nil, "", errors.New("xmlsec: signing wants an RSA or ECDSA key")
}

// Sign puts an enveloped signature behind the Issuer of a document's root,
// which has the given ID.
func Sign(document []byte, id string, key crypto.Signer, certificate []byte) ([]byte, error) {
	root, err := xmltree.Parse(document, xmltree.Limits{Bytes: 1 << 20, Depth: 32, Elements: 1000, Attributes: 64, Namespaces: 64})
	if err != nil {
		return nil, err
	}
	canonical := xmltree.Canonical(root, xmltree.Form{Exclusive: true}, nil)
	_, method, err := SignOctets(key, nil)
	if err != nil {
		return nil, err
	}
	signedInfo := fmt.Sprintf(`<ds:SignedInfo xmlns:ds="%s"><ds:CanonicalizationMethod Algorithm="%s"></ds:CanonicalizationMethod>`+
		`<ds:SignatureMethod Algorithm="%s"></ds:SignatureMethod><ds:Reference URI="#%s"><ds:Transforms>`+
		`<ds:Transform Algorithm="%s"></ds:Transform><ds:Transform Algorithm="%s"></ds:Transform></ds:Transforms>`+
		`<ds:DigestMethod Algorithm="%s"></ds:DigestMethod><ds:DigestValue>%s</ds:DigestValue></ds:Reference></ds:SignedInfo>`,
		Signature, exclusiveC14N, method, id, enveloped, exclusiveC14N, digestSHA256,
		base64.StdEncoding.EncodeToString(digest(crypto.SHA256, canonical)))
	value, _, err := SignOctets(key, []byte(signedInfo))
	if err != nil {
		return nil, err
	}
	signature := fmt.Sprintf(`<ds:Signature xmlns:ds="%s">%s<ds:SignatureValue>%s</ds:SignatureValue><ds:KeyInfo><ds:X509Data>`+
		`<ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`,
		Signature, signedInfo, base64.StdEncoding.EncodeToString(value), base64.StdEncoding.EncodeToString(certificate))
	before, after, found := bytes.Cut(canonical, []byte("</saml:Issuer>"))
	if !found {
		return nil, errors.New("xmlsec: no Issuer to sign behind")
	}
	return bytes.Join([][]byte{before, []byte("</saml:Issuer>"), []byte(signature), after}, nil), nil
}
