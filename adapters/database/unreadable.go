package database

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/ports"
)

func unreadable(what, key string, err error) error {
	return &ports.UnreadableError{Rows: []ports.Unreadable{{What: what, Key: key, Err: err}}}
}

// rowKind is a kind of rows that processes read as a whole.
type rowKind[R, T any] struct {
	what    string
	key     func(*R) string // of the row's first column
	restore func(*R) (T, error)
}

// all reads the rows of a query one by one. Those that cannot be read are told in a
// [*ports.UnreadableError] beside the others: a column may have the wrong type,
// because SQLite keeps any, or what it holds may break a rule.
func (k rowKind[R, T]) all(ctx context.Context, r reader, q *bun.SelectQuery) ([]T, error) {
	rows, err := q.Rows(ctx)
	if err != nil {
		return nil, mapError(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	var all []T
	var torn ports.UnreadableError
	for rows.Next() {
		row := new(R)
		var one T
		if err = r.hot.db.ScanRow(ctx, rows, row); err == nil {
			one, err = k.restore(row)
		}
		if err != nil {
			torn.Rows = append(torn.Rows, ports.Unreadable{What: k.what, Key: k.key(row), Err: err})
			continue
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, mapError(ctx, err)
	}
	if len(torn.Rows) > 0 {
		return all, &torn
	}
	return all, nil
}

// one reads the first row of a query. It returns unknown if there is none.
func (k rowKind[R, T]) one(ctx context.Context, r reader, q *bun.SelectQuery, unknown error) (found T, err error) {
	all, err := k.all(ctx, r, q.Limit(1))
	if err == nil && len(all) == 0 {
		return found, unknown
	}
	if len(all) > 0 {
		found = all[0]
	}
	return found, err
}
