package files

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/setting"
)

// connectionsFile is CONNECTIONS_FILE (see docs/configuration.md).
type connectionsFile struct {
	Connections []strict[connectionEntry] `yaml:"connections"`
}

type connectionEntry struct {
	Slug           string   `yaml:"slug"`
	Name           string   `yaml:"name,omitempty"`
	Broker         string   `yaml:"broker,omitempty"`
	MetadataFile   string   `yaml:"metadata_file,omitempty"`
	MetadataURL    string   `yaml:"metadata_url,omitempty"`
	Metadata       string   `yaml:"metadata,omitempty"` // the document itself
	Signers        string   `yaml:"metadata_signers,omitempty"`
	CA             string   `yaml:"metadata_ca_file,omitempty"`
	Private        bool     `yaml:"metadata_private,omitempty"`
	EntityID       string   `yaml:"entity_id,omitempty"`
	Domains        []string `yaml:"domains"`
	ACSMount       string   `yaml:"acs_mount,omitempty"`
	SignRequests   string   `yaml:"sign_requests,omitempty"`
	LoginHint      string   `yaml:"login_hint,omitempty"`
	EmailAttribute string   `yaml:"email_attribute,omitempty"`
	Public         bool     `yaml:"public,omitempty"`
	NameIDFormat   string   `yaml:"name_id_format,omitempty"`
	Signed         string   `yaml:"signed_assertions,omitempty"`
	Encrypted      bool     `yaml:"require_encryption,omitempty"`
	MetadataKeys   string   `yaml:"metadata_keys,omitempty"`
	AllowWeak      []string `yaml:"allow_weak,omitempty"` // sha1, rsa1_5, 3des
}

// Check lists what else is wrong with a connection: its broker's settings, for
// example. It names the fields as [setting.Problem] does, or none.
type Check func(connection.Connection) error

// Read reads a connections file and what it names. Its error lists everything
// that is wrong; each [setting.Problem] names a connection or the setting.
func Read(path string, check Check) (connection.Directory, error) {
	return ReadAs(path, "CONNECTIONS_FILE", check)
}

// ReadAs is [Read] of a file that is not CONNECTIONS_FILE. called names it in what is
// wrong with it.
func ReadAs(path, called string, check Check) (connection.Directory, error) {
	all, _, err := read(path, called, check)
	return all, err
}

func read(path, called string, check Check) (all connection.Directory, sum digest, err error) {
	r := reader{filepath.Dir(path), newDigester()}
	defer func() { sum = r.sum() }()
	text, err := r.file(path)
	if err != nil {
		return all, sum, setting.Wrong(called, "%v", err)
	}
	var file strict[connectionsFile]
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		return all, sum, setting.Wrong(called, "%s: %s", path, yaml.FormatError(err, false, false))
	}
	var errs []error
	for _, line := range file.unread {
		errs = append(errs, setting.Wrong(called, "%s: %s", path, line))
	}
	var connections []connection.Connection
	seen := map[string]bool{}
	for i, part := range file.of.Connections {
		entry := part.of
		name := "connection " + entry.Slug
		if entry.Slug == "" {
			name = fmt.Sprintf("connection #%d", i+1)
		}
		for _, line := range part.unread {
			errs = append(errs, setting.Wrong(name, "%s in %s", line, called))
		}
		if part.unread != nil && !part.mapping {
			continue
		}
		via, err := entry.read(&r, check)
		errs = append(errs, named(name, err))
		if entry.Slug != "" && seen[entry.Slug] {
			errs = append(errs, setting.Wrong(name, "there are two of that slug in %s", called))
			continue
		}
		seen[entry.Slug] = true
		for _, conflict := range connection.Conflicts(via, "", connections, nil) {
			errs = append(errs, setting.Wrong(name, "%s", conflict))
		}
		connections = append(connections, via)
	}
	if err := errors.Join(errs...); err != nil {
		return all, sum, err
	}
	all, err = connection.NewDirectory(connections...)
	return all, sum, err
}

// named gives each error that names nothing the name of the connection.
func named(name string, err error) error {
	var out []error
	for _, one := range setting.Split(err) {
		if !errors.As(one, new(setting.Problem)) {
			one = setting.Wrong(name, "%v", one)
		}
		out = append(out, one)
	}
	return errors.Join(out...)
}

func (e connectionEntry) read(r *reader, check Check) (connection.Connection, error) {
	settings := connection.Settings{
		Slug: e.Slug, Name: e.Name, Broker: connection.Broker(e.Broker), EntityID: e.EntityID, Domains: e.Domains,
		ACSMount: connection.Mount(e.ACSMount), SignRequests: connection.SignRequests(e.SignRequests),
		LoginHint: connection.LoginHint(e.LoginHint), EmailAttribute: e.EmailAttribute, Public: e.Public,
	}
	var errs []error
	if err := new(connection.SAMLSettings).AllowWeak(e.AllowWeak...); err != nil {
		errs = append(errs, err)
	}
	if settings.Broker != connection.Enterprise {
		saml, err := e.saml(r)
		errs, settings.SAML = append(errs, err), saml
	}
	via, err := connection.New(settings)
	errs = append(errs, err)
	settings.SAML = located(settings.SAML)
	checked, _ := connection.New(settings) // what is wrong with it is in errs
	return via, errors.Join(append(errs, check(checked))...)
}

func (e connectionEntry) saml(r *reader) (connection.SAMLSettings, error) {
	out := connection.SAMLSettings{
		MetadataFile: e.MetadataFile, MetadataURL: e.MetadataURL, MetadataPrivate: e.Private, NameIDFormat: e.NameIDFormat,
		Signed: connection.SignedAssertions(e.Signed), RequireEncryption: e.Encrypted, MetadataKeys: metadataKeys(e.MetadataKeys),
	}
	_ = out.AllowWeak(e.AllowWeak...) // read says what is wrong with it
	var errs []error
	sources := 0
	for _, source := range []string{e.MetadataFile, e.MetadataURL, e.Metadata} {
		if source != "" {
			sources++
		}
	}
	if sources != 1 {
		errs = append(errs, errors.New("one of metadata_file, metadata_url and metadata is required"))
	}
	var err error
	if out.Metadata, err = r.beside("metadata_file", e.MetadataFile); e.Metadata != "" {
		out.Metadata = []byte(e.Metadata)
	}
	errs = append(errs, err)
	out.MetadataSigners, err = r.pem("metadata_signers", e.Signers)
	errs = append(errs, err)
	out.MetadataCA, err = r.pem("metadata_ca_file", e.CA)
	return out, errors.Join(append(errs, err)...)
}

// metadataKeys reads "all" as the default.
func metadataKeys(text string) connection.MetadataKeys {
	if text == "all" {
		return connection.AllKeys
	}
	return connection.MetadataKeys(text)
}

// located has one place of metadata. If there was none or both, that is reported
// already, and the rest is checked all the same.
func located(s connection.SAMLSettings) connection.SAMLSettings {
	switch {
	case len(s.Metadata) > 0:
		s.MetadataURL = ""
	case s.MetadataURL == "":
		s.MetadataURL = "https://nowhere.invalid/"
	}
	return s
}

// reader reads the connections file and what it names.
type reader struct {
	dir string
	digester
}

// pem reads a file or takes the text itself, as an export writes it.
func (r *reader) pem(setting, value string) ([]byte, error) {
	if strings.HasPrefix(strings.TrimSpace(value), "-----BEGIN ") {
		return []byte(value), nil
	}
	return r.beside(setting, value)
}

// beside reads a file that the connections file names.
func (r *reader) beside(setting, file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(r.dir, file)
	}
	text, err := r.file(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	if len(bytes.TrimSpace(text)) == 0 { // which would be none
		return nil, fmt.Errorf("%s: %s is empty", setting, file)
	}
	return text, nil
}
