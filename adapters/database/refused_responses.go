package database

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/explain"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// refusedRow has in the clear what sweeps and bounds need.
type refusedRow struct {
	bun.BaseModel `bun:"table:refused_responses"`

	Reference  text `bun:",pk"`
	Connection text
	ReceivedAt timestamp
	Sealed     text // a refusedRecord, compressed
}

// refusedRecord is what is sealed. Its names last for a day.
type refusedRecord struct {
	Mount       string    `json:"mount"`
	RequestID   string    `json:"request_id"`
	RequestedAt time.Time `json:"requested_at"`
	Reason      string    `json:"reason"`
	Response    string    `json:"response"`
}

// refusedPurpose binds a sealed response to its row.
func refusedPurpose(reference string) string { return "refused response " + reference }

// refusedRowOf returns nil for a response that is too large to be kept.
func refusedRowOf(k explain.Kept, sealer Sealer) (*refusedRow, error) {
	record, err := json.Marshal(refusedRecord{string(k.Mount), k.RequestID, k.RequestedAt, k.Reason, k.Response})
	if err != nil {
		return nil, fmt.Errorf("refused response: %w", err)
	}
	var small bytes.Buffer
	w, err := flate.NewWriter(&small, flate.DefaultCompression)
	if err != nil {
		return nil, fmt.Errorf("refused response: %w", err)
	}
	if _, err := w.Write(record); err != nil {
		return nil, fmt.Errorf("refused response: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("refused response: %w", err)
	}
	if small.Len() > explain.KeptSize {
		return nil, nil
	}
	sealed, err := sealer.Seal(refusedPurpose(k.Reference), small.Bytes())
	if err != nil {
		return nil, err
	}
	return &refusedRow{Reference: text(k.Reference), Connection: text(k.Connection), ReceivedAt: timestamp(k.ReceivedAt), Sealed: text(sealed)}, nil
}

// refusedMax bounds what a record is decompressed to.
const refusedMax = 8 << 20

func (r *refusedRow) restore(sealer Sealer) (explain.Kept, error) {
	small, _, err := sealer.Open(refusedPurpose(string(r.Reference)), string(r.Sealed))
	if err != nil {
		return explain.Kept{}, err
	}
	var record refusedRecord
	if err := json.NewDecoder(io.LimitReader(flate.NewReader(bytes.NewReader(small)), refusedMax)).Decode(&record); err != nil {
		return explain.Kept{}, fmt.Errorf("stored response %s cannot be read", r.Reference)
	}
	k := explain.Kept{
		Reference: string(r.Reference), Connection: string(r.Connection), Mount: connection.Mount(record.Mount), RequestID: record.RequestID,
		RequestedAt: record.RequestedAt, ReceivedAt: r.ReceivedAt.time(), Reason: record.Reason, Response: record.Response,
	}
	return k, k.Check()
}

func (r reader) RefusedResponses() ports.RefusedResponseReader { return refusedReader{r} }

func (t *transaction) RefusedResponses() ports.RefusedResponses {
	return refusedResponses{refusedReader{t.reader()}, t}
}

type refusedReader struct{ reader }

// endOfReference reads all rows, of which there are [explain.KeptInAll] at most.
var endOfReference = fmt.Sprintf("substr(reference, length(reference) - %d) = ? ORDER BY received_at DESC", request.ShortIDLength-1)

func (r refusedReader) ByReference(ctx context.Context, reference string) (explain.Kept, error) {
	row := new(refusedRow)
	where := "reference = ?"
	if len(reference) == request.ShortIDLength {
		where = endOfReference
	}
	if err := found(ctx, r.find(ctx, row, where, text(reference)), explain.ErrNotKept); err != nil {
		return explain.Kept{}, err
	}
	return row.restore(r.sealer)
}

type refusedResponses struct {
	refusedReader
	tx *transaction
}

func (w refusedResponses) Keep(ctx context.Context, k explain.Kept, event audit.Event) error {
	row, err := refusedRowOf(k, w.sealer)
	if err != nil || row == nil {
		return err
	}
	if err := w.tx.upsert(ctx, event, row, " ON CONFLICT (reference) DO NOTHING"); err != nil {
		return err
	}
	all := w.tx.db.NewSelect().Model((*refusedRow)(nil))
	for _, bound := range []struct {
		of   *bun.SelectQuery
		most int
	}{
		{w.tx.db.NewSelect().Model((*refusedRow)(nil)).Where("connection = ?", row.Connection), explain.KeptPerConnection},
		{all, explain.KeptInAll},
	} {
		older := bound.of.Order("received_at DESC", "reference").Offset(int64(bound.most)).Limit(int64(bound.most))
		if _, err := w.tx.deleteRows(ctx, (*refusedRow)(nil), "reference", older); err != nil {
			return err
		}
	}
	return nil
}

func (w refusedResponses) DeleteReceived(ctx context.Context, before time.Time, limit int) (int, error) {
	return w.tx.deleteRows(ctx, (*refusedRow)(nil), "reference",
		w.tx.db.NewSelect().Model((*refusedRow)(nil)).Where("received_at < ?", timestamp(before)).Limit(int64(limit)))
}
