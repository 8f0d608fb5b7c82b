package saml

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/domain/connection"
)

// Metadata is ours (SAML metadata §2.4.4): in general or, with a slug, as one
// connection needs it. It has no validUntil, after which identity providers
// would refuse it. The first of the callbacks is the default. It returns
// [connection.ErrUnknown].
func (b *Broker) Metadata(ctx context.Context, slug string, callbacks []connection.Mount) ([]byte, error) {
	keys, err := b.keys.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("our key pairs: %w", err)
	}
	signs, wants, published := b.allSign(), true, keys.Published()
	if slug != "" {
		now := b.served.Load()
		s, ok := now.sources[slug]
		if !ok {
			return nil, connection.ErrUnknown
		}
		via, err := now.connections.Find(slug)
		if err != nil {
			return nil, err
		}
		wants, published = s.policy.Signed != connection.SignedEither, s.policy.published(keys)
		to, _ := s.current()
		signs = wantsSigned(via, to)
	}
	var out strings.Builder
	write := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	write(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<md:EntityDescriptor xmlns:md="%s" xmlns:ds="%s" entityID="%s">`+"\n",
		nsMetadata, xmlsec.Signature, escaped(b.cfg.EntityID))
	write(`  <md:SPSSODescriptor AuthnRequestsSigned="%t" WantAssertionsSigned="%t" protocolSupportEnumeration="%s">`+"\n", signs, wants, nsProtocol)
	for _, use := range []string{"signing", "encryption"} {
		for _, pair := range published {
			write(`    <md:KeyDescriptor use="%s">`+"\n"+`      <ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`+"\n",
				use, certificateText(pair.Certificate()))
			if use == "encryption" {
				for _, uri := range []string{
					xmlsec.Encryption11 + "aes256-gcm", xmlsec.Encryption11 + "aes128-gcm",
					xmlsec.Encryption + "aes256-cbc", xmlsec.Encryption + "aes128-cbc",
					xmlsec.Encryption + "rsa-oaep-mgf1p", xmlsec.Encryption11 + "rsa-oaep",
				} {
					write(`      <md:EncryptionMethod Algorithm="%s"/>`+"\n", uri)
				}
			}
			write("    </md:KeyDescriptor>\n")
		}
	}
	for _, format := range []string{formatEmail, formatUnspecified, formatPersistent} {
		write("    <md:NameIDFormat>%s</md:NameIDFormat>\n", format)
	}
	// Identity providers store indexes: each callback keeps its own. Some take the
	// last one listed, whatever is the default; both are served as long as both are
	// listed.
	for i, mount := range callbacks {
		write(`    <md:AssertionConsumerService Binding="%s" Location="%s" index="%d" isDefault="%t"/>`+"\n",
			bindingPOST, escaped(b.acs(mount)), acsIndex(mount), i == 0)
	}
	write("  </md:SPSSODescriptor>\n</md:EntityDescriptor>\n")
	return []byte(out.String()), nil
}

func acsIndex(m connection.Mount) int {
	if m == connection.Legacy {
		return 1
	}
	return 0
}

// allSign reports whether every connection's requests are signed; only then may
// the general metadata say so.
func (b *Broker) allSign() bool {
	now := b.served.Load()
	for slug, s := range now.sources {
		via, err := now.connections.Find(slug)
		to, _ := s.current()
		if err != nil || !wantsSigned(via, to) {
			return false
		}
	}
	return len(now.sources) > 0
}

func escaped(s string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(s))
	return out.String()
}
