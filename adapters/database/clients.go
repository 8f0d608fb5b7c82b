package database

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/ports"
)

// clientRow holds the settings as one JSON text: they are read as a whole, and
// nothing is looked for in them.
type clientRow struct {
	bun.BaseModel `bun:"table:devicegate_clients"`

	ID        text `bun:",pk"`
	Settings  text
	Version   int64
	ChangedAt timestamp
}

type clientSettings struct {
	Name        string                       `json:"name,omitempty"`
	Publisher   string                       `json:"publisher,omitempty"`
	Icon        []byte                       `json:"icon,omitempty"`
	HomePage    string                       `json:"home_page,omitempty"`
	Grants      []client.Grant               `json:"grants,omitempty"`
	Scopes      string                       `json:"scopes,omitempty"`
	ScopeTexts  map[string]map[string]string `json:"scope_texts,omitempty"`
	TokenLife   string                       `json:"token_ttl,omitempty"`
	Label       string                       `json:"device_label,omitempty"`
	Connections []string                     `json:"connections,omitempty"`
	Suspended   bool                         `json:"suspended,omitempty"`
}

func clientRowOf(c client.Client, version int64, at time.Time) (*clientRow, error) {
	s := c.Settings()
	kept := clientSettings{
		Name: s.Name, Publisher: s.Publisher, Icon: s.Icon.Bytes(), HomePage: s.HomePage, Grants: s.Grants, Scopes: s.Scopes.String(),
		ScopeTexts: s.ScopeTexts, Label: s.Label, Connections: s.Connections, Suspended: s.Suspended,
	}
	if s.TokenLife != 0 {
		kept.TokenLife = s.TokenLife.String()
	}
	raw, err := json.Marshal(kept)
	return &clientRow{ID: text(s.ID), Settings: text(raw), Version: version, ChangedAt: timestamp(at)}, err
}

func (r *clientRow) key() string { return string(r.ID) }

func (r *clientRow) restore() (ports.ClientRecord, error) {
	var kept clientSettings
	if err := json.Unmarshal([]byte(r.Settings), &kept); err != nil {
		return ports.ClientRecord{}, err
	}
	s := client.Settings{
		ID: string(r.ID), Name: kept.Name, Publisher: kept.Publisher, HomePage: kept.HomePage, Grants: kept.Grants, Scopes: scope.Restore(kept.Scopes),
		ScopeTexts: kept.ScopeTexts, Label: kept.Label, Connections: kept.Connections, Suspended: kept.Suspended, Source: client.Database,
	}
	var errs []error
	if kept.TokenLife != "" {
		life, err := time.ParseDuration(kept.TokenLife)
		s.TokenLife, errs = life, append(errs, err)
	}
	if len(kept.Icon) > 0 {
		icon, err := client.ParseIcon(kept.Icon)
		s.Icon, errs = icon, append(errs, err)
	}
	c, err := client.New(s)
	if err := errors.Join(append(errs, err)...); err != nil {
		return ports.ClientRecord{}, err
	}
	return ports.ClientRecord{Client: c, Version: r.Version, ChangedAt: r.ChangedAt.time()}, nil
}

var clientRows = rowKind[clientRow, ports.ClientRecord]{"client", (*clientRow).key, (*clientRow).restore}

type clientReader struct{ reader }

func (r clientReader) All(ctx context.Context) ([]ports.ClientRecord, error) {
	return clientRows.all(ctx, r.reader, r.from((*clientRow)(nil)).Order("id"))
}

func (r clientReader) ByID(ctx context.Context, id string) (ports.ClientRecord, error) {
	return clientRows.one(ctx, r.reader, r.from((*clientRow)(nil)).Where("id = ?", text(id)), ports.ErrUnknownClient)
}

type clientRecords struct {
	clientReader
	tx *transaction
}

func (w clientRecords) Add(ctx context.Context, c client.Client, event audit.Event) error {
	row, err := clientRowOf(c, 1, event.At)
	if err != nil {
		return err
	}
	if err := w.tx.addUnless(ctx, event, row, insertingUnless("(id)"), ports.ErrClientTaken); err != nil {
		return err
	}
	return w.tx.announce(ctx, ports.TopicClients)
}

func (w clientRecords) Save(ctx context.Context, c client.Client, event audit.Event) error {
	before, err := w.ByID(ctx, c.ID())
	if err != nil {
		return err
	}
	row, err := clientRowOf(c, before.Version+1, event.At)
	if err != nil {
		return err
	}
	if err := w.tx.save(ctx, event, row, ports.ErrUnknownClient); err != nil {
		return err
	}
	return w.tx.announce(ctx, ports.TopicClients)
}

func (w clientRecords) Remove(ctx context.Context, id string, event audit.Event) error {
	_, err := w.ByID(ctx, id)
	if _, err := ports.LeaveOut(err); err != nil {
		return err
	}
	if err := w.tx.execWithEvent(ctx, event, "DELETE FROM devicegate_clients WHERE id = ?", text(id)); err != nil {
		return err
	}
	return w.tx.announce(ctx, ports.TopicClients)
}
