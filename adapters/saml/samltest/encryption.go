package samltest

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
)

// Encryption says how to encrypt; what is empty has its usual form.
type Encryption struct {
	Content   string // EncryptionMethod of the data
	Transport string // EncryptionMethod of the key
	Digest    string // of OAEP: a DigestMethod; empty: none is written, SHA-1 is meant
	MGF       string // of OAEP: an MGF; empty: none is written, SHA-1 is meant
	MGFHash   crypto.Hash
	Label     []byte // OAEPparams

	Key       []byte                     // the content key; nil: a fresh one of the right size
	Octets    func([]byte) []byte        // edits the cipher octets
	Finished  func(string) string        // edits the EncryptedData
	Sibling   bool                       // the EncryptedKey stands beside the EncryptedData
	MoreKeys  []*rsa.PublicKey           // EncryptedKeys for others, before ours
	Attribute string                     // further attributes of EncryptedData
	Type      *string                    // of EncryptedData
	Wrapped   func(octets []byte) []byte // edits the encrypted content key
}

// Element is an element of SAML's with plain encrypted inside.
func (e Encryption) Element(name, plain string, to *rsa.PublicKey) string {
	return `<saml:` + name + `>` + e.encrypt([]byte(plain), to) + `</saml:` + name + `>`
}

func (e Encryption) encrypt(plain []byte, to *rsa.PublicKey) string {
	method := pick(e.Content, Enc11+"aes256-gcm")
	size := map[string]int{"aes128": 16, "aes192": 24, "aes256": 32, "tripledes": 24}[strings.SplitN(method[strings.IndexByte(method, '#')+1:], "-", 2)[0]]
	key := e.Key
	if key == nil {
		key = make([]byte, size)
		fill(key)
	}
	octets := e.content(method, key, plain)
	if e.Octets != nil {
		octets = e.Octets(octets)
	}
	var wrapped strings.Builder
	for _, other := range e.MoreKeys {
		wrapped.WriteString(e.wrap(key, other))
	}
	wrapped.WriteString(e.wrap(key, to))
	inside, beside := `<ds:KeyInfo>`+wrapped.String()+`</ds:KeyInfo>`, ""
	if e.Sibling {
		inside, beside = `<ds:KeyInfo><ds:RetrievalMethod Type="`+Enc+`EncryptedKey" URI="#ek"/></ds:KeyInfo>`, wrapped.String()
	}
	out := fmt.Sprintf(`<xenc:EncryptedData xmlns:xenc="%s" xmlns:ds="%s" Type="%s"%s><xenc:EncryptionMethod Algorithm="%s"/>%s`+
		`<xenc:CipherData><xenc:CipherValue>%s</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>%s`,
		Enc, DSig, or(e.Type, Enc+"Element"), e.Attribute, method, inside, base64.StdEncoding.EncodeToString(octets), strings.ReplaceAll(beside, "<xenc:EncryptedKey", `<xenc:EncryptedKey xmlns:xenc="`+Enc+`" xmlns:ds="`+DSig+`"`))
	if e.Finished != nil {
		out = e.Finished(out)
	}
	return out
}

func (e Encryption) wrap(key []byte, to *rsa.PublicKey) string {
	transport := pick(e.Transport, Enc+"rsa-oaep-mgf1p")
	params := ""
	var octets []byte
	var err error
	if transport == Enc+"rsa-1_5" {
		//lint:ignore SA1019 it has to be refused without consent, and opened with it
		octets, err = rsa.EncryptPKCS1v15(rand.Reader, to, key)
	} else {
		hash, mask := crypto.SHA1, crypto.SHA1
		if e.Label != nil {
			params += `<xenc:OAEPparams>` + base64.StdEncoding.EncodeToString(e.Label) + `</xenc:OAEPparams>`
		}
		if e.Digest != "" {
			params += `<ds:DigestMethod Algorithm="` + e.Digest + `"/>`
			hash = hashes[e.Digest]
		}
		if e.MGF != "" {
			params += `<xenc11:MGF xmlns:xenc11="` + Enc11 + `" Algorithm="` + e.MGF + `"/>`
		}
		if e.MGFHash != 0 {
			mask = e.MGFHash
		}
		octets, err = rsa.EncryptOAEPWithOptions(rand.Reader, to, key, &rsa.OAEPOptions{Hash: hash, MGFHash: mask, Label: e.Label})
	}
	if err != nil {
		panic(err)
	}
	if e.Wrapped != nil {
		octets = e.Wrapped(octets)
	}
	return fmt.Sprintf(`<xenc:EncryptedKey Id="ek"><xenc:EncryptionMethod Algorithm="%s">%s</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>%s</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>`,
		transport, params, base64.StdEncoding.EncodeToString(octets))
}

func (e Encryption) content(method string, key, plain []byte) []byte {
	var block cipher.Block
	var err error
	if strings.Contains(method, "tripledes") {
		if len(key) != 24 {
			return append(make([]byte, 8), plain...)
		}
		block, err = des.NewTripleDESCipher(key)
	} else {
		block, err = aes.NewCipher(key)
	}
	if err != nil {
		panic(err)
	}
	if strings.HasSuffix(method, "gcm") {
		g, err := cipher.NewGCM(block)
		if err != nil {
			panic(err)
		}
		nonce := make([]byte, g.NonceSize())
		fill(nonce)
		return g.Seal(nonce, nonce, plain, nil)
	}
	size := block.BlockSize()
	padding := size - len(plain)%size
	padded := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(padding)}, padding)...)
	out := make([]byte, size+len(padded))
	fill(out[:size])
	cipher.NewCBCEncrypter(block, out[:size]).CryptBlocks(out[size:], padded)
	return out
}

func fill(b []byte) { _, _ = rand.Read(b) }
