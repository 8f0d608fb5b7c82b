package ports

import (
	"errors"
	"fmt"
)

// Unreadable is a row of the store that cannot be read: it breaks a rule that is
// newer than the row, or another program has changed it.
type Unreadable struct {
	What string // "client"
	Key  string
	Err  error
}

func (u Unreadable) Error() string {
	return fmt.Sprintf("the row of %s %q in the database cannot be read: %v", u.What, u.Key, u.Err)
}

// Unwrap returns what is wrong with the row.
func (u Unreadable) Unwrap() error { return u.Err }

// UnreadableError is returned beside the rows that can be read.
type UnreadableError struct{ Rows []Unreadable }

func (e *UnreadableError) Error() string { return errors.Join(e.Unwrap()...).Error() }

// Unwrap returns an error for each row.
func (e *UnreadableError) Unwrap() []error {
	errs := make([]error, len(e.Rows))
	for i, row := range e.Rows {
		errs[i] = row
	}
	return errs
}

// LeaveOut is for those that go on without the rows that cannot be read. It
// returns these rows, and err if that says anything else.
func LeaveOut(err error) ([]Unreadable, error) {
	unreadable, is := err.(*UnreadableError)
	if !is {
		return nil, err
	}
	return unreadable.Rows, nil
}
