package saml_test

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// Key files are rotated while the broker runs: metadata, signatures and
// decryption follow without a restart.
func TestKeyFilesAreRotatedWithoutARestart(t *testing.T) { // F44, contract section 10 item 17
	old, next := pair(t, 0), pair(t, 1)
	dir := t.TempDir()
	cfg := files.KeysConfig{
		Active: filepath.Join(dir, "active.pem"), Next: filepath.Join(dir, "next.pem"), Previous: filepath.Join(dir, "previous.pem"),
	}
	write := func(active, next, previous spkeys.Pair) {
		t.Helper()
		for file, pair := range map[string]spkeys.Pair{cfg.Active: active, cfg.Next: next, cfg.Previous: previous} {
			var text []byte
			if !pair.IsZero() {
				var err error
				if text, err = pair.PEM(); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(old, spkeys.Pair{}, spkeys.Pair{})
	keys, err := files.OpenKeys(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, samltest.NewIdP(t, idpID), change{
		settings: func(s *connection.Settings) { s.SignRequests = connection.SignAlways },
		store:    keys,
	})
	encryptedFor := func(to spkeys.Pair) string {
		return b.with(t, encrypted(samltest.Encryption{}), func(m *samltest.Message) { m.EncryptTo = &to.Key().PublicKey })
	}
	wantSigner(t, b, old)
	wantPublished(t, b, old)
	b.accepts(t, encryptedFor(old))
	b.refuses(t, encryptedFor(next), "decryption_failed")

	write(old, next, spkeys.Pair{})
	keys.Reload(t.Context())
	wantSigner(t, b, old)
	wantPublished(t, b, old, next)
	b.accepts(t, encryptedFor(next))

	write(next, spkeys.Pair{}, old)
	keys.Reload(t.Context())
	wantSigner(t, b, next)
	wantPublished(t, b, next)
	b.accepts(t, encryptedFor(next))
	b.accepts(t, encryptedFor(old))

	if err := os.WriteFile(cfg.Active, []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	keys.Reload(t.Context())
	b.accepts(t, encryptedFor(next))
	b.accepts(t, encryptedFor(old))

	write(next, spkeys.Pair{}, spkeys.Pair{})
	keys.Reload(t.Context())
	b.refuses(t, encryptedFor(old), "decryption_failed")
}

func wantPublished(t *testing.T, b *bench, want ...spkeys.Pair) {
	t.Helper()
	sp, document := described(t, b, "acme")
	if len(sp.KeyDescriptors) != 2*len(want) {
		t.Errorf("got %d published keys, want %d for each use", len(sp.KeyDescriptors), len(want))
	}
	for _, pair := range want {
		if !strings.Contains(document, base64.StdEncoding.EncodeToString(pair.Certificate().Raw)) {
			t.Error("got metadata without a certificate of the configured pairs, want all of them")
		}
	}
}

func wantSigner(t *testing.T, b *bench, want spkeys.Pair) {
	t.Helper()
	redirect, err := b.broker.Begin(t.Context(), b.via, signInRequest(b))
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(redirect.URL, "?")
	signed, signature, found := strings.Cut(query, "&Signature=")
	if !found {
		t.Fatalf("got %s, want a signed request", redirect.URL)
	}
	text, err := url.QueryUnescape(signature)
	if err != nil {
		t.Fatal(err)
	}
	got, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	// PKCS #1 v1.5 signatures are deterministic.
	if expected, _, err := xmlsec.SignOctets(want.Key(), []byte(signed)); err != nil || string(got) != string(expected) {
		t.Errorf("got a signature of another key (%v), want one of the active key", err)
	}
}

func TestWithoutKeysNothingIsPublishedAndNothingSigned(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID), change{settings: func(s *connection.Settings) { s.SignRequests = connection.SignAlways }})
	b.keys.Replace(spkeys.Set{})
	if _, err := b.broker.Metadata(t.Context(), "", bothMounts); !errors.Is(err, spkeys.ErrNone) {
		t.Errorf("got %v for metadata, want ErrNone", err)
	}
	if _, err := b.broker.Begin(t.Context(), b.via, signInRequest(b)); !errors.Is(err, ports.ErrInitiateFailed) {
		t.Errorf("got %v for a sign-in, want ErrInitiateFailed", err)
	}
	b.refuses(t, b.with(t), "internal_error")
}

func TestConfigNamesTheFieldsThatAreWrong(t *testing.T) {
	for field, cfg := range map[string]saml.Config{
		"PublicURL":       {PublicURL: "gate.test", EntityID: "gate"},
		"EntityID":        {PublicURL: publicURL, EntityID: "a b"},
		"DefaultEntityID": {PublicURL: publicURL + "/" + strings.Repeat("p", 250)},
		"ClockSkew":       {PublicURL: publicURL, ClockSkew: -1},
	} {
		if err := cfg.Check(); err == nil || !strings.HasPrefix(err.Error(), field+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want one problem of %s", err, field)
		}
	}
}
