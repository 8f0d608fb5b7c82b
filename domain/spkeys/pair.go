package spkeys

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
)

// keyMin is the shortest key that is accepted, in bits.
const keyMin = 2048

// Pair is an RSA key and the certificate that publishes it.
type Pair struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

// NewPair refuses a certificate of another key, and short keys.
func NewPair(key *rsa.PrivateKey, certificate *x509.Certificate) (Pair, error) {
	switch {
	case key == nil || certificate == nil:
		return Pair{}, errors.New("a key pair is a key and a certificate; one is missing")
	case !key.PublicKey.Equal(certificate.PublicKey):
		return Pair{}, errors.New("the certificate is not that of its key")
	case key.N.BitLen() < keyMin:
		return Pair{}, fmt.Errorf("the key is shorter than %d bits", keyMin)
	}
	return Pair{key, certificate}, nil
}

// Key signs and decrypts.
func (p Pair) Key() *rsa.PrivateKey { return p.key }

// Certificate publishes the key.
func (p Pair) Certificate() *x509.Certificate { return p.certificate }

// IsZero reports whether p is no pair at all.
func (p Pair) IsZero() bool { return p.key == nil }

// Format prints nothing of the key, whatever the verb.
func (Pair) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, "[SP key pair]") }

// Generate makes an RSA key with a self-signed certificate. Identity providers
// compare the key and, some of them, the dates: the certificate is valid for
// twenty years.
func Generate(at time.Time) (Pair, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyMin)
	if err != nil {
		return Pair{}, fmt.Errorf("make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return Pair{}, fmt.Errorf("make a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      pkix.Name{CommonName: "devicegate SAML service provider"},
		NotBefore:    at.Add(-time.Hour),
		NotAfter:     at.AddDate(20, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return Pair{}, fmt.Errorf("make a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return Pair{}, fmt.Errorf("make a certificate: %w", err)
	}
	return NewPair(key, certificate)
}

// ParsePEM reads a private key (PKCS #1 or #8) and its certificate, in any order:
// also among the issuers' certificates, and with what openssl prints around them.
// Its errors repeat nothing of the text.
func ParsePEM(text []byte) (Pair, error) {
	var keys []*rsa.PrivateKey
	var certificates []*x509.Certificate
	encrypted := false
	for block, rest := pem.Decode(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE":
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return Pair{}, fmt.Errorf("the certificate cannot be read: %w", err)
			}
			certificates = append(certificates, certificate)
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			encrypted = true
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			key := parseKey(block.Bytes)
			if key == nil {
				return Pair{}, errors.New("the key is no RSA private key")
			}
			keys = append(keys, key)
		}
	}
	switch {
	case encrypted:
		return Pair{}, errors.New("the key is encrypted: take the passphrase off with openssl pkey, or export it with -nodes")
	case len(keys) == 0:
		return Pair{}, errors.New("there is no private key in PEM")
	case len(certificates) == 0:
		return Pair{}, errors.New("there is no certificate in PEM")
	case len(keys) > 1:
		return Pair{}, errors.New("there are several private keys; one is wanted")
	}
	for _, certificate := range certificates {
		if keys[0].PublicKey.Equal(certificate.PublicKey) {
			return NewPair(keys[0], certificate)
		}
	}
	return NewPair(keys[0], certificates[0]) // which says that it is not that of its key
}

func parseKey(der []byte) *rsa.PrivateKey {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	key, _ := x509.ParsePKCS8PrivateKey(der)
	rsaKey, _ := key.(*rsa.PrivateKey)
	return rsaKey
}

// PEM is the pair as [ParsePEM] reads it. It holds the private key.
func (p Pair) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return nil, err
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return append(key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.certificate.Raw})...), nil
}
