package files

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/devicegate/devicegate/domain/connection"
)

// Write is a connections file with the given connections. What they have read of
// files stands in it as text: it needs no other file. Settings that have their
// default are left out.
func Write(all []connection.Connection) ([]byte, error) {
	var file struct {
		Connections []connectionEntry `yaml:"connections"`
	}
	file.Connections = make([]connectionEntry, len(all)) // an empty list, not null
	for i, via := range all {
		s := via.Settings()
		for name, text := range map[string][]byte{"metadata": s.SAML.Metadata, "metadata_signers": s.SAML.MetadataSigners, "metadata_ca_file": s.SAML.MetadataCA} {
			if !utf8.Valid(text) {
				return nil, fmt.Errorf("connection %s: %s is not UTF-8, and cannot stand in the file", via.Slug(), name)
			}
		}
		file.Connections[i] = entryOf(s)
	}
	var out bytes.Buffer
	if err := yaml.NewEncoder(&out, yaml.UseLiteralStyleIfMultiline(true), yaml.IndentSequence(true)).Encode(file); err != nil {
		return nil, fmt.Errorf("write connections: %w", err)
	}
	return out.Bytes(), nil
}

// entryOf leaves out defaults.
func entryOf(s connection.Settings) connectionEntry {
	e := connectionEntry{
		Slug: s.Slug, Name: s.Name, Broker: string(s.Broker), EntityID: s.EntityID, Domains: s.Domains,
		ACSMount: string(s.ACSMount), SignRequests: string(s.SignRequests), LoginHint: string(s.LoginHint),
		EmailAttribute: s.EmailAttribute, Public: s.Public,
		MetadataURL: s.SAML.MetadataURL, Metadata: string(s.SAML.Metadata), Signers: string(s.SAML.MetadataSigners),
		CA: string(s.SAML.MetadataCA), Private: s.SAML.MetadataPrivate, NameIDFormat: s.SAML.NameIDFormat,
		Signed: string(s.SAML.Signed), Encrypted: s.SAML.RequireEncryption, MetadataKeys: string(s.SAML.MetadataKeys), AllowWeak: s.SAML.Weak(),
	}
	for value, standard := range map[*string]string{
		&e.Name: s.Slug, &e.Broker: string(connection.SAML), &e.SignRequests: string(connection.SignAuto),
		&e.LoginHint: string(connection.LoginHintParameter),
	} {
		if *value == standard {
			*value = ""
		}
	}
	return e
}
