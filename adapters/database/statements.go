package database

import (
	"context"
	"database/sql"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/devicegate/devicegate/adapters/batching"
)

// statements are the reads and writes of whole rows. They go by placeholders and
// are prepared, which spares the database parsing and planning them each time;
// bun writes values into the text. Their columns are those of bun's model, so
// that the two cannot differ.
type statements struct {
	db    *bun.DB
	texts sync.Map // statementKey: statement
	// PostgreSQL's reads outside of transactions, and writes that need none.
	reads, writes *batching.Batcher[statementCall]
	sqlite        *sqliteReads // nil: PostgreSQL
}

func newStatements(db *bun.DB) *statements {
	s := &statements{db: db}
	if isPostgres(db) {
		s.reads = batching.New(sharedTrips(db), stuckAfter, batching.Sender[statementCall](reads{s}))
		s.writes = batching.New(sharedTrips(db), stuckAfter, batching.Sender[statementCall](writes{s}))
	} else {
		s.sqlite = newSQLiteReads(db.DB)
	}
	return s
}

type statementKey struct {
	row    reflect.Type // nil: the clause is the whole statement
	clause string       // what the statement does, and its condition
	option bool         // a read that locks, a write with its event
}

type statement struct {
	text   string
	fields []*schema.Field // in the order of the result, or of the placeholders
	apart  string          // of a read in SQLite: see [sqliteConn.queryRow]
}

// made returns the statement of a key, which compose makes once.
func (s *statements) made(key statementKey, compose func() statement) statement {
	if known, ok := s.texts.Load(key); ok {
		return known.(statement)
	}
	made := compose()
	if isPostgres(s.db) {
		made.text = numbered(made.text)
	} else {
		made.text = keep + made.text
	}
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

func namesOf(fields []*schema.Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = string(f.SQLName)
	}
	return names
}

// extended is a row that has columns besides those of its table.
type extended interface {
	// extra is the columns' expressions.
	extra() []string
	// intoExtra appends where the columns' values go.
	intoExtra(into []any) []any
}

// find reads the row of dst's type that meets a condition with placeholders. It
// returns [sql.ErrNoRows].
func (r reader) find(ctx context.Context, dst any, where string, args ...any) error {
	s := r.hot.selecting(reflect.TypeOf(dst).Elem(), where, r.locks)
	into := make([]any, len(s.fields), len(s.fields)+2)
	row := reflect.ValueOf(dst).Elem()
	for i, f := range s.fields {
		into[i] = f.Value(row).Addr().Interface()
	}
	if e, ok := dst.(extended); ok {
		into = e.intoExtra(into)
	}
	q := query{text: s.text, args: args, apart: s.apart}
	if r.conn == nil {
		return r.hot.queryRow(ctx, q, into)
	}
	if !isPostgres(r.db) {
		err := onSQLite(r.conn, func(c *sqliteConn) error {
			ctx, err := c.within(ctx)
			if err != nil {
				return err
			}
			return c.queryRow(ctx, q, into)
		})
		if key := keyOf(dst, r.hot.db.Table(row.Type())); err == nil && key != (rowKey{}) {
			r.read[key] = row.Interface()
		}
		return err
	}
	err := onPG(r.conn, func(c *pgConn) error {
		if c.tx == nil {
			return sql.ErrTxDone
		}
		return c.queryRow(ctx, q, into)
	})
	if key := keyOf(dst, r.hot.db.Table(reflect.TypeOf(dst).Elem())); err == nil && r.locks && key != (rowKey{}) {
		r.held[key] = true
	}
	return err
}

// queryRow reads outside of transactions.
func (s *statements) queryRow(ctx context.Context, q query, into []any) error {
	if isPostgres(s.db) {
		return s.share(ctx, s.reads, statementCall{query: q, into: into})
	}
	return s.sqlite.queryRow(ctx, q, into)
}

// poolTries is how often a read is sent while connections turn out to be closed
// or to have lost their statements; it is database/sql's own number.
const poolTries = 3

// fromPool sends a statement; one that reads also goes again if the connection of the
// pool had ended, by a restart of the server for example.
func (s *statements) fromPool(ctx context.Context, reads bool, send func(*pgConn) error) error {
	for tries := 1; ; tries++ {
		conn, err := s.db.DB.Conn(ctx)
		if err != nil {
			return err
		}
		ended := false
		err = onPG(conn, func(c *pgConn) error {
			err := send(c)
			ended = c.hasEnded(ctx, err)
			return err
		})
		_ = conn.Close() // gives it back
		if err == nil || tries == poolTries || !lostStatement(err) && !pgconn.SafeToRetry(err) && !(reads && ended) {
			return err
		}
	}
}

// rowKey names a row that a transaction has locked.
type rowKey struct {
	row reflect.Type
	id  id
}

// keyOf returns the key of a row, or the zero one if the row's table has another
// kind of primary key.
func keyOf(row any, table *schema.Table) rowKey {
	if len(table.PKs) != 1 {
		return rowKey{}
	}
	key, ok := table.PKs[0].Value(reflect.ValueOf(row).Elem()).Interface().(id)
	if !ok {
		return rowKey{}
	}
	return rowKey{table.Type, key}
}

func (s *statements) selecting(row reflect.Type, where string, locks bool) statement {
	return s.made(statementKey{row, where, locks}, func() statement {
		table := s.db.Table(row)
		columns := namesOf(table.Fields)
		if e, ok := reflect.New(row).Interface().(extended); ok {
			columns = append(columns, e.extra()...)
		}
		rest := " FROM " + string(table.SQLName) + " WHERE " + where + " LIMIT 1"
		if !isPostgres(s.db) {
			return statement{"SELECT " + joined(columns) + rest, table.Fields, keep + "SELECT " + strings.Join(columns, ", ") + rest}
		}
		if locks {
			rest += " FOR UPDATE"
		}
		return statement{text: "SELECT " + strings.Join(columns, ", ") + rest, fields: table.Fields}
	})
}

// valuesOf appends a row's columns to values, as both drivers take them: each by
// its address, because a value would be copied, and NULL as nil, because drivers
// look no further for how to write it.
func valuesOf(values []any, row any, fields []*schema.Field) []any {
	v := reflect.ValueOf(row).Elem()
	for _, f := range fields {
		column := f.Value(v)
		if column.Kind() == reflect.Bool {
			values = append(values, column.Bool())
			continue
		}
		value := column.Addr().Interface()
		if n, ok := value.(nullable); ok && n.isNull() {
			value = nil
		}
		values = append(values, value)
	}
	return values
}
