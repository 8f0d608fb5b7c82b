package saml_test

import (
	"testing"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

func TestAResponseIsJudgedByOtherSettingsAndMetadata(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	rolled := samltest.NewIdPWithKey(t, idpID, samltest.RSAKey(t, 1))
	next := connection.Metadata{EntityID: idpID, Document: rolled.Metadata()}
	what := func(change func(*samltest.Message)) ports.Response {
		return ports.Response{Raw: b.with(t, change), RequestID: requestID, RequestedAt: samltest.Epoch, ReceivedOn: b.on, At: b.at}
	}
	old, byNext := what(func(*samltest.Message) {}), what(func(m *samltest.Message) { m.Signing.Key, m.Signing.KeyInfo = rolled.Key, rolled.KeyInfo() })
	s := b.via.Settings()
	s.SAML.RequireEncryption = true
	strict, err := connection.New(s)
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := connection.New(connection.Settings{Slug: "other", Domains: []string{"example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		via    connection.Connection
		with   connection.Metadata
		what   ports.Response
		reason string
	}{
		"the metadata that is served":    {b.via, connection.Metadata{}, old, ""},
		"other metadata, the old key":    {b.via, next, old, "unknown_key"},
		"other metadata, its key":        {b.via, next, byNext, ""},
		"stricter settings":              {strict, connection.Metadata{}, old, "not_encrypted"},
		"metadata that ended":            {b.via, connection.Metadata{EntityID: idpID, Document: rolled.Metadata(), ValidUntil: b.at}, byNext, "no_metadata"},
		"metadata that is none":          {b.via, connection.Metadata{EntityID: idpID, Document: []byte("<a/>")}, byNext, "no_metadata"},
		"a connection that is not there": {unknown, connection.Metadata{}, old, "no_metadata"},
	} {
		_, err := b.broker.VerifyWith(t.Context(), c.via, c.with, c.what)
		if reason(err) != c.reason || (err == nil) != (c.reason == "") {
			t.Errorf("%s: got %v, want %q", name, err, c.reason)
		}
	}
	b.accepts(t, old.Raw) // nothing has changed for sign-ins
}
