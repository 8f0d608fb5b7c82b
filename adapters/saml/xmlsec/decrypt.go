package xmlsec

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// maxRecipients bounds how many EncryptedKeys are tried; each costs a private
// operation for each of our keys.
const maxRecipients = 8

// errDecryption is every failure that depends on the cipher text or on a key:
// a caller must not learn which (XML Encryption 1.1 §6).
var errDecryption = &Error{"decryption_failed", "something encrypted to one of our certificates", "something else"}

// Decrypt opens the one EncryptedData directly inside n (SAML core §6, XML
// Encryption §4) with one of the private keys and returns the plain octets.
// EncryptedKeys stand in the EncryptedData's KeyInfo or beside it.
func Decrypt(n *xmltree.Node, keys []*rsa.PrivateKey, allow Consent) ([]byte, error) {
	malformed := func(expected string) error {
		return &Error{"encryption_malformed", expected, n.Local + " with something else"}
	}
	var data *xmltree.Node
	var wrapped []*xmltree.Node
	for _, c := range n.Elements() {
		switch {
		case c.Is(Encryption, "EncryptedData") && data == nil:
			data = c
		case c.Is(Encryption, "EncryptedKey"):
			wrapped = append(wrapped, c)
		default:
			return nil, malformed("one EncryptedData")
		}
	}
	if data == nil || n.HasText() {
		return nil, malformed("one EncryptedData")
	}
	if kind, ok := data.Attr("Type"); ok && kind != Encryption+"Element" {
		return nil, &Error{"encryption_malformed", "Type " + Encryption + "Element", kind}
	}
	for _, info := range data.Children(Signature, "KeyInfo") {
		wrapped = append(wrapped, info.Children(Encryption, "EncryptedKey")...)
	}
	if len(wrapped) == 0 || len(wrapped) > maxRecipients {
		return nil, malformed(fmt.Sprintf("1 to %d EncryptedKeys", maxRecipients))
	}
	open, err := contentCipher(data, allow)
	if err != nil {
		return nil, err
	}
	text, err := cipherText(data)
	if err != nil {
		return nil, err
	}
	var refused error = errDecryption
	for _, w := range wrapped {
		unwrap, err := keyTransport(w, open.keySize, allow)
		if err != nil {
			refused = err
			continue
		}
		key, err := cipherText(w)
		if err != nil {
			refused = err
			continue
		}
		for _, private := range keys {
			if secret, ok := unwrap(private, key); ok {
				if plain, ok := open.decrypt(secret, text); ok {
					return plain, nil
				}
				refused = errDecryption
			}
		}
	}
	return nil, refused
}

func cipherText(n *xmltree.Node) ([]byte, error) {
	all := n.Children(Encryption, "CipherData")
	if len(all) == 1 {
		if parts, ok := only(all[0], Encryption, "CipherValue"); ok && parts["CipherValue"] != nil {
			if octets, ok := base64Of(parts["CipherValue"]); ok {
				return octets, nil
			}
		}
	}
	return nil, &Error{"encryption_malformed", "one CipherValue in base64", n.Local + " with something else"}
}

func encryptionMethod(n *xmltree.Node) *xmltree.Node {
	if all := n.Children(Encryption, "EncryptionMethod"); len(all) == 1 {
		return all[0]
	}
	return nil
}

type content struct {
	keySize int
	decrypt func(key, text []byte) ([]byte, bool)
}

// contentCipher finds the block encryption (XML Encryption 1.1 §5.2).
func contentCipher(data *xmltree.Node, allow Consent) (content, error) {
	uri := algorithm(encryptionMethod(data))
	switch uri {
	case Encryption + "aes128-cbc":
		return content{16, cbc(aes.NewCipher)}, nil
	case Encryption + "aes192-cbc":
		return content{24, cbc(aes.NewCipher)}, nil
	case Encryption + "aes256-cbc":
		return content{32, cbc(aes.NewCipher)}, nil
	case Encryption11 + "aes128-gcm":
		return content{16, gcm}, nil
	case Encryption11 + "aes192-gcm":
		return content{24, gcm}, nil
	case Encryption11 + "aes256-gcm":
		return content{32, gcm}, nil
	case Encryption + "tripledes-cbc":
		if !allow.TripleDES {
			return content{}, &Error{"weak_encryption_algorithm", "AES (the connection does not consent to 3DES)", uri}
		}
		return content{24, cbc(des.NewTripleDESCipher)}, nil
	}
	return content{}, &Error{"encryption_algorithm_not_allowed", "AES-CBC or AES-GCM", uri}
}

// cbc opens an initialisation vector followed by whole blocks, the last of
// which ends in padding whose last octet says how long it is (§5.2.1).
func cbc(block func([]byte) (cipher.Block, error)) func(key, text []byte) ([]byte, bool) {
	return func(key, text []byte) ([]byte, bool) {
		b, err := block(key)
		if err != nil {
			return nil, false
		}
		size := b.BlockSize()
		if len(text) < 2*size || len(text)%size != 0 {
			return nil, false
		}
		plain := make([]byte, len(text)-size)
		cipher.NewCBCDecrypter(b, text[:size]).CryptBlocks(plain, text[size:])
		padding := int(plain[len(plain)-1])
		if padding < 1 || padding > size {
			return nil, false
		}
		return plain[:len(plain)-padding], true
	}
}

// gcm opens a 96-bit nonce, the cipher text and a 128-bit tag (§5.2.4).
func gcm(key, text []byte) ([]byte, bool) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, false
	}
	g, err := cipher.NewGCM(b)
	if err != nil || len(text) < g.NonceSize()+g.Overhead() {
		return nil, false
	}
	plain, err := g.Open(nil, text[:g.NonceSize()], text[g.NonceSize():], nil)
	return plain, err == nil
}

// keyTransport finds how the content key is wrapped (§5.5). An OAEP digest that
// is not SHA-1 comes with two readings of the older URI: the standard's, MGF1
// with SHA-1, and that of OpenSSL's users, MGF1 with the same digest.
func keyTransport(wrapped *xmltree.Node, size int, allow Consent) (func(*rsa.PrivateKey, []byte) ([]byte, bool), error) {
	m := encryptionMethod(wrapped)
	uri := algorithm(m)
	switch uri {
	case Encryption + "rsa-1_5":
		if !allow.RSA15 {
			return nil, &Error{"weak_encryption_algorithm", "RSA-OAEP (the connection does not consent to RSA 1.5)", uri}
		}
		return func(key *rsa.PrivateKey, text []byte) ([]byte, bool) { return pkcs1v15(key, text, size) }, nil
	case Encryption + "rsa-oaep-mgf1p", Encryption11 + "rsa-oaep":
	default:
		return nil, &Error{"encryption_algorithm_not_allowed", "RSA-OAEP", uri}
	}
	hash, masks, label, ok := oaepParameters(m, uri == Encryption11+"rsa-oaep")
	if !ok {
		return nil, &Error{"encryption_algorithm_not_allowed", "RSA-OAEP with SHA-1 or SHA-2 and MGF1", uri}
	}
	return func(key *rsa.PrivateKey, text []byte) ([]byte, bool) {
		for _, mask := range masks {
			plain, err := key.Decrypt(nil, text, &rsa.OAEPOptions{Hash: hash, MGFHash: mask, Label: label})
			if err == nil {
				return plain, len(plain) == size
			}
		}
		return nil, false
	}, nil
}

func oaepParameters(m *xmltree.Node, newer bool) (hash crypto.Hash, masks []crypto.Hash, label []byte, ok bool) {
	hash, mask := crypto.SHA1, crypto.SHA1
	for _, c := range m.Elements() {
		switch {
		case c.Is(Signature, "DigestMethod"):
			if hash, ok = digests[algorithm(c)]; !ok {
				return 0, nil, nil, false
			}
		case c.Is(Encryption11, "MGF"):
			if mask, ok = masksOf[algorithm(c)]; !ok || !newer && mask != crypto.SHA1 {
				return 0, nil, nil, false
			}
		case c.Is(Encryption, "OAEPparams"):
			text, _ := c.Content()
			if label, ok = Base64(text); !ok && text != "" {
				return 0, nil, nil, false
			}
		case c.Is(Encryption, "KeySize"):
		default:
			return 0, nil, nil, false
		}
	}
	masks = []crypto.Hash{mask}
	if !newer && hash != crypto.SHA1 {
		masks = append(masks, hash)
	}
	return hash, masks, label, true
}

var masksOf = map[string]crypto.Hash{
	Encryption11 + "mgf1sha1":   crypto.SHA1,
	Encryption11 + "mgf1sha224": crypto.SHA224,
	Encryption11 + "mgf1sha256": crypto.SHA256,
	Encryption11 + "mgf1sha384": crypto.SHA384,
	Encryption11 + "mgf1sha512": crypto.SHA512,
}

// pkcs1v15 unwraps against Bleichenbacher: a wrong padding yields a random key,
// which fails later and like any other.
func pkcs1v15(key *rsa.PrivateKey, text []byte, size int) ([]byte, bool) {
	secret := make([]byte, size)
	_, _ = rand.Read(secret)
	//lint:ignore SA1019 by a connection's explicit consent only
	return secret, rsa.DecryptPKCS1v15SessionKey(rand.Reader, key, text, secret) == nil
}
