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
	conn  *sql.Conn // the transaction's connection; nil outside of one
	held  map[rowKey]bool
	read  map[rowKey]any

	sealer Sealer
}

func (r reader) Authorizations() ports.AuthorizationReader  { return authorizationReader{r} }
func (r reader) Transactions() ports.TransactionReader      { return transactionReader{r} }
func (r reader) Grants() ports.GrantReader                  { return grantReader{r} }
func (r reader) Tokens() ports.TokenReader                  { return tokenReader{r} }
func (r reader) Audit() ports.AuditReader                   { return auditReader{r} }
func (r reader) AuditDeliveries() ports.AuditDeliveryReader { return auditDeliveryReader{r} }
func (r reader) AuditSeals() ports.AuditSealReader          { return auditSealReader{r} }
func (r reader) Clients() ports.ClientReader                { return clientReader{r} }
func (r reader) ACSLedger() ports.ACSLedgerReader           { return acsLedgerReader{r} }
func (r reader) SPKeys() ports.SPKeyReader                  { return spKeyReader{r} }
func (r reader) Incidents() ports.IncidentReader            { return incidentReader{r} }

// from begins a query for rows of a model.
func (r reader) from(model any) *bun.SelectQuery {
	q := r.db.NewSelect().Model(model)
	if r.locks && isPostgres(r.db) { // in SQLite the transaction has locked everything
		q = q.For("UPDATE")
	}
	return q
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
	conn     *sql.Conn // below db
	postgres bool
	hot      *statements
	queue    Queue
	sealer   Sealer
	recorded map[uid.ID]bool
	written  []Written       // the events behind recorded
	held     map[rowKey]bool // rows that are locked, and so are still there; PostgreSQL only
	read     map[rowKey]any  // rows as the transaction knows them to be stored; SQLite only
	// announced are the topics of configuration that have changed.
	announced map[ports.Topic]bool
}

func newTransaction(db bun.Tx, conn *sql.Conn, hot *statements, queue Queue, sealer Sealer) *transaction {
	return &transaction{
		db: db, conn: conn, postgres: isPostgres(db), hot: hot, queue: queue, sealer: sealer,
		recorded: map[uid.ID]bool{}, held: map[rowKey]bool{}, read: map[rowKey]any{}, announced: map[ports.Topic]bool{},
	}
}

func (t *transaction) reader() reader {
	return reader{db: t.db, locks: true, hot: t.hot, conn: t.conn, held: t.held, read: t.read, sealer: t.sealer}
}

func (t *transaction) Authorizations() ports.Authorizations {
	return authorizations{authorizationReader{t.reader()}, t}
}

func (t *transaction) Transactions() ports.Transactions {
	return transactions{transactionReader{t.reader()}, t}
}

func (t *transaction) Grants() ports.Grants   { return grants{grantReader{t.reader()}, t} }
func (t *transaction) Tokens() ports.Tokens   { return tokens{tokenReader{t.reader()}, t} }
func (t *transaction) Jobs() ports.Jobs       { return jobs{t} }
func (t *transaction) Notices() ports.Notices { return notices{t} }
func (t *transaction) Audit() ports.Audit     { return auditTrail{auditReader{reader{db: t.db}}, t} }

func (t *transaction) AuditSeals() ports.AuditSeals {
	return auditSeals{auditSealReader{reader{db: t.db}}, t}
}

func (t *transaction) AuditDeliveries() ports.AuditDeliveries {
	return auditDeliveries{auditDeliveryReader{t.reader()}, t}
}

func (t *transaction) Clients() ports.ClientRecords {
	return clientRecords{clientReader{t.reader()}, t}
}

func (t *transaction) ACSLedger() ports.ACSLedger { return acsLedger{acsLedgerReader{t.reader()}, t} }
func (t *transaction) SPKeys() ports.SPKeys       { return spKeys{spKeyReader{t.reader()}, t} }

func (t *transaction) Incidents() ports.Incidents { return incidents{incidentReader{t.reader()}, t} }

// note keeps that an event is among what is written.
func (t *transaction) note(e audit.Event) {
	if !t.recorded[e.ID] {
		t.recorded[e.ID] = true
		t.written = append(t.written, writtenOf(e))
	}
}
