package bootstrap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/domain/connection"
)

// connectionsFile is CONNECTIONS_FILE (see docs/configuration.md).
type connectionsFile struct {
	Connections []connectionEntry `yaml:"connections"`
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
	EmailAttribute string   `yaml:"email_attribute"`
	Public         bool     `yaml:"public"`
	NameIDFormat   string   `yaml:"name_id_format"`
	Signed         string   `yaml:"signed_assertions"`
	Encrypted      bool     `yaml:"require_encryption"`
	AllowWeak      []string `yaml:"allow_weak"` // sha1, rsa1_5, 3des
}

// loadConnections reads the file; a name in it that is not known is refused,
// because a mistyped setting would silently be none.
func (c *Config) loadConnections(path string, wrong *problems) {
	text, err := os.ReadFile(path)
	if err != nil {
		wrong.add("CONNECTIONS_FILE", "%v", err)
		return
	}
	var file connectionsFile
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		wrong.add("CONNECTIONS_FILE", "%s: %s", path, yaml.FormatError(err, false, false))
		return
	}
	var all []connection.Connection
	c.SAML.Sources = map[string]saml.Source{}
	for _, entry := range file.Connections {
		via, source, err := entry.read(filepath.Dir(path))
		if err != nil {
			wrong.add("connection "+entry.Slug, "%v", err)
			continue
		}
		all = append(all, via)
		if via.Settings().Broker == connection.SAML {
			c.SAML.Sources[via.Slug()] = source
		}
	}
	if c.Connections, err = connection.NewDirectory(all...); err != nil {
		wrong.add("CONNECTIONS_FILE", "%v", err)
	}
}

func (e connectionEntry) read(dir string) (connection.Connection, saml.Source, error) {
	via, err := connection.New(connection.Settings{
		Slug: e.Slug, Name: e.Name, Broker: connection.Broker(e.Broker), EntityID: e.EntityID, Domains: e.Domains,
		ACSMount: connection.Mount(e.ACSMount), SignRequests: connection.SignRequests(e.SignRequests),
		EmailAttribute: e.EmailAttribute, Public: e.Public,
	})
	source := saml.Source{
		NameIDFormat: e.NameIDFormat, Signed: saml.SignedAssertions(e.Signed), RequireEncryption: e.Encrypted,
		AllowSHA1: slices.Contains(e.AllowWeak, "sha1"), AllowRSA15: slices.Contains(e.AllowWeak, "rsa1_5"),
		AllowTripleDES: slices.Contains(e.AllowWeak, "3des"),
	}
	for _, weak := range e.AllowWeak {
		if !slices.Contains([]string{"sha1", "rsa1_5", "3des"}, weak) {
			err = errors.Join(err, fmt.Errorf("allow_weak %q: use sha1, rsa1_5 or 3des", weak))
		}
	}
	if err != nil || via.Settings().Broker != connection.SAML {
		return via, source, err
	}
	if (e.MetadataFile == "") == (e.MetadataURL == "") {
		return via, source, errors.New("one of metadata_file and metadata_url is required")
	}
	source.MetadataURL = e.MetadataURL
	var errs [2]error
	source.Metadata, errs[0] = beside(dir, "metadata_file", e.MetadataFile)
	source.MetadataSigners, errs[1] = beside(dir, "metadata_signers", e.Signers)
	return via, source, errors.Join(errs[:]...)
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
	return text, nil
}
