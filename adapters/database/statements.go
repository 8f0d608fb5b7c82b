package database

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// statements are the hottest reads. They go by placeholders and are prepared,
// which spares the database parsing and planning them each time; bun writes
// values into the text. Their columns are those of bun's model, so that the two
// cannot differ.
type statements struct {
	db    *bun.DB
	texts sync.Map // statementKey: statement
	lite  sync.Map // text: *sql.Stmt, for SQLite

	// unprepared is set once a pooler between us and PostgreSQL has been seen to
	// share connections without their prepared statements: PgBouncer before 1.21
	// in transaction mode.
	unprepared atomic.Bool
}

type statementKey struct {
	row   reflect.Type
	where string
	locks bool
}

type statement struct {
	text   string
	fields []*schema.Field
}

// extended is a row that has a column besides those of its table.
type extended interface {
	// extra is the column's expression and where its value goes.
	extra() (expression string, into any)
}

// find reads the row of dst's type that meets a condition with one placeholder.
// It returns [sql.ErrNoRows].
func (r reader) find(ctx context.Context, dst any, where string, arg any) error {
	s := r.hot.statement(reflect.TypeOf(dst).Elem(), where, r.locks)
	into := make([]any, len(s.fields))
	row := reflect.ValueOf(dst).Elem()
	for i, f := range s.fields {
		into[i] = f.Value(row).Addr().Interface()
	}
	if e, ok := dst.(extended); ok {
		_, extra := e.extra()
		into = append(into, extra)
	}
	tx, inTransaction := r.db.(bun.Tx)
	switch {
	case !isPostgres(r.db) && inTransaction: // the pool may have no second connection to prepare on
		return tx.Tx.QueryRowContext(ctx, s.text, arg).Scan(into...)
	case !isPostgres(r.db):
		prepared, err := r.hot.forSQLite(ctx, s.text)
		if err != nil {
			return err
		}
		return prepared.QueryRowContext(ctx, arg).Scan(into...)
	case inTransaction:
		return r.hot.noteLost(tx.Tx.QueryRowContext(ctx, s.text, r.hot.mode(), arg).Scan(into...))
	}
	err := r.hot.noteLost(r.hot.db.DB.QueryRowContext(ctx, s.text, r.hot.mode(), arg).Scan(into...))
	if lostStatement(err) {
		return r.hot.db.DB.QueryRowContext(ctx, s.text, r.hot.mode(), arg).Scan(into...)
	}
	return err
}

func (s *statements) statement(row reflect.Type, where string, locks bool) statement {
	key := statementKey{row, where, locks}
	if known, ok := s.texts.Load(key); ok {
		return known.(statement)
	}
	table := s.db.Table(row)
	columns := make([]string, len(table.Fields))
	for i, f := range table.Fields {
		columns[i] = string(f.SQLName)
	}
	if e, ok := reflect.New(row).Interface().(extended); ok {
		expression, _ := e.extra()
		columns = append(columns, expression)
	}
	text := "SELECT " + strings.Join(columns, ", ") + " FROM " + string(table.SQLName) + " WHERE " + where + " LIMIT 1"
	if isPostgres(s.db) {
		text = numbered(text)
		if locks {
			text += " FOR UPDATE"
		}
	}
	made := statement{text, table.Fields}
	s.texts.Store(key, made)
	return made
}

// numbered writes $1, $2 … for the question marks.
func numbered(text string) string {
	var b strings.Builder
	for n, part := range strings.Split(text, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
	}
	return b.String()
}

func (s *statements) forSQLite(ctx context.Context, text string) (*sql.Stmt, error) {
	if known, ok := s.lite.Load(text); ok {
		return known.(*sql.Stmt), nil
	}
	made, err := s.db.DB.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if known, ok := s.lite.LoadOrStore(text, made); ok {
		_ = made.Close()
		return known.(*sql.Stmt), nil
	}
	return made, nil
}

func (s *statements) mode() pgx.QueryExecMode {
	if s.unprepared.Load() {
		return pgx.QueryExecModeSimpleProtocol
	}
	return pgx.QueryExecModeCacheStatement
}

func (s *statements) noteLost(err error) error {
	if lostStatement(err) {
		s.unprepared.Store(true)
	}
	return err
}

// lostStatement reports whether a prepared statement was missing on the
// connection, or there already: it was prepared on another one.
func lostStatement(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "26000" || pg.Code == "42P05")
}
