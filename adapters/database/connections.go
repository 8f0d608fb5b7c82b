package database

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

type connectionRow struct {
	bun.BaseModel `bun:"table:idp_connections"`

	Slug      text `bun:",pk"`
	Settings  text // a connectionRecord
	Revision  count
	AddedAt   timestamp
	ChangedAt timestamp
	ChangedBy text
}

// connectionRecord is what the settings column holds. Its names last: another
// release reads them, and leaves alone what it does not know.
type connectionRecord struct {
	Name           string   `json:"name"`
	Broker         string   `json:"broker"`
	EntityID       string   `json:"entity_id,omitempty"`
	Domains        []string `json:"domains"`
	ACSMount       string   `json:"acs_mount"`
	SignRequests   string   `json:"sign_requests"`
	LoginHint      string   `json:"login_hint"`
	EmailAttribute string   `json:"email_attribute,omitempty"`
	Public         bool     `json:"public,omitempty"`

	Metadata        []byte   `json:"metadata,omitempty"`
	MetadataFile    string   `json:"metadata_file,omitempty"`
	MetadataURL     string   `json:"metadata_url,omitempty"`
	MetadataSigners []byte   `json:"metadata_signers,omitempty"`
	MetadataCA      []byte   `json:"metadata_ca,omitempty"`
	MetadataPrivate bool     `json:"metadata_private,omitempty"`
	AllowWeak       []string `json:"allow_weak,omitempty"`
	NameIDFormat    string   `json:"name_id_format,omitempty"`
	Signed          string   `json:"signed_assertions,omitempty"`
	Encrypted       bool     `json:"require_encryption,omitempty"`
	MetadataKeys    string   `json:"metadata_keys,omitempty"`
}

// recordOf is the settings column of settings.
func recordOf(s connection.Settings) (text, error) {
	m := s.SAML
	record, err := json.Marshal(connectionRecord{
		Name: s.Name, Broker: string(s.Broker), EntityID: s.EntityID, Domains: s.Domains,
		ACSMount: string(s.ACSMount), SignRequests: string(s.SignRequests), LoginHint: string(s.LoginHint),
		EmailAttribute: s.EmailAttribute, Public: s.Public,
		Metadata: m.Metadata, MetadataFile: m.MetadataFile, MetadataURL: m.MetadataURL, MetadataSigners: m.MetadataSigners,
		MetadataCA: m.MetadataCA, MetadataPrivate: m.MetadataPrivate, AllowWeak: m.Weak(), NameIDFormat: m.NameIDFormat,
		Signed: string(m.Signed), Encrypted: m.RequireEncryption, MetadataKeys: string(m.MetadataKeys),
	})
	if err != nil {
		return "", fmt.Errorf("connection %s: %w", s.Slug, err)
	}
	return text(record), nil
}

// settingsOf is the way back.
func settingsOf(slug, column text) (connection.Settings, error) {
	var record connectionRecord
	if err := json.Unmarshal([]byte(column), &record); err != nil {
		return connection.Settings{}, fmt.Errorf("stored connection %s: %w", slug, err)
	}
	m := connection.SAMLSettings{
		Metadata: record.Metadata, MetadataFile: record.MetadataFile, MetadataURL: record.MetadataURL, MetadataSigners: record.MetadataSigners,
		MetadataCA: record.MetadataCA, MetadataPrivate: record.MetadataPrivate, NameIDFormat: record.NameIDFormat,
		Signed: connection.SignedAssertions(record.Signed), RequireEncryption: record.Encrypted, MetadataKeys: connection.MetadataKeys(record.MetadataKeys),
	}
	if err := m.AllowWeak(record.AllowWeak...); err != nil {
		return connection.Settings{}, fmt.Errorf("stored connection %s: %w", slug, err)
	}
	return connection.Settings{
		Slug: string(slug), Name: record.Name, Broker: connection.Broker(record.Broker), EntityID: record.EntityID,
		Domains: record.Domains, ACSMount: connection.Mount(record.ACSMount), SignRequests: connection.SignRequests(record.SignRequests),
		LoginHint: connection.LoginHint(record.LoginHint), EmailAttribute: record.EmailAttribute, Public: record.Public, SAML: m,
	}, nil
}

func connectionRowOf(c *connection.Stored) (*connectionRow, error) {
	s := c.Snapshot()
	record, err := recordOf(s.Settings)
	if err != nil {
		return nil, err
	}
	return &connectionRow{
		Slug: text(s.Settings.Slug), Settings: record, Revision: count(s.Revision),
		AddedAt: timestamp(s.AddedAt), ChangedAt: timestamp(s.ChangedAt), ChangedBy: text(s.ChangedBy),
	}, nil
}

func (r *connectionRow) key() string { return string(r.Slug) }

func (r *connectionRow) restore() (*connection.Stored, error) {
	settings, err := settingsOf(r.Slug, r.Settings)
	if err != nil {
		return nil, err
	}
	return connection.RestoreStored(connection.StoredSnapshot{
		Settings: settings, Revision: int64(r.Revision), AddedAt: r.AddedAt.time(), ChangedAt: r.ChangedAt.time(), ChangedBy: string(r.ChangedBy),
	})
}

func (r reader) Connections() ports.ConnectionReader { return connectionReader{r} }

func (t *transaction) Connections() ports.StoredConnections {
	return storedConnections{connectionReader{t.reader()}, t}
}

var connectionRows = rowKind[connectionRow, *connection.Stored]{"connection", (*connectionRow).key, (*connectionRow).restore}

type connectionReader struct{ reader }

func (r connectionReader) All(ctx context.Context) ([]*connection.Stored, error) {
	return connectionRows.all(ctx, r.reader, r.from((*connectionRow)(nil)).Order("slug"))
}

type storedConnections struct {
	connectionReader
	tx *transaction
}

// All announces the topic first: its row is what locks the set as a whole, also
// against a connection that another transaction is about to add.
func (w storedConnections) All(ctx context.Context) ([]*connection.Stored, error) {
	if err := w.tx.announce(ctx, ports.TopicConnections); err != nil {
		return nil, err
	}
	return w.connectionReader.All(ctx)
}

func (w storedConnections) Add(ctx context.Context, c *connection.Stored, event audit.Event) error {
	if err := w.tx.announce(ctx, ports.TopicConnections); err != nil {
		return err
	}
	row, err := connectionRowOf(c)
	if err != nil {
		return err
	}
	return w.tx.addUnless(ctx, event, row, insertingUnless("(slug)"), connection.ErrSlugTaken)
}

func (w storedConnections) Save(ctx context.Context, c *connection.Stored, event audit.Event) error {
	if err := w.tx.announce(ctx, ports.TopicConnections); err != nil {
		return err
	}
	row, err := connectionRowOf(c)
	if err != nil {
		return err
	}
	return w.tx.save(ctx, event, row, connection.ErrUnknown)
}

func (w storedConnections) Remove(ctx context.Context, slug string, event audit.Event) error {
	if err := w.tx.announce(ctx, ports.TopicConnections); err != nil {
		return err
	}
	n, err := w.tx.exec(ctx, w.tx.hot.plain("DELETE FROM idp_connections WHERE slug = ?", text(slug)))
	if err != nil {
		return err
	}
	if n == 0 {
		return connection.ErrUnknown
	}
	return w.tx.record(ctx, event)
}
