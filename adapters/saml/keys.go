package saml

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// KeyPair is one RSA key of ours and the certificate that publishes it.
type KeyPair struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
}

// Keys are ours. To rotate: publish the new pair as Next until every identity
// provider has read it, then make it Active and the old one Previous, then drop
// that. Replicas have to share them.
type Keys struct {
	Active   KeyPair  // signs, decrypts, is published
	Next     *KeyPair // decrypts, is published
	Previous *KeyPair // decrypts
}

func (k Keys) check() error {
	var errs []error
	for name, pair := range map[string]*KeyPair{"active": &k.Active, "next": k.Next, "previous": k.Previous} {
		switch {
		case pair == nil:
		case pair.Key == nil || pair.Certificate == nil:
			errs = append(errs, fmt.Errorf("saml: the %s key pair is not complete", name))
		case !pair.Key.PublicKey.Equal(pair.Certificate.PublicKey):
			errs = append(errs, fmt.Errorf("saml: the %s certificate is not that of its key", name))
		case pair.Key.N.BitLen() < 2048:
			errs = append(errs, fmt.Errorf("saml: the %s key is shorter than 2048 bits", name))
		}
	}
	return errors.Join(errs...)
}

// published are the pairs that our metadata shows.
func (k Keys) published() []KeyPair {
	out := []KeyPair{k.Active}
	if k.Next != nil {
		out = append(out, *k.Next)
	}
	return out
}

// private are the keys that decrypt, the likeliest first.
func (k Keys) private() []*rsa.PrivateKey {
	out := []*rsa.PrivateKey{k.Active.Key}
	for _, pair := range []*KeyPair{k.Next, k.Previous} {
		if pair != nil {
			out = append(out, pair.Key)
		}
	}
	return out
}

// GenerateKeyPair makes an RSA-2048 key with a certificate signed by itself.
// Identity providers look at the key and, some of them, at the dates; so the
// certificate lives for twenty years.
func GenerateKeyPair(at time.Time) (KeyPair, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return KeyPair{}, fmt.Errorf("saml: make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return KeyPair{}, fmt.Errorf("saml: make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      pkix.Name{CommonName: "devicegate SAML service provider"},
		NotBefore:    at.Add(-time.Hour),
		NotAfter:     at.AddDate(20, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("saml: make a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	return KeyPair{key, certificate}, err
}

// ParseKeyPair reads a private key and a certificate in PEM.
func ParseKeyPair(keyPEM, certificatePEM []byte) (KeyPair, error) {
	var pair KeyPair
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return pair, errors.New("saml: the key is not PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		pair.Key = key
	} else if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		pair.Key, _ = key.(*rsa.PrivateKey)
	}
	if pair.Key == nil {
		return pair, errors.New("saml: the key is no RSA private key, or it is encrypted")
	}
	if block, _ = pem.Decode(certificatePEM); block == nil {
		return pair, errors.New("saml: the certificate is not PEM")
	}
	var err error
	if pair.Certificate, err = x509.ParseCertificate(block.Bytes); err != nil {
		return pair, fmt.Errorf("saml: the certificate cannot be read: %w", err)
	}
	return pair, Keys{Active: pair}.check()
}

// PEM is the pair as [ParseKeyPair] reads it.
func (k KeyPair) PEM() (key, certificate []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate.Raw}), nil
}

// keyFile holds the key and the certificate in one file, so that neither can be
// lost alone.
const keyFile = "saml-sp.pem"

// LoadOrCreate keeps a pair in dir, for an installation of one process. Several
// replicas have to be given one pair: with pairs of their own, one replica could
// not decrypt what an identity provider has encrypted to another.
func LoadOrCreate(dir string, at time.Time) (KeyPair, error) {
	path := filepath.Join(dir, keyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return create(dir, path, at)
	}
	if err != nil {
		return KeyPair{}, fmt.Errorf("saml: read our key: %w", err)
	}
	_, rest := pem.Decode(text)
	pair, err := ParseKeyPair(text, rest)
	if err != nil {
		return KeyPair{}, fmt.Errorf("%s: %w", path, err)
	}
	return pair, nil
}

// create writes the file under another name and links it, so that several
// processes that start at once use one pair.
func create(dir, path string, at time.Time) (KeyPair, error) {
	pair, err := GenerateKeyPair(at)
	if err != nil {
		return KeyPair{}, err
	}
	key, certificate, err := pair.PEM()
	if err != nil {
		return KeyPair{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return KeyPair{}, fmt.Errorf("saml: keep our key: %w", err)
	}
	file, err := os.CreateTemp(dir, keyFile+"-*") // mode 0600
	if err != nil {
		return KeyPair{}, fmt.Errorf("saml: keep our key: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(append(key, certificate...))
	if err = errors.Join(err, file.Close()); err != nil {
		return KeyPair{}, fmt.Errorf("saml: keep our key: %w", err)
	}
	err = os.Link(file.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return LoadOrCreate(dir, at)
	}
	if err != nil {
		return KeyPair{}, fmt.Errorf("saml: keep our key: %w", err)
	}
	return pair, nil
}
