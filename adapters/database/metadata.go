package database

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

type metadataRow struct {
	bun.BaseModel `bun:"table:idp_metadata"`

	Connection text `bun:",pk"`
	Source     text
	EntityID   text
	Document   text
	Facts      text // a metadataFacts
	ValidUntil timestamp
	SeenAt     timestamp
	FetchedAt  timestamp
	TriedAt    timestamp
	Failure    text
	FailingAt  timestamp
	Revision   count
}

// metadataFacts spare reading the document for a list. Their names last.
type metadataFacts struct {
	Keys     []keyFacts `json:"keys,omitempty"`
	Bindings []string   `json:"bindings,omitempty"`
	Signed   bool       `json:"wants_signed_requests,omitempty"`
	Warnings []string   `json:"warnings,omitempty"`
}

type keyFacts struct {
	Fingerprint string    `json:"fingerprint"`
	Certificate string    `json:"certificate_sha256,omitempty"`
	Subject     string    `json:"subject,omitempty"`
	NotBefore   time.Time `json:"not_before,omitzero"`
	NotAfter    time.Time `json:"not_after,omitzero"`
}

func metadataRowOf(c *connection.MetadataCopy) (*metadataRow, error) {
	s := c.Snapshot()
	facts := metadataFacts{Bindings: s.Good.Bindings, Signed: s.Good.Signed, Warnings: s.Good.Warnings}
	for _, k := range s.Good.Keys {
		facts.Keys = append(facts.Keys, keyFacts(k))
	}
	record, err := json.Marshal(facts)
	if err != nil {
		return nil, fmt.Errorf("metadata of connection %s: %w", s.Connection, err)
	}
	return &metadataRow{
		Connection: text(s.Connection), Source: text(s.Source), EntityID: text(s.Good.EntityID), Document: text(s.Good.Document),
		Facts: text(record), ValidUntil: timestamp(s.Good.ValidUntil), SeenAt: timestamp(s.SeenAt), FetchedAt: timestamp(s.FetchedAt),
		TriedAt: timestamp(s.TriedAt), Failure: text(s.Failure), FailingAt: timestamp(s.FailingAt), Revision: count(s.Revision),
	}, nil
}

const metadataOf = "metadata of connection"

func (r *metadataRow) restore() (*connection.MetadataCopy, error) {
	s, err := r.snapshot()
	if err != nil {
		return nil, err
	}
	return connection.RestoreMetadataCopy(s)
}

func (r *metadataRow) key() string { return string(r.Connection) }

func (r *metadataRow) snapshot() (connection.CopySnapshot, error) {
	var facts metadataFacts
	if err := json.Unmarshal([]byte(r.Facts), &facts); err != nil {
		return connection.CopySnapshot{}, fmt.Errorf("stored metadata of connection %s: %w", r.Connection, err)
	}
	s := connection.CopySnapshot{
		Connection: string(r.Connection), Source: string(r.Source),
		Good: connection.Metadata{
			EntityID: string(r.EntityID), ValidUntil: r.ValidUntil.time(),
			Bindings: facts.Bindings, Signed: facts.Signed, Warnings: facts.Warnings,
		},
		SeenAt: r.SeenAt.time(), FetchedAt: r.FetchedAt.time(), TriedAt: r.TriedAt.time(),
		Failure: string(r.Failure), FailingAt: r.FailingAt.time(), Revision: int64(r.Revision),
	}
	if r.Document != "" {
		s.Good.Document = []byte(r.Document)
	}
	for _, k := range facts.Keys {
		s.Good.Keys = append(s.Good.Keys, connection.Key(k))
	}
	return s, nil
}

func (r reader) Metadata() ports.MetadataCopyReader { return metadataReader{r} }

func (t *transaction) Metadata() ports.MetadataCopies {
	return metadataCopies{metadataReader{t.reader()}, t}
}

var metadataRows = rowKind[metadataRow, connection.CopySnapshot]{metadataOf, (*metadataRow).key, (*metadataRow).snapshot}

type metadataReader struct{ reader }

func (r metadataReader) Of(ctx context.Context, slug string) (*connection.MetadataCopy, error) {
	row := new(metadataRow)
	err := r.find(ctx, row, "connection = ?", text(slug))
	if wrong, ok := errors.AsType[*columnError](err); ok {
		return nil, unreadable(metadataOf, slug, wrong)
	}
	if err := found(ctx, err, connection.ErrNoMetadata); err != nil {
		return nil, err
	}
	c, err := row.restore()
	if err != nil {
		return nil, unreadable(metadataOf, slug, err)
	}
	return c, nil
}

func (r metadataReader) All(ctx context.Context) ([]connection.CopySnapshot, error) {
	return metadataRows.all(ctx, r.reader, r.db.NewSelect().Model((*metadataRow)(nil)).ExcludeColumn("document").Order("connection"))
}

type metadataCopies struct {
	metadataReader
	tx *transaction
}

func (w metadataCopies) Keep(ctx context.Context, c *connection.MetadataCopy, event audit.Event) error {
	row, err := metadataRowOf(c)
	if err != nil {
		return err
	}
	if event.ID.IsZero() {
		return w.tx.later(ctx, w.tx.hot.writeAlone(row, replacingMetadata))
	}
	if err := w.tx.addUnless(ctx, event, row, replacingMetadata, nil); err != nil {
		return err
	}
	return w.tx.announce(ctx, ports.TopicMetadata)
}

// replacingMetadata is the clause that writes a copy, whether there was one or not.
const replacingMetadata = inserting + ` ON CONFLICT (connection) DO UPDATE SET source = excluded.source, entity_id = excluded.entity_id,
	document = excluded.document, facts = excluded.facts, valid_until = excluded.valid_until, seen_at = excluded.seen_at,
	fetched_at = excluded.fetched_at, tried_at = excluded.tried_at, failure = excluded.failure, failing_at = excluded.failing_at,
	revision = excluded.revision`

func (w metadataCopies) Forget(ctx context.Context, slug string) error {
	return w.tx.later(ctx, w.tx.hot.plain("DELETE FROM idp_metadata WHERE connection = ?", text(slug)))
}
