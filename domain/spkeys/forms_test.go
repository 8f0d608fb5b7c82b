package spkeys_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/spkeys"
)

// issued makes a certificate for key that an authority has signed, and the
// authority's own.
func issued(t *testing.T, key *rsa.PrivateKey) (leaf, authority []byte) {
	t.Helper()
	p, err := pairs()
	if err != nil {
		t.Fatal(err)
	}
	of := func(name string, public any) []byte {
		template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: now, NotAfter: now.AddDate(1, 0, 0), IsCA: name == "authority", BasicConstraintsValid: true}
		der, err := x509.CreateCertificate(rand.Reader, template, &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "authority"}}, public, p[1].Key())
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return of("leaf", key.Public()), of("authority", p[1].Key().Public())
}

func TestKeysAreReadInEveryFormThatToolsWrite(t *testing.T) {
	p, err := pairs()
	if err != nil {
		t.Fatal(err)
	}
	key := p[0].Key()
	leaf, authority := issued(t, key)
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	bag := []byte("Bag Attributes\n    friendlyName: gate\n    localKeyID: 54 69 6D 65\nKey Attributes: <No Attributes>\n")
	subject := []byte("Bag Attributes: <No Attributes>\nsubject=CN = leaf\n\nissuer=CN = authority\n\n")
	params := pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: []byte{0x30, 0}})
	bom := []byte("\xef\xbb\xbf")
	for name, parts := range map[string][][]byte{
		"PKCS #1, key first":                   {pkcs1, leaf},
		"PKCS #1, certificate first":           {leaf, pkcs1},
		"PKCS #8, key first":                   {pkcs8, leaf},
		"PKCS #8, certificate first":           {leaf, pkcs8},
		"a chain, the certificate first":       {leaf, authority, pkcs8},
		"a chain, the authority first":         {authority, leaf, pkcs8},
		"the key between them":                 {authority, pkcs8, leaf},
		"openssl pkcs12 -nodes":                {bag, pkcs8, bag, leaf, subject, authority},
		"openssl pkcs12 -nodes, another order": {bag, authority, subject, leaf, bag, pkcs1},
		"a byte order mark":                    {bom, pkcs8, leaf},
		"a byte order mark and bags":           {bom, bag, leaf, pkcs1},
		"parameters before it":                 {params, pkcs8, leaf},
		"blank lines around":                   {[]byte("\n\n  \n"), leaf, []byte("\n\n"), pkcs8, []byte("\n\n")},
	} {
		for ends, text := range map[string][]byte{"": slices.Concat(parts...), " with Windows line ends": bytes.ReplaceAll(slices.Concat(parts...), []byte("\n"), []byte("\r\n"))} {
			got, err := spkeys.ParsePEM(text)
			if err != nil {
				t.Errorf("%s%s: got %v, want the pair", name, ends, err)
				continue
			}
			if !got.Key().Equal(key) || got.Certificate().Subject.CommonName != "leaf" {
				t.Errorf("%s%s: got the certificate of %s, want leaf", name, ends, got.Certificate().Subject)
			}
		}
	}
	for name, c := range map[string]struct {
		parts [][]byte
		want  string
	}{
		"an encrypted key":          {[][]byte{pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}), leaf}, "encrypted"},
		"an old encrypted key":      {[][]byte{[]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIIB\n-----END RSA PRIVATE KEY-----\n"), leaf}, "encrypted"},
		"no certificate of it":      {[][]byte{pkcs8, authority}, "not that of its key"},
		"no key":                    {[][]byte{leaf, authority}, "no private key"},
		"no certificate":            {[][]byte{pkcs8}, "no certificate"},
		"two keys":                  {[][]byte{pkcs8, pkcs1, leaf}, "several"},
		"a key that is cut":         {[][]byte{pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der[:100]}), leaf}, "no RSA private key"},
		"a certificate that is cut": {[][]byte{pkcs8, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{0x30}})}, "cannot be read"},
		"nothing":                   {nil, "no private key"},
	} {
		_, err := spkeys.ParsePEM(slices.Concat(c.parts...))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, c.want)
		}
	}
}
