package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/domain/connection"
)

// connectionsFile is CONNECTIONS_FILE (see docs/configuration.md).
type connectionsFile struct {
	Connections []connectionEntry `yaml:"connections"`
	unread      []string          // what is wrong with the names in it
}

type connectionEntry struct {
	Slug           string   `yaml:"slug"`
	Name           string   `yaml:"name"`
	Broker         string   `yaml:"broker"`
	MetadataFile   string   `yaml:"metadata_file"`
	MetadataURL    string   `yaml:"metadata_url"`
	Signers        string   `yaml:"metadata_signers"`
	EntityID       string   `yaml:"entity_id"`
	Domains        []string `yaml:"domains"`
	ACSMount       string   `yaml:"acs_mount"`
	SignRequests   string   `yaml:"sign_requests"`
	LoginHint      string   `yaml:"login_hint"`
	EmailAttribute string   `yaml:"email_attribute"`
	Public         bool     `yaml:"public"`
	NameIDFormat   string   `yaml:"name_id_format"`
	Signed         string   `yaml:"signed_assertions"`
	Encrypted      bool     `yaml:"require_encryption"`
	AllowWeak      []string `yaml:"allow_weak"` // sha1, rsa1_5, 3des

	unread  []string // what is wrong with names and types in it
	mapping bool     // or else nothing of it was understood
}

// UnmarshalYAML keeps what is wrong with the entry, so that it does not hide
// what is wrong with others.
func (e *connectionEntry) UnmarshalYAML(read func(any) error) error {
	type plain connectionEntry
	e.unread, e.mapping = strictly(read, (*plain)(e))
	return nil
}

// UnmarshalYAML does the same for the file.
func (f *connectionsFile) UnmarshalYAML(read func(any) error) error {
	type plain connectionsFile
	f.unread, _ = strictly(read, (*plain)(f))
	return nil
}

// strictly reads a mapping and lists all names in it that are not known: a
// mistyped setting would silently be none. The library stops at the first.
func strictly(read func(any) error, into any) (wrong []string, mapping bool) {
	fields := reflect.TypeOf(into).Elem()
	err := read(into)
	kind := new(yaml.TypeError)
	switch {
	case err == nil, errors.As(err, new(*yaml.UnknownFieldError)):
	case errors.As(err, &kind) && kind.StructFieldName != nil: // the library words it for programmers
		_, name, _ := strings.Cut(*kind.StructFieldName, ".")
		field, _ := fields.FieldByName(name)
		wrong = append(wrong, fmt.Sprintf("%s: a %s is wanted, not a %s", field.Tag.Get("yaml"), kind.DstType, kind.SrcType))
	default:
		wrong = append(wrong, yaml.FormatError(err, false, false))
	}
	var found map[string]any
	if read(&found) != nil {
		return wrong, false
	}
	for field := range fields.Fields() {
		delete(found, field.Tag.Get("yaml"))
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		wrong = append(wrong, fmt.Sprintf("unknown field %q", name))
	}
	return wrong, true
}

func (c *Config) loadConnections(e environment, wrong *problems) {
	text, err := os.ReadFile(e.ConnectionsFile)
	if err != nil {
		wrong.add("CONNECTIONS_FILE", "%v", err)
		return
	}
	var file connectionsFile
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		wrong.add("CONNECTIONS_FILE", "%s: %s", e.ConnectionsFile, yaml.FormatError(err, false, false))
		return
	}
	for _, line := range file.unread {
		wrong.add("CONNECTIONS_FILE", "%s: %s", e.ConnectionsFile, line)
	}
	var all []connection.Connection
	seen := map[string]bool{}
	c.SAML.Sources = map[string]saml.Source{}
	for i, entry := range file.Connections {
		who := "connection " + entry.Slug
		if entry.Slug == "" {
			who = fmt.Sprintf("connection #%d", i+1)
		}
		for _, line := range entry.unread {
			wrong.add(who, "%s in CONNECTIONS_FILE", line)
		}
		if entry.unread != nil && !entry.mapping {
			continue
		}
		via, source, err := entry.read(filepath.Dir(e.ConnectionsFile))
		wrong.each(who, err)
		s := via.Settings()
		if s.Broker == connection.Enterprise && e.EnterpriseAPIURL == "" {
			wrong.add(who, "broker enterprise needs ENTERPRISE_API_URL")
		}
		if s.ACSMount == connection.Legacy && e.LegacyRoutes == "off" {
			wrong.add("LEGACY_ROUTES", "cannot be off: the identity provider of %s still posts to the legacy callback (acs_mount: legacy)", who)
		}
		if entry.Slug != "" && seen[entry.Slug] {
			wrong.add(who, "there are two of that slug in CONNECTIONS_FILE")
			continue
		}
		seen[entry.Slug] = true
		all = append(all, via)
		if s.Broker == connection.SAML {
			c.SAML.Sources[s.Slug] = source
		}
	}
	c.Connections, err = connection.NewDirectory(all...)
	wrong.each("CONNECTIONS_FILE", err)
}

// weaknesses are what allow_weak may name.
var weaknesses = []string{"sha1", "rsa1_5", "3des"}

func (e connectionEntry) read(dir string) (connection.Connection, saml.Source, error) {
	via, err := connection.New(connection.Settings{
		Slug: e.Slug, Name: e.Name, Broker: connection.Broker(e.Broker), EntityID: e.EntityID, Domains: e.Domains,
		ACSMount: connection.Mount(e.ACSMount), SignRequests: connection.SignRequests(e.SignRequests),
		LoginHint: connection.LoginHint(e.LoginHint), EmailAttribute: e.EmailAttribute, Public: e.Public,
	})
	errs := []error{err}
	source := saml.Source{
		MetadataFile: e.MetadataFile, MetadataURL: e.MetadataURL, NameIDFormat: e.NameIDFormat, Signed: saml.SignedAssertions(e.Signed), RequireEncryption: e.Encrypted,
		AllowSHA1: slices.Contains(e.AllowWeak, "sha1"), AllowRSA15: slices.Contains(e.AllowWeak, "rsa1_5"),
		AllowTripleDES: slices.Contains(e.AllowWeak, "3des"),
	}
	for _, weak := range e.AllowWeak {
		if !slices.Contains(weaknesses, weak) {
			errs = append(errs, fmt.Errorf("allow_weak %q: use sha1, rsa1_5 or 3des", weak))
		}
	}
	if via.Settings().Broker == connection.Enterprise {
		return via, source, errors.Join(errs...)
	}
	if (e.MetadataFile == "") == (e.MetadataURL == "") {
		errs = append(errs, errors.New("one of metadata_file and metadata_url is required"))
	}
	source.Metadata, err = beside(dir, "metadata_file", e.MetadataFile)
	errs = append(errs, err)
	source.MetadataSigners, err = beside(dir, "metadata_signers", e.Signers)
	errs = append(errs, err)
	return via, source, errors.Join(append(errs, located(source).Check(via))...)
}

// located has one place of metadata; if there was none or both, that is said
// already, and the rest is checked all the same.
func located(s saml.Source) saml.Source {
	switch {
	case len(s.Metadata) > 0:
		s.MetadataURL = ""
	case s.MetadataURL == "":
		s.MetadataURL = "https://nowhere.invalid/"
	}
	return s
}

// beside reads a file that the connections file names.
func beside(dir, setting, file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	if len(bytes.TrimSpace(text)) == 0 { // which would be none
		return nil, fmt.Errorf("%s: %s is empty", setting, file)
	}
	return text, nil
}
