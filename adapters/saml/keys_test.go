package saml_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
)

func TestKeyPairIsCreatedOnce(t *testing.T) {
	dir := t.TempDir() + "/data"
	pairs := make([]saml.KeyPair, 4)
	var wg sync.WaitGroup
	for i := range pairs {
		wg.Go(func() {
			var err error
			if pairs[i], err = saml.LoadOrCreate(dir, samltest.Epoch); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, p := range pairs {
		if p.Key == nil || !p.Key.Equal(pairs[0].Key) || !p.Certificate.Equal(pairs[0].Certificate) {
			t.Fatal("processes that begin at once have different keys")
		}
	}
	if left := pairs[0].Certificate.NotAfter.Sub(samltest.Epoch).Hours() / 24 / 365; left < 10 {
		t.Errorf("the certificate ends in %.0f years", left)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestUnusableKeyIsRefusedWithoutShowingIt(t *testing.T) {
	good := pair(t, 0)
	key, certificate, err := good.PEM()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := saml.ParseKeyPair(key, certificate); err != nil || !again.Key.Equal(good.Key) {
		t.Fatalf("the pair does not survive: %v", err)
	}
	_, foreign, err := pair(t, 1).PEM()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		key, certificate []byte
		says             string
	}{
		"no key":                {nil, certificate, "the key is not PEM"},
		"no certificate":        {key, nil, "the certificate is not PEM"},
		"a certificate as key":  {certificate, certificate, "no RSA private key"},
		"a foreign certificate": {key, foreign, "not that of its key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := saml.ParseKeyPair(tc.key, tc.certificate)
			if err == nil || !strings.Contains(err.Error(), tc.says) || len(err.Error()) > 200 {
				t.Errorf("got %v", err)
			}
		})
	}
}
