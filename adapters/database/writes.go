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
	s, args, err := t.hotWrite(event, row, inserting)
	if err != nil {
		return err
	}
	if t.pg == nil {
		_, err := t.run(ctx, event, s, args)
		return err
	}
	t.recorded[event.ID] = true
	return onPG(t.pg, func(c *pgConn) error { return c.later(query{s.text, args}) })
}

// addUnless is add for a row that conflicts with none, as ON CONFLICT says it;
// if there is one, taken is returned and the event is not kept.
func (t *transaction) addUnless(ctx context.Context, event audit.Event, row any, conflict string, taken error) error {
	return t.oneHotRow(ctx, event, row, inserting+" ON CONFLICT "+conflict+" DO NOTHING", taken)
}

// save writes the whole row and keeps the event that caused it. If there is no
// such row, none is returned and the event is not kept.
func (t *transaction) save(ctx context.Context, event audit.Event, row any, none error) error {
	return t.oneHotRow(ctx, event, row, updating, none)
}

func (t *transaction) oneHotRow(ctx context.Context, event audit.Event, row any, clause string, none error) error {
	s, args, err := t.hotWrite(event, row, clause)
	if err != nil {
		return err
	}
	n, err := t.run(ctx, event, s, args)
	if err == nil && n == 0 {
		return none
	}
	return err
}

// run returns how many rows were written. The event is kept with them.
func (t *transaction) run(ctx context.Context, event audit.Event, s statement, args []any) (n int64, err error) {
	if t.pg == nil {
		result, err := t.db.Tx.ExecContext(ctx, s.text, args...)
		if err != nil {
			return 0, mapError(ctx, err)
		}
		if n, err = result.RowsAffected(); err != nil || n == 0 {
			return 0, mapError(ctx, err)
		}
		return n, t.record(ctx, event)
	}
	err = onPG(t.pg, func(c *pgConn) error {
		if c.tx == nil {
			return sql.ErrTxDone
		}
		tag, err := c.exec(ctx, query{s.text, args})
		n = tag.RowsAffected()
		return err
	})
	if n > 0 {
		t.recorded[event.ID] = true
	}
	return n, mapError(ctx, err)
}

// hotWrite is the statement for a row and its values. On PostgreSQL the event is
// part of it, unless it is kept already: a change and its event are one round
// trip.
func (t *transaction) hotWrite(event audit.Event, row any, clause string) (statement, []any, error) {
	if event.ID.IsZero() {
		return statement{}, nil, errNoEvent
	}
	together := t.pg != nil && !t.recorded[event.ID]
	s := t.hot.writing(reflect.TypeOf(row).Elem(), clause, together)
	if !together {
		args, err := valuesOf(row, s.fields, 0)
		return s, args, err
	}
	of := t.hot.db.Table(reflect.TypeFor[eventRow]()).Fields
	args, err := valuesOf(row, s.fields, len(of))
	if err != nil {
		return s, nil, err
	}
	more, err := valuesOf(eventRowOf(event), of, 0)
	return s, append(args, more...), err
}

func (s *statements) writing(row reflect.Type, clause string, withEvent bool) statement {
	return s.made(statementKey{row, clause, withEvent}, func(table *schema.Table) statement {
		var made statement
		if clause == updating {
			made = update(table)
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
	return statement{"INSERT INTO " + string(table.SQLName) + " (" + strings.Join(namesOf(table.Fields), ", ") + ") VALUES (" + places + ")" + conflict, table.Fields}
}

// update sets all columns but the primary key, whose value comes last.
func update(table *schema.Table) statement {
	text := "UPDATE " + string(table.SQLName) + " SET " + strings.Join(namesOf(table.DataFields), " = ?, ") + " = ?" +
		" WHERE " + strings.Join(namesOf(table.PKs), " = ? AND ") + " = ?"
	return statement{text, append(append([]*schema.Field{}, table.DataFields...), table.PKs...)}
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
