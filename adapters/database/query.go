package database

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// reader is a [ports.Reader]: it reads from the pool or within a transaction.
type reader struct {
	db    bun.IDB
	locks bool // what is read stays locked until the transaction ends
	hot   *statements
	pg    *sql.Conn // the transaction's connection; nil outside of one and for SQLite
}

func (r reader) Authorizations() ports.AuthorizationReader { return authorizationReader{r} }
func (r reader) Transactions() ports.TransactionReader     { return transactionReader{r} }
func (r reader) Grants() ports.GrantReader                 { return grantReader{r} }
func (r reader) Tokens() ports.TokenReader                 { return tokenReader{r} }
func (r reader) Audit() ports.AuditReader                  { return auditReader{r} }

// from begins a query for rows of a model.
func (r reader) from(model any) *bun.SelectQuery {
	q := r.db.NewSelect().Model(model)
	if r.locks && isPostgres(r.db) { // in SQLite the transaction has locked everything
		q = q.For("UPDATE")
	}
	return q
}

// one runs a query for one row; there being none is unknown.
func one(ctx context.Context, q *bun.SelectQuery, unknown error) error {
	return found(ctx, q.Limit(1).Scan(ctx), unknown)
}

// found translates the error of a query for one row.
func found(ctx context.Context, err, unknown error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return unknown
	}
	return mapError(ctx, err)
}

// transaction is a [ports.Tx]. Its parts share it, because an event that
// causes several of their writes is kept once.
type transaction struct {
	db       bun.Tx
	pg       *sql.Conn // below db; nil for SQLite
	hot      *statements
	queue    Queue
	recorded map[uid.ID]bool
}

func newTransaction(db bun.Tx, pg *sql.Conn, hot *statements, queue Queue) *transaction {
	return &transaction{db: db, pg: pg, hot: hot, queue: queue, recorded: map[uid.ID]bool{}}
}

func (t *transaction) reader() reader { return reader{db: t.db, locks: true, hot: t.hot, pg: t.pg} }

func (t *transaction) Authorizations() ports.Authorizations {
	return authorizations{authorizationReader{t.reader()}, t}
}

func (t *transaction) Transactions() ports.Transactions {
	return transactions{transactionReader{t.reader()}, t}
}

func (t *transaction) Grants() ports.Grants { return grants{grantReader{t.reader()}, t} }
func (t *transaction) Tokens() ports.Tokens { return tokens{tokenReader{t.reader()}, t} }
func (t *transaction) Jobs() ports.Jobs     { return jobs{t} }
func (t *transaction) Audit() ports.Audit   { return auditTrail{auditReader{reader{db: t.db}}, t} }

// write is an INSERT, UPDATE or DELETE about to happen.
type write interface {
	Exec(ctx context.Context, dest ...any) (sql.Result, error)
}

// because writes, and keeps the event that caused it.
func (t *transaction) because(ctx context.Context, event audit.Event, w write) error {
	_, err := t.writeWith(ctx, event, w)
	return err
}

// oneRowBecause is because for a write that has to write a row; if it did not,
// none is returned and the event is not kept.
func (t *transaction) oneRowBecause(ctx context.Context, event audit.Event, w write, none error) error {
	first := !t.recorded[event.ID]
	n, err := t.writeWith(ctx, event, w)
	if err != nil || n > 0 {
		return err
	}
	if first { // the transaction may go on, without the event
		delete(t.recorded, event.ID)
		if _, err := t.db.NewDelete().Model(eventRowOf(event)).WherePK().Exec(ctx); err != nil {
			return mapError(ctx, err)
		}
	}
	return none
}

// writeWith returns how many rows were written. On PostgreSQL the write and its
// event are one round trip.
func (t *transaction) writeWith(ctx context.Context, event audit.Event, w write) (int64, error) {
	together := isPostgres(t.db) && !event.ID.IsZero() && !t.recorded[event.ID]
	if together {
		insert := t.insert(eventRowOf(event))
		switch q := w.(type) {
		case *bun.InsertQuery:
			w = q.With("event", insert)
		case *bun.UpdateQuery:
			w = q.With("event", insert)
		case *bun.DeleteQuery:
			w = q.With("event", insert)
		}
	}
	result, err := w.Exec(ctx)
	if err != nil {
		return 0, mapError(ctx, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, mapError(ctx, err)
	}
	if together {
		t.recorded[event.ID] = true
		return n, nil
	}
	return n, t.record(ctx, event)
}

// oneRow makes sure that a write wrote; if it did not, none is returned.
func oneRow(ctx context.Context, w write, none error) error {
	result, err := w.Exec(ctx)
	if err != nil {
		return mapError(ctx, err)
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return none
	}
	return mapError(ctx, err)
}

func (t *transaction) insert(row any) *bun.InsertQuery { return t.db.NewInsert().Model(row) }

// update writes the whole row.
func (t *transaction) update(row any) *bun.UpdateQuery {
	return t.db.NewUpdate().Model(row).WherePK()
}
