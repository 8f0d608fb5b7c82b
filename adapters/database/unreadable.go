package database

import "github.com/devicegate/devicegate/ports"

func unreadable(what, key string, err error) error {
	return &ports.UnreadableError{Rows: []ports.Unreadable{{What: what, Key: key, Err: err}}}
}

// restoreAll restores rows one by one. Those that cannot be restored are told in
// a [*ports.UnreadableError] beside the others.
func restoreAll[R, T any](rows []R, what string, key func(*R) string, restore func(*R) (T, error)) ([]T, error) {
	all := make([]T, 0, len(rows))
	var torn ports.UnreadableError
	for i := range rows {
		one, err := restore(&rows[i])
		if err != nil {
			torn.Rows = append(torn.Rows, ports.Unreadable{What: what, Key: key(&rows[i]), Err: err})
			continue
		}
		all = append(all, one)
	}
	if len(torn.Rows) > 0 {
		return all, &torn
	}
	return all, nil
}
