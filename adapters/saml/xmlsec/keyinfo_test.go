package xmlsec_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
)

func TestCertificateYieldsItsKey(t *testing.T) {
	key := samltest.RSAKey(t, 0)
	der := samltest.Certificate(t, key, samltest.Epoch, samltest.Epoch.AddDate(1, 0, 0))
	plain := base64.StdEncoding.EncodeToString(der)
	bare, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	// crypto/x509 refuses a negative serial number; some people have one.
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	serial := parsed.SerialNumber.Bytes()
	odd := bytes.Replace(der, serial, append([]byte{serial[0] | 0x80}, serial[1:]...), 1)
	if _, err := x509.ParseCertificate(odd); err == nil {
		t.Fatal("got the odd certificate accepted by crypto/x509, want one that it refuses")
	}
	for name, text := range map[string]string{
		"plain":             plain,
		"in lines":          plain[:64] + "\r\n\t " + plain[64:],
		"armoured":          string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"armour in one":     "-----BEGIN CERTIFICATE-----" + plain + "-----END CERTIFICATE-----",
		"odd serial number": base64.StdEncoding.EncodeToString(odd),
		"a bare key":        base64.StdEncoding.EncodeToString(bare),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := xmlsec.ParseCertificate(text)
			if err != nil || !xmlsec.SameKey(got.Key, key.Public()) {
				t.Errorf("got %v, %v, want the key", got.Key, err)
			}
		})
	}
	for name, text := range map[string]string{
		"nothing": "", "no base64": "§", "no certificate": "AAAA", "open armour": "-----BEGIN CERTIFICATE", "cut": plain[:400], "armour alone": strings.Repeat("-", 400),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := xmlsec.ParseCertificate(text); err == nil {
				t.Errorf("got %v, want a refusal", got)
			}
		})
	}
}
