package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
)

// connectionFlags are the settings of a connection, as docs/configuration.md
// describes them. One that is not given is nil.
type connectionFlags struct {
	MetadataURL     *string  `help:"Where the identity provider publishes its metadata." xor:"metadata"`
	MetadataFile    *string  `help:"A file with the metadata, for an identity provider that publishes none." xor:"metadata"`
	MetadataSigners *string  `help:"A PEM file with certificates, of which one has to have signed the metadata."`
	MetadataCAFile  *string  `name:"metadata-ca-file" help:"A PEM file with the authorities of the metadata's server."`
	MetadataPrivate *bool    `negatable:"" help:"The metadata's server is inside your network."`
	EntityID        *string  `name:"entity-id" help:"Which identity provider of several in the metadata."`
	Domain          []string `help:"An e-mail domain that it may speak for; give it once for each. '*' is any."`
	Name            *string  `help:"For people; without it the slug."`
	Broker          *string  `help:"saml or enterprise."`
	ACSMount        *string  `name:"acs-mount" help:"The callback that the identity provider has registered: canonical or legacy."`
	SignRequests    *string  `help:"auto, always or never."`
	LoginHint       *string  `help:"parameter, subject or none."`
	EmailAttribute  *string  `help:"The attribute with the e-mail address, instead of the usual ones."`
	Public          *bool    `negatable:"" help:"It may be offered by name on the page."`
	NameIDFormat    *string  `name:"name-id-format" help:"What requests ask for; none: nothing."`
	Signed          *string  `name:"signed-assertions" help:"required or either."`
	Encrypted       *bool    `name:"require-encryption" negatable:"" help:"Refuse assertions in the clear."`
	MetadataKeys    *string  `help:"Which of our certificates our metadata for it lists: all, one (the active one) or next."`
	AllowWeak       []string `help:"sha1, rsa1_5, 3des; none: no weak algorithm any more."`
}

// change sets what was given.
func (f connectionFlags) change(s *connection.Settings) error {
	if f.Name != nil && strings.TrimSpace(*f.Name) == "" {
		return errors.New("--name is empty; people would see nothing. To show the slug, give the slug")
	}
	set(&s.Name, f.Name)
	set(&s.EntityID, f.EntityID)
	set(&s.EmailAttribute, f.EmailAttribute)
	set(&s.Public, f.Public)
	set(&s.SAML.MetadataPrivate, f.MetadataPrivate)
	set(&s.SAML.NameIDFormat, f.NameIDFormat)
	set(&s.SAML.RequireEncryption, f.Encrypted)
	setText(&s.Broker, f.Broker)
	setText(&s.ACSMount, f.ACSMount)
	setText(&s.SignRequests, f.SignRequests)
	setText(&s.LoginHint, f.LoginHint)
	setText(&s.SAML.Signed, f.Signed)
	if f.MetadataKeys != nil && *f.MetadataKeys == "all" {
		*f.MetadataKeys = string(connection.AllKeys)
	}
	setText(&s.SAML.MetadataKeys, f.MetadataKeys)
	if len(f.Domain) > 0 {
		s.Domains = f.Domain
	}
	var errs []error
	if len(f.AllowWeak) == 1 && f.AllowWeak[0] == "none" {
		errs = append(errs, s.SAML.AllowWeak())
	} else if len(f.AllowWeak) > 0 {
		errs = append(errs, s.SAML.AllowWeak(f.AllowWeak...))
	}
	if f.MetadataURL != nil {
		s.SAML.MetadataURL, s.SAML.Metadata, s.SAML.MetadataFile = *f.MetadataURL, nil, ""
	}
	if f.MetadataFile != nil {
		s.SAML.MetadataURL, s.SAML.MetadataFile = "", *f.MetadataFile
		errs = append(errs, readInto(&s.SAML.Metadata, "metadata-file", f.MetadataFile))
	}
	errs = append(errs, readInto(&s.SAML.MetadataSigners, "metadata-signers", f.MetadataSigners), readInto(&s.SAML.MetadataCA, "metadata-ca-file", f.MetadataCAFile))
	return errors.Join(errs...)
}

func set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

func setText[T ~string](to *T, given *string) {
	if given != nil {
		*to = T(*given)
	}
}

// readInto reads a file that was given; an empty name is an empty setting.
func readInto(to *[]byte, flag string, name *string) error {
	switch {
	case name == nil:
		return nil
	case *name == "":
		*to = nil
		return nil
	}
	text, err := readFile(*name)
	if err != nil {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	if len(text) == 0 {
		return fmt.Errorf("--%s: %s is empty", flag, *name)
	}
	*to = text
	return nil
}

// fileMax is what metadata from a server may have, too.
const fileMax = 32 << 20

// readFile is [os.ReadFile] for files that are not endless.
func readFile(name string) ([]byte, error) { return readAtMost(name, fileMax) }

func readAtMost(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s is larger than %d MiB", name, most>>20)
	}
	return text, err
}

// atRevision is the value of --revision; 0 without it.
func atRevision(given *int64) (int64, error) {
	switch {
	case given == nil:
		return 0, nil
	case *given < 1:
		return 0, errors.New("--revision counts from 1; leave it out if it does not matter")
	}
	return *given, nil
}

// look is [administer] for what changes nothing: no audit event needs the name of
// an administrator.
func look(ctx context.Context, act func() error, targets ...any) error {
	return administer(ctx, Acting{As: new("nobody")}, func(context.Context, audit.Actor) error { return act() }, targets...)
}
