package database

import (
	"context"
	"database/sql"
	"reflect"
	"strings"

	"github.com/uptrace/bun/schema"

	"github.com/devicegate/devicegate/domain/audit"
)

// The clauses of the writes in [statementKey].
const (
	inserting = "INSERT"
	updating  = "UPDATE"
)

// add inserts a row and keeps the event that caused it. An error may come only
// with a later statement, or with the commit.
func (t *transaction) add(ctx context.Context, event audit.Event, row any) error {
	q, err := t.write(event, row, inserting)
	if err != nil {
		return err
	}
	return t.eventually(ctx, event, q)
}

// upsert is add for a row that may be there; conflict says, as ON CONFLICT, what
// becomes of it then.
func (t *transaction) upsert(ctx context.Context, event audit.Event, row any, conflict string) error {
	q, err := t.write(event, row, inserting+conflict)
	if err != nil {
		return err
	}
	return t.eventually(ctx, event, q)
}

// addUnless is add for a row that conflicts with none, as [insertingUnless] says
// it; if there is one, taken is returned and the event is not kept.
func (t *transaction) addUnless(ctx context.Context, event audit.Event, row any, clause string, taken error) error {
	q, err := t.write(event, row, clause)
	if err != nil {
		return err
	}
	return t.oneRow(ctx, event, q, taken)
}

// insertingUnless is the clause that inserts a row unless the columns of conflict
// have another one's values.
func insertingUnless(conflict string) string {
	return inserting + " ON CONFLICT " + conflict + " DO NOTHING"
}

// save writes the whole row and keeps the event that caused it. If there is no
// such row, none is returned and the event is not kept. A row that the
// transaction has locked is there: an error may come only with a later statement,
// or with the commit.
func (t *transaction) save(ctx context.Context, event audit.Event, row any, none error) error {
	key := keyOf(row, t.hot.db.Table(reflect.TypeOf(row).Elem()))
	if before, read := t.read[key]; read {
		return t.saveChanged(ctx, event, before, row, none)
	}
	q, err := t.write(event, row, updating)
	if err != nil {
		return err
	}
	if t.held[key] {
		return t.eventually(ctx, event, q)
	}
	return t.oneRow(ctx, event, q, none)
}

// saveChanged is save for a row that the transaction has read before.
func (t *transaction) saveChanged(ctx context.Context, event audit.Event, before, row any, none error) error {
	if event.ID.IsZero() {
		return errNoEvent
	}
	err := t.oneRow(ctx, event, t.hot.writeChanged(before, row), none)
	if err == nil {
		t.read[keyOf(row, t.hot.db.Table(reflect.TypeOf(row).Elem()))] = reflect.ValueOf(row).Elem().Interface()
	}
	return err
}

// eventually runs a write of which only the error matters. On PostgreSQL it waits
// for the next statement.
func (t *transaction) eventually(ctx context.Context, event audit.Event, q query) error {
	if !t.postgres {
		_, err := t.run(ctx, event, q)
		return err
	}
	t.note(event)
	return onPG(t.conn, func(c *pgConn) error { return c.later(q) })
}

// oneRow runs a write that has to write a row; if it does not, none is returned
// and the event is not kept.
func (t *transaction) oneRow(ctx context.Context, event audit.Event, q query, none error) error {
	n, err := t.run(ctx, event, q)
	if err == nil && n == 0 {
		return none
	}
	return err
}

// run returns how many rows were written. The event is kept with them.
func (t *transaction) run(ctx context.Context, event audit.Event, q query) (n int64, err error) {
	if n, err = t.exec(ctx, q); err != nil || n == 0 {
		return n, err
	}
	if !t.postgres {
		return n, t.record(ctx, event)
	}
	t.note(event)
	return n, nil
}

// exec runs a statement that names no event.
func (t *transaction) exec(ctx context.Context, q query) (n int64, err error) {
	if !t.postgres {
		err = onSQLite(t.conn, func(c *sqliteConn) error {
			ctx, err := c.within(ctx)
			if err == nil {
				n, err = c.run(ctx, q)
			}
			return err
		})
		return n, mapError(ctx, err)
	}
	err = onPG(t.conn, func(c *pgConn) error {
		if c.tx == nil {
			return sql.ErrTxDone
		}
		tag, err := c.exec(ctx, q)
		n = tag.RowsAffected()
		return err
	})
	return n, mapError(ctx, err)
}

// later runs a statement that names no event, and of which only the error
// matters. On PostgreSQL it waits for the next statement.
func (t *transaction) later(ctx context.Context, q query) error {
	if t.postgres {
		return onPG(t.conn, func(c *pgConn) error { return c.later(q) })
	}
	_, err := t.exec(ctx, q)
	return err
}

// execWithEvent runs a statement that may write any number of rows, and keeps the event
// that caused it.
func (t *transaction) execWithEvent(ctx context.Context, event audit.Event, text string, args ...any) error {
	if err := t.record(ctx, event); err != nil {
		return err
	}
	return t.later(ctx, t.hot.plain(text, args...))
}

// write is the statement for a row and its values. On PostgreSQL the event is
// part of it, unless it is kept already: a change and its event are one round
// trip.
func (t *transaction) write(event audit.Event, row any, clause string) (query, error) {
	if event.ID.IsZero() {
		return query{}, errNoEvent
	}
	if !t.postgres || t.recorded[event.ID] {
		return t.hot.writeAlone(row, clause), nil
	}
	return t.hot.writeWithEvent(event, row, clause), nil
}

func (s *statements) writeAlone(row any, clause string) query {
	w := s.writing(reflect.TypeOf(row).Elem(), clause, false)
	return query{text: w.text, args: valuesOf(nil, row, w.fields)}
}

// writeChanged sets the columns in which a row differs from what is stored. SQLite
// writes the entries of each index anew of which a column is set, even to the
// value that it has.
func (s *statements) writeChanged(before, row any) query {
	was, is := reflect.ValueOf(before), reflect.ValueOf(row).Elem()
	table := s.db.Table(is.Type())
	var changed []*schema.Field
	for _, f := range table.DataFields {
		if !f.StructField.Type.Comparable() || !f.Value(is).Equal(f.Value(was)) {
			changed = append(changed, f)
		}
	}
	if len(changed) == 0 {
		return s.writeAlone(row, updating)
	}
	w := s.made(statementKey{row: is.Type(), clause: updating + " " + strings.Join(namesOf(changed), ", ")},
		func() statement { return update(table, changed) })
	return query{text: w.text, args: valuesOf(nil, row, w.fields)}
}

func (s *statements) writeWithEvent(event audit.Event, row any, clause string) query {
	w := s.writing(reflect.TypeOf(row).Elem(), clause, true)
	of := s.db.Table(reflect.TypeFor[eventRow]()).Fields
	args := valuesOf(make([]any, 0, len(w.fields)+len(of)), row, w.fields)
	return query{text: w.text, args: valuesOf(args, eventRowOf(event), of)}
}

// plain is a statement that is written out, with its values.
func (s *statements) plain(text string, args ...any) query {
	made := s.made(statementKey{clause: text}, func() statement { return statement{text: text} })
	return query{text: made.text, args: args}
}

func (s *statements) writing(row reflect.Type, clause string, withEvent bool) statement {
	return s.made(statementKey{row, clause, withEvent}, func() statement {
		var made statement
		table := s.db.Table(row)
		if clause == updating {
			made = update(table, table.DataFields)
		} else {
			_, conflict, _ := strings.Cut(clause, inserting)
			made = insert(table, conflict)
		}
		if withEvent {
			made.text = "WITH written AS (" + made.text + " RETURNING 1) " + s.insertEvent()
		}
		return made
	})
}

func insert(table *schema.Table, conflict string) statement {
	places := strings.TrimSuffix(strings.Repeat("?, ", len(table.Fields)), ", ")
	return statement{text: "INSERT INTO " + string(table.SQLName) + " (" + strings.Join(namesOf(table.Fields), ", ") + ") VALUES (" + places + ")" + conflict, fields: table.Fields}
}

// setter is a row of which some columns are not written as they are.
type setter interface {
	// set is the expression for a column's new value, which is its placeholder.
	set(column string) string
}

// update sets columns of the row with a primary key, whose value comes last.
func update(table *schema.Table, columns []*schema.Field) statement {
	set := make([]string, len(columns))
	row, changes := reflect.New(table.Type).Interface().(setter)
	for i, name := range namesOf(columns) {
		set[i] = name + " = ?"
		if changes {
			set[i] = name + " = " + row.set(name)
		}
	}
	text := "UPDATE " + string(table.SQLName) + " SET " + strings.Join(set, ", ") +
		" WHERE " + strings.Join(namesOf(table.PKs), " = ? AND ") + " = ?"
	return statement{text: text, fields: append(append([]*schema.Field{}, columns...), table.PKs...)}
}

// insertEvent inserts an event for each row that was written.
func (s *statements) insertEvent() string {
	table := s.db.Table(reflect.TypeFor[eventRow]())
	places := make([]string, len(table.Fields))
	for i, f := range table.Fields {
		places[i] = "?::" + postgresType(f.IndirectType)
	}
	return "INSERT INTO " + string(table.SQLName) + " (" + strings.Join(namesOf(table.Fields), ", ") + ") SELECT " + strings.Join(places, ", ") + " FROM written"
}

// postgresType is the type of a column of [eventRow]: a SELECT's list does not
// take its types from the table that its rows are inserted into.
func postgresType(column reflect.Type) string {
	switch column {
	case reflect.TypeFor[id]():
		return "uuid"
	case reflect.TypeFor[timestamp]():
		return "timestamptz"
	}
	return "text"
}
