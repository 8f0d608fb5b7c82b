package database

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

// trafficSlots is how many rows a connection has for each callback. One is locked
// from a sign-in's last write to its commit, which takes a few milliseconds.
const trafficSlots = 4

type trafficRow struct {
	bun.BaseModel `bun:"table:acs_traffic"`

	Connection        text `bun:",pk"`
	Mount             text `bun:",pk"`
	Slot              int  `bun:",pk"`
	Requests          int64
	LastRequestAt     timestamp
	Succeeded         int64
	FirstSuccessAt    timestamp
	LastSuccessAt     timestamp
	Failed            int64
	LastFailureAt     timestamp
	LastFailureReason text
}

func trafficRowOf(s acsmove.Sighting, slot int) *trafficRow {
	t := acsmove.Traffic{}.Add(s)
	return &trafficRow{
		Connection: text(s.Connection), Mount: text(s.Mount), Slot: slot,
		Requests: t.Requests, LastRequestAt: timestamp(t.LastRequestAt),
		Succeeded: t.Succeeded, FirstSuccessAt: timestamp(t.FirstSuccessAt), LastSuccessAt: timestamp(t.LastSuccessAt),
		Failed: t.Failed, LastFailureAt: timestamp(t.LastFailureAt), LastFailureReason: text(t.LastFailureReason),
	}
}

func (r *trafficRow) traffic() acsmove.Traffic {
	return acsmove.Traffic{
		Requests: r.Requests, LastRequestAt: r.LastRequestAt.time(),
		Succeeded: r.Succeeded, FirstSuccessAt: r.FirstSuccessAt.time(), LastSuccessAt: r.LastSuccessAt.time(),
		Failed: r.Failed, LastFailureAt: r.LastFailureAt.time(), LastFailureReason: string(r.LastFailureReason),
	}
}

type moveRow struct {
	bun.BaseModel `bun:"table:acs_moves"`

	Connection        text `bun:",pk"`
	MovedAt           timestamp
	MovedBy           text
	TestID            id
	TestLinkHash      digest
	TestSettingsHash  digest
	TestMadeBy        text
	TestMadeAt        timestamp
	TestExpiresAt     timestamp
	TestOpenedAt      timestamp
	TestBrowserHash   digest
	TestTransactionID id
	TestEndedAt       timestamp
	TestPassed        bool
	TestReason        text
	TestDetail        text
	TestSubject       subjectColumns `bun:"embed:test_subject_"`
}

func moveRowOf(m *acsmove.Move) *moveRow {
	s := m.Snapshot()
	t := s.Test
	return &moveRow{
		Connection: text(s.Connection), MovedAt: timestamp(s.MovedAt), MovedBy: text(s.MovedBy),
		TestID: id(t.ID), TestLinkHash: digest(t.Link), TestSettingsHash: digest(t.Settings), TestMadeBy: text(t.MadeBy),
		TestMadeAt: timestamp(t.MadeAt), TestExpiresAt: timestamp(t.ExpiresAt),
		TestOpenedAt: timestamp(t.OpenedAt), TestBrowserHash: digest(t.Browser), TestTransactionID: id(t.Transaction),
		TestEndedAt: timestamp(t.EndedAt), TestPassed: t.Passed, TestReason: text(t.Reason), TestDetail: text(t.Detail),
		TestSubject: columnsOf(t.Subject),
	}
}

func (r *moveRow) restore() (*acsmove.Move, error) {
	subject, err := r.TestSubject.subject()
	if err != nil {
		return nil, fmt.Errorf("stored test of connection %s: %w", r.Connection, err)
	}
	return acsmove.Restore(acsmove.Snapshot{
		Connection: string(r.Connection), MovedAt: r.MovedAt.time(), MovedBy: string(r.MovedBy),
		Test: acsmove.TestSnapshot{
			ID: uid.ID(r.TestID), Link: secret.Digest(r.TestLinkHash), Settings: secret.Digest(r.TestSettingsHash), MadeBy: string(r.TestMadeBy),
			MadeAt: r.TestMadeAt.time(), ExpiresAt: r.TestExpiresAt.time(),
			OpenedAt: r.TestOpenedAt.time(), Browser: secret.Digest(r.TestBrowserHash), Transaction: uid.ID(r.TestTransactionID),
			EndedAt: r.TestEndedAt.time(), Passed: r.TestPassed, Reason: string(r.TestReason), Detail: string(r.TestDetail),
			Subject: subject,
		},
	})
}

type acsLedgerReader struct{ reader }

func (r acsLedgerReader) Ledgers(ctx context.Context) (map[string]acsmove.Ledger, error) {
	return r.ledgers(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q })
}

func (r acsLedgerReader) Ledger(ctx context.Context, slug string) (acsmove.Ledger, error) {
	found, err := r.ledgers(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("connection = ?", text(slug)) })
	if l, ok := found[slug]; ok || err != nil {
		return l, err
	}
	return acsmove.Ledger{Connection: slug, Move: acsmove.New(slug).Snapshot()}, nil
}

func (r acsLedgerReader) ledgers(ctx context.Context, of func(*bun.SelectQuery) *bun.SelectQuery) (map[string]acsmove.Ledger, error) {
	var traffic []trafficRow
	if err := of(r.db.NewSelect().Model(&traffic)).Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	var moves []moveRow
	if err := of(r.db.NewSelect().Model(&moves)).Scan(ctx); err != nil {
		return nil, mapError(ctx, err)
	}
	out := map[string]acsmove.Ledger{}
	for i := range moves {
		m, err := moves[i].restore()
		if err != nil {
			return nil, err
		}
		slug := string(moves[i].Connection)
		out[slug] = acsmove.Ledger{Connection: slug, Move: m.Snapshot()}
	}
	for i := range traffic {
		slug := string(traffic[i].Connection)
		l, ok := out[slug]
		if !ok {
			l = acsmove.Ledger{Connection: slug, Move: acsmove.New(slug).Snapshot()}
		}
		on := l.Traffic(connection.Mount(traffic[i].Mount))
		*on = on.Plus(traffic[i].traffic())
		out[slug] = l
	}
	return out, nil
}

func (r acsLedgerReader) move(ctx context.Context, where string, args ...any) (*acsmove.Move, error) {
	row := new(moveRow)
	if err := found(ctx, r.find(ctx, row, where, args...), acsmove.ErrUnknownTest); err != nil {
		return nil, err
	}
	return row.restore()
}

func (r acsLedgerReader) Move(ctx context.Context, slug string) (*acsmove.Move, error) {
	m, err := r.move(ctx, "connection = ?", text(slug))
	if err == acsmove.ErrUnknownTest {
		return acsmove.New(slug), nil
	}
	return m, err
}

func (r acsLedgerReader) MoveByLink(ctx context.Context, link secret.Digest) (*acsmove.Move, error) {
	return r.move(ctx, "test_link_hash = ?", digest(link))
}

func (r acsLedgerReader) MoveByBrowser(ctx context.Context, browser secret.Digest) (*acsmove.Move, error) {
	return r.move(ctx, "test_browser_hash = ? ORDER BY test_opened_at DESC", digest(browser))
}

type acsLedger struct {
	acsLedgerReader
	tx *transaction
}

// Note takes one of the rows by the event's random part.
func (w acsLedger) Note(ctx context.Context, s acsmove.Sighting, event audit.Event) error {
	slot := int(event.ID[len(event.ID)-1]) % trafficSlots
	return w.tx.upsert(ctx, event, trafficRowOf(s, slot), countUp(w.tx.db.Dialect().Tables().Get(reflect.TypeFor[trafficRow]())))
}

func (w acsLedger) SaveMove(ctx context.Context, m *acsmove.Move, event audit.Event) error {
	return w.tx.upsert(ctx, event, moveRowOf(m), replace(w.tx.db.Dialect().Tables().Get(reflect.TypeFor[moveRow]())))
}

func (w acsLedger) Forget(ctx context.Context, slug string) error {
	for _, table := range []string{"acs_traffic", "acs_moves"} {
		if err := w.tx.later(ctx, w.tx.hot.plain("DELETE FROM "+table+" WHERE connection = ?", text(slug))); err != nil {
			return err
		}
	}
	return nil
}

// countUp is what becomes of a row of traffic that is there: numbers are added,
// times and the reason that belongs to one are kept or replaced.
func countUp(table *schema.Table) string {
	var set []string
	for _, f := range table.DataFields {
		name := string(f.SQLName)
		switch {
		case f.IndirectType.Kind() == reflect.Int64:
			set = append(set, fmt.Sprintf("%s = acs_traffic.%s + excluded.%s", name, name, name))
		case strings.Contains(name, "first_"):
			set = append(set, fmt.Sprintf("%s = COALESCE(acs_traffic.%s, excluded.%s)", name, name, name))
		default:
			set = append(set, fmt.Sprintf("%s = COALESCE(excluded.%s, acs_traffic.%s)", name, name, name))
		}
	}
	return " ON CONFLICT (connection, mount, slot) DO UPDATE SET " + strings.Join(set, ", ")
}

// replace sets all columns of a row that is there.
func replace(table *schema.Table) string {
	var set []string
	for _, f := range table.DataFields {
		set = append(set, fmt.Sprintf("%s = excluded.%s", f.SQLName, f.SQLName))
	}
	var keys []string
	for _, f := range table.PKs {
		keys = append(keys, string(f.SQLName))
	}
	return " ON CONFLICT (" + strings.Join(keys, ", ") + ") DO UPDATE SET " + strings.Join(set, ", ")
}
