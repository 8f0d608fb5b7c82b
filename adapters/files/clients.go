package files

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/setting"
)

// Clients are those of a clients file.
type Clients struct {
	polled[client.Directory]
}

// OpenClients reads the file. Its error lists everything that is wrong with it.
func OpenClients(path string, log *slog.Logger) (*Clients, error) {
	log = log.With("file", path)
	c := &Clients{polled[client.Directory]{
		read: func() (client.Directory, digest, error) { return readClients(path) },
		Source: lastgood.NewSource("clients file", log, func(ctx context.Context, all client.Directory) {
			log.InfoContext(ctx, "clients file read", "clients", len(all.All()))
		}),
	}}
	if err := c.open(); err != nil {
		return nil, err
	}
	return c, nil
}

// clientsFile is CLIENTS_FILE (see docs/configuration.md).
type clientsFile struct {
	Clients []strict[clientEntry] `yaml:"clients"`
}

type clientEntry struct {
	ID          string                       `yaml:"id"`
	Name        string                       `yaml:"name"`
	Publisher   string                       `yaml:"publisher"`
	IconFile    string                       `yaml:"icon_file"`
	HomePage    string                       `yaml:"home_page"`
	Grants      []string                     `yaml:"grants"`
	Scopes      []string                     `yaml:"scopes"`
	ScopeTexts  map[string]map[string]string `yaml:"scope_texts"`
	TokenTTL    string                       `yaml:"token_ttl"`
	Label       string                       `yaml:"device_label"`
	Connections []string                     `yaml:"connections"`
	Suspended   bool                         `yaml:"suspended"`
}

// ReadClients reads a clients file and the icons that it names. Its error lists
// everything that is wrong; each [setting.Problem] names a client or the setting.
func ReadClients(path string) (client.Directory, error) {
	all, _, err := readClients(path)
	return all, err
}

func readClients(path string) (all client.Directory, sum digest, err error) {
	r := reader{filepath.Dir(path), newDigester()}
	defer func() { sum = r.sum() }()
	text, err := r.file(path)
	if err != nil {
		return all, sum, setting.Wrong("CLIENTS_FILE", "%v", err)
	}
	var file strict[clientsFile]
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		return all, sum, setting.Wrong("CLIENTS_FILE", "%s: %s", path, yaml.FormatError(err, false, false))
	}
	var errs []error
	for _, line := range file.unread {
		errs = append(errs, setting.Wrong("CLIENTS_FILE", "%s: %s", path, line))
	}
	var clients []client.Client
	seen := map[string]bool{}
	for i, part := range file.of.Clients {
		entry := part.of
		name := "client " + entry.ID
		if entry.ID == "" {
			name = fmt.Sprintf("client #%d", i+1)
		}
		for _, line := range part.unread {
			errs = append(errs, setting.Wrong(name, "%s in CLIENTS_FILE", line))
		}
		if part.unread != nil && !part.mapping {
			continue
		}
		if entry.ID != "" && seen[entry.ID] {
			errs = append(errs, setting.Wrong(name, "there are two of that id in CLIENTS_FILE"))
		}
		seen[entry.ID] = true
		one, err := entry.read(&r)
		errs = append(errs, ofClient(name, err))
		clients = append(clients, one)
	}
	if err := errors.Join(errs...); err != nil {
		return all, sum, err
	}
	all, err = client.NewDirectory(clients...)
	return all, sum, err
}

// ofClient names the client before the fields that are wrong.
func ofClient(name string, err error) error {
	var out []error
	for _, one := range setting.Split(err) {
		out = append(out, setting.Wrong(name, "%v", one))
	}
	return errors.Join(out...)
}

func (e clientEntry) read(r *reader) (client.Client, error) {
	s := client.Settings{
		ID: e.ID, Name: e.Name, Publisher: e.Publisher, HomePage: e.HomePage, ScopeTexts: e.ScopeTexts,
		Label: e.Label, Connections: e.Connections, Suspended: e.Suspended, Source: client.File,
	}
	var errs []error
	for _, g := range e.Grants {
		s.Grants = append(s.Grants, client.Grant(g))
	}
	for _, name := range e.Scopes {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' }) {
			errs = append(errs, setting.Wrong("scopes", "%q: write one scope in each line", name))
		}
	}
	s.Scopes = scope.Restore(strings.Join(slices.DeleteFunc(slices.Clone(e.Scopes), func(name string) bool { return name == "" }), " "))
	if e.TokenTTL != "" {
		life, err := time.ParseDuration(e.TokenTTL)
		if err != nil || life == 0 {
			errs = append(errs, setting.Wrong("token_ttl", "%q: write a duration like 336h or 45m", e.TokenTTL))
		}
		s.TokenLife = life
	}
	picture, err := r.beside("icon_file", e.IconFile)
	errs = append(errs, err)
	if picture != nil {
		icon, err := client.ParseIcon(picture)
		if err != nil {
			errs = append(errs, setting.Wrong("icon_file", "%s: %v", e.IconFile, err))
		}
		s.Icon = icon
	}
	one, err := client.New(s)
	return one, errors.Join(append(errs, err)...)
}
