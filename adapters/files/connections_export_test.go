package files

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/connection"
)

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	var all []connection.Connection
	for _, s := range []connection.Settings{
		{Slug: "least", Domains: []string{"*"}, SAML: connection.SAMLSettings{MetadataURL: "https://idp.example/md?a=b&c=: #x"}},
		{Slug: "inner", Broker: connection.Enterprise, Domains: []string{"inner.example"}, EntityID: "https://inner.example"},
		{
			Slug: "most", Name: "Möst: \"all\" of it", Domains: []string{"a.example", "bücher.example"}, EntityID: "urn:x: y",
			ACSMount: connection.Legacy, SignRequests: connection.SignNever, LoginHint: connection.LoginHintNone, EmailAttribute: "mail # not a comment", Public: true,
			SAML: connection.SAMLSettings{
				Metadata:        []byte("<?xml version=\"1.0\"?>\n<md a=\"b\">\n\t tabs, ä, : and # \n\n  </md>\n"),
				MetadataSigners: []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), MetadataCA: []byte("-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----"),
				MetadataPrivate: true, AllowSHA1: true, AllowTripleDES: true, NameIDFormat: "none", Signed: connection.SignedEither, RequireEncryption: true,
			},
		},
	} {
		via, err := connection.New(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, via)
	}
	text, err := Write(all)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "connections.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := Read(path, func(connection.Connection) error { return nil })
	if err != nil {
		t.Fatalf("Read() = %v, want no error in\n%s", err, text)
	}
	for i, via := range read.All() {
		if got, want := via.Settings(), all[i].Settings(); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v in\n%s", got, want, text)
		}
	}
	if strings.Contains(string(text), "sign_requests: auto") || strings.Contains(string(text), "null") {
		t.Errorf("got defaults or nulls, want neither in\n%s", text)
	}
	again, err := Write(read.All())
	if err != nil || string(again) != string(text) {
		t.Errorf("got another text the second time, %v, want the same:\n%s\n%s", err, again, text)
	}
}

func TestMetadataThatIsNotUTF8IsNotWritten(t *testing.T) {
	via, err := connection.New(connection.Settings{Slug: "a", Domains: []string{"*"}, SAML: connection.SAMLSettings{Metadata: []byte("M\xfcller")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write([]connection.Connection{via}); err == nil || !strings.Contains(err.Error(), "connection a: metadata is not UTF-8") {
		t.Errorf("Write() = %v, want the metadata refused", err)
	}
}
