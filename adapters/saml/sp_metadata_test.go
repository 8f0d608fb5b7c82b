package saml_test

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	crewjam "github.com/crewjam/saml"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/spkeys"
)

// bothMounts are the callbacks of a connection whose move is under way.
var bothMounts = []connection.Mount{connection.Canonical, connection.Legacy}

func described(t *testing.T, b *bench, slug string, callbacks ...connection.Mount) (crewjam.SPSSODescriptor, string) {
	t.Helper()
	document, err := b.broker.Metadata(t.Context(), slug, callbacks)
	if err != nil {
		t.Fatal(err)
	}
	var got crewjam.EntityDescriptor
	if err := xml.Unmarshal(document, &got); err != nil {
		t.Fatal(err)
	}
	if got.EntityID != b.broker.EntityID() || len(got.SPSSODescriptors) != 1 {
		t.Fatalf("got the metadata %s, want one SPSSODescriptor of ours", document)
	}
	return got.SPSSODescriptors[0], string(document)
}

func TestOneCertificateIsListedAndItsKeySigns(t *testing.T) {
	active, next, old := pair(t, 0), pair(t, 1), pair(t, 2)
	for _, c := range []struct {
		keys connection.MetadataKeys
		set  spkeys.Set
		want []spkeys.Pair // the first one signs
	}{
		{connection.AllKeys, keySet(t, active, next, old), []spkeys.Pair{active, next}},
		{connection.OneKey, keySet(t, active, next, old), []spkeys.Pair{active}},
		{connection.NextKey, keySet(t, active, next, old), []spkeys.Pair{next}},
		{connection.NextKey, keySet(t, active, spkeys.Pair{}, old), []spkeys.Pair{active}},
	} {
		b := newBench(t, samltest.NewIdP(t, idpID), change{
			settings: func(s *connection.Settings) { s.SignRequests = connection.SignAlways },
			source:   func(s *connection.SAMLSettings) { s.MetadataKeys = c.keys },
			keys:     c.set,
		})
		_, document := described(t, b, "acme", bothMounts...)
		if got := strings.Count(document, "<ds:X509Certificate>"); got != 2*len(c.want) {
			t.Errorf("%q: got %d certificates, want %d for each use", c.keys, got, len(c.want))
		}
		for _, p := range c.want {
			if !strings.Contains(document, base64.StdEncoding.EncodeToString(p.Certificate().Raw)) {
				t.Errorf("%q: got other certificates than wanted", c.keys)
			}
		}
		if _, general := described(t, b, "", bothMounts...); strings.Count(general, "<ds:X509Certificate>") != 2*len(present(c.set)) {
			t.Errorf("%q: got other certificates in the general metadata, want all", c.keys)
		}
		if got := signerOf(t, b); !got.Equal(&c.want[0].Key().PublicKey) {
			t.Errorf("%q: got requests signed by another key, want the one that is listed", c.keys)
		}
	}
	if _, err := tryBench(t, samltest.NewIdP(t, idpID), change{source: func(s *connection.SAMLSettings) { s.MetadataKeys = "both" }}); err == nil || !strings.Contains(err.Error(), "metadata_keys") {
		t.Errorf("got %v, want metadata_keys refused", err)
	}
}

func present(s spkeys.Set) []spkeys.Pair { return s.Published() }

func TestSPMetadataListsServedEndpointsAndKeys(t *testing.T) { // S13, F26, contract section 10 item 9
	next, old := pair(t, 1), pair(t, 2)
	for _, want := range [][]connection.Mount{bothMounts, bothMounts[:1]} {
		for _, mount := range []connection.Mount{connection.Canonical, connection.Legacy} {
			b := newBench(t, samltest.NewIdP(t, idpID), change{
				settings: func(s *connection.Settings) { s.ACSMount = mount },
				keys:     keySet(t, pair(t, 0), next, old),
			})
			for _, slug := range []string{"", "acme"} {
				sp, document := described(t, b, slug, want...)
				for _, unwanted := range []string{"validUntil", "cacheDuration", "Artifact", "SingleLogout", "transient"} {
					if strings.Contains(document, unwanted) {
						t.Errorf("got %s in %s", unwanted, document)
					}
				}
				if len(sp.AssertionConsumerServices) != len(want) {
					t.Fatalf("got %d endpoints, want %d: %s", len(sp.AssertionConsumerServices), len(want), document)
				}
				for i, acs := range sp.AssertionConsumerServices {
					if acs.Index != i || acs.Location != publicURL+want[i].ACSPath() || *acs.IsDefault != (i == 0) || acs.Binding != crewjam.HTTPPostBinding {
						t.Errorf("got endpoint %+v, want index %d, %s", acs, i, want[i])
					}
				}
				uses := map[string]int{}
				for _, k := range sp.KeyDescriptors {
					uses[k.Use]++
				}
				if uses["signing"] != 2 || uses["encryption"] != 2 || len(sp.KeyDescriptors) != 4 {
					t.Errorf("got keys for %v, want two for each use", uses)
				}
				if sp.NameIDFormats[0] != crewjam.EmailAddressNameIDFormat {
					t.Errorf("got formats %v, want e-mail first", sp.NameIDFormats)
				}
			}
		}
	}
}

func TestSPMetadataFollowsTheConnection(t *testing.T) {
	for signed, want := range map[connection.SignedAssertions]bool{connection.SignedPreferred: true, connection.SignedRequired: true, connection.SignedEither: false} {
		for sign, signs := range map[connection.SignRequests]bool{connection.SignAlways: true, connection.SignAuto: false, connection.SignNever: false} {
			b := newBench(t, samltest.NewIdP(t, idpID), change{
				source: func(s *connection.SAMLSettings) { s.Signed = signed }, settings: func(s *connection.Settings) { s.SignRequests = sign },
			})
			sp, document := described(t, b, "acme")
			if *sp.WantAssertionsSigned != want || *sp.AuthnRequestsSigned != signs {
				t.Errorf("%q, %s: got %s, want the flags of the connection", signed, sign, document)
			}
		}
	}
}

func TestConfiguredEntityIDIsKept(t *testing.T) { // S38, F10
	b := newBench(t, samltest.NewIdP(t, idpID), change{config: func(c *saml.Config) { c.PublicURL, c.EntityID = "https://moved.test/gate", "urn:acme:<gate>" }})
	sp, _ := described(t, b, "", connection.Canonical)
	if got := sp.AssertionConsumerServices[0].Location; got != "https://moved.test/gate/openapi/v1/oauth/device/sso-complete" {
		t.Errorf("got the endpoint %s, want one below PUBLIC_URL", got)
	}
}

func TestSPMetadataOfAnUnknownConnection(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	if _, err := b.broker.Metadata(t.Context(), "other", bothMounts); !errors.Is(err, connection.ErrUnknown) {
		t.Errorf("got %v, want an unknown connection", err)
	}
}
