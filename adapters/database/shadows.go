package database

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

type shadowRow struct {
	bun.BaseModel `bun:"table:connection_shadows"`

	Connection  text `bun:",pk"`
	Settings    text // a connectionRecord
	Revision    count
	EntityID    text
	Document    text
	ValidUntil  timestamp
	MadeAt      timestamp
	MadeBy      text
	Compared    count
	Same        count
	Differences text // shadowRecords
}

// shadowRecord is a difference. Its names last.
type shadowRecord struct {
	At        time.Time `json:"at"`
	RequestID string    `json:"request_id"`
	What      string    `json:"what"`
	Now       string    `json:"now"`
	Shadow    string    `json:"shadow"`
}

func shadowRowOf(c *connection.Shadow) (*shadowRow, error) {
	s := c.Snapshot()
	settings, err := recordOf(s.Settings)
	if err != nil {
		return nil, err
	}
	differences := make([]shadowRecord, len(s.Differences))
	for i, d := range s.Differences {
		differences[i] = shadowRecord(d)
	}
	record, err := json.Marshal(differences)
	if err != nil {
		return nil, fmt.Errorf("shadow of connection %s: %w", s.Settings.Slug, err)
	}
	return &shadowRow{
		Connection: text(s.Settings.Slug), Settings: settings, Revision: count(s.Revision),
		EntityID: text(s.Metadata.EntityID), Document: text(s.Metadata.Document), ValidUntil: timestamp(s.Metadata.ValidUntil),
		MadeAt: timestamp(s.MadeAt), MadeBy: text(s.MadeBy), Compared: count(s.Compared), Same: count(s.Same), Differences: text(record),
	}, nil
}

func (r *shadowRow) restore() (*connection.Shadow, error) {
	settings, err := settingsOf(r.Connection, r.Settings)
	if err != nil {
		return nil, err
	}
	var differences []shadowRecord
	if err := json.Unmarshal([]byte(r.Differences), &differences); err != nil {
		return nil, fmt.Errorf("stored shadow of connection %s: %w", r.Connection, err)
	}
	s := connection.ShadowSnapshot{
		Settings: settings, Revision: int64(r.Revision), MadeAt: r.MadeAt.time(), MadeBy: string(r.MadeBy),
		Metadata: connection.Metadata{EntityID: string(r.EntityID), ValidUntil: r.ValidUntil.time()},
		Compared: int64(r.Compared), Same: int64(r.Same),
	}
	if r.Document != "" {
		s.Metadata.Document = []byte(r.Document)
	}
	for _, d := range differences {
		s.Differences = append(s.Differences, connection.ShadowDifference(d))
	}
	return connection.RestoreShadow(s)
}

func (r reader) Shadows() ports.ShadowReader { return shadowReader{r} }

func (t *transaction) Shadows() ports.Shadows { return shadows{shadowReader{t.reader()}, t} }

type shadowReader struct{ reader }

func (r shadowReader) Of(ctx context.Context, slug string) (*connection.Shadow, error) {
	row := new(shadowRow)
	if err := found(ctx, r.find(ctx, row, "connection = ?", text(slug)), connection.ErrNoShadow); err != nil {
		return nil, err
	}
	return row.restore()
}

type shadows struct {
	shadowReader
	tx *transaction
}

// replacingShadow is the clause that writes a shadow, whether there was one or not.
const replacingShadow = ` ON CONFLICT (connection) DO UPDATE SET settings = excluded.settings, revision = excluded.revision,
	entity_id = excluded.entity_id, document = excluded.document, valid_until = excluded.valid_until, made_at = excluded.made_at,
	made_by = excluded.made_by, compared = excluded.compared, same = excluded.same, differences = excluded.differences`

func (w shadows) Put(ctx context.Context, s *connection.Shadow, event audit.Event) error {
	row, err := shadowRowOf(s)
	if err != nil {
		return err
	}
	return w.tx.upsert(ctx, event, row, replacingShadow)
}

func (w shadows) Count(ctx context.Context, s *connection.Shadow) error {
	row, err := shadowRowOf(s)
	if err != nil {
		return err
	}
	return w.tx.later(ctx, w.tx.hot.plain("UPDATE connection_shadows SET compared = ?, same = ?, differences = ? WHERE connection = ?",
		row.Compared, row.Same, row.Differences, row.Connection))
}

func (w shadows) Drop(ctx context.Context, slug string, event audit.Event) error {
	n, err := w.tx.exec(ctx, w.tx.hot.plain("DELETE FROM connection_shadows WHERE connection = ?", text(slug)))
	if err != nil {
		return err
	}
	if n == 0 {
		return connection.ErrNoShadow
	}
	return w.tx.record(ctx, event)
}

func (w shadows) Forget(ctx context.Context, slug string) error {
	return w.tx.later(ctx, w.tx.hot.plain("DELETE FROM connection_shadows WHERE connection = ?", text(slug)))
}
