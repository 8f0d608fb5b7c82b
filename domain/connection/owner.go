package connection

import (
	"errors"
	"fmt"
)

// Owner is the configuration that a connection comes from, and is changed in.
type Owner string

// The owners.
const (
	File     Owner = "file"     // CONNECTIONS_FILE
	Database Owner = "database" // administrators, by command or API
)

// OwnedBy is the connection as one of that owner.
func (c Connection) OwnedBy(o Owner) Connection {
	c.owner = o
	return c
}

// Owner is where the connection comes from. Those that a process was started with
// count as the file's.
func (c Connection) Owner() Owner { return or(c.owner, File) }

// Join makes one directory of the connections of a file and of the database. A
// connection has one owner: the same slug in both is refused.
func Join(file, database Directory) (Directory, error) {
	all := make([]Connection, 0, len(file.all)+len(database.all))
	known := map[string]bool{}
	for _, c := range file.all {
		known[c.Slug()] = true
		all = append(all, c.OwnedBy(File))
	}
	var errs []error
	for _, c := range database.all {
		if known[c.Slug()] {
			errs = append(errs, InBothError{c.Slug()})
			continue
		}
		all = append(all, c.OwnedBy(Database))
	}
	if err := errors.Join(errs...); err != nil {
		return Directory{}, err
	}
	return Directory{all}, nil
}

// InBothError says that a file and the database have a connection of one slug.
type InBothError struct{ Slug string }

func (e InBothError) Error() string {
	return fmt.Sprintf("connection %s is in CONNECTIONS_FILE and in the database: take it out of the file, or out of the database with: devicegate connections remove %s --yes", e.Slug, e.Slug)
}
