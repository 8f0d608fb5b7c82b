package databasetest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database"
)

const inMemory = "sqlite::memory:"

// Memory opens a new SQLite database in memory with all tables. They are made
// once and copied.
func Memory(t testing.TB) *bun.DB {
	t.Helper()
	image, err := migratedImage()
	if err != nil {
		t.Fatal(err)
	}
	db := Open(t, inMemory)
	err = onConnection(db, func(c serializer) error { return c.Deserialize(image) })
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// File makes a SQLite file with all tables at path, and returns its URL.
func File(t testing.TB, path string) string {
	t.Helper()
	image, err := migratedImage()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

// serializer is a connection of modernc.org/sqlite.
type serializer interface {
	Serialize() ([]byte, error)
	Deserialize(image []byte) error
}

// migratedImage is a database file with all tables.
var migratedImage = sync.OnceValues(func() (image []byte, err error) {
	db, err := database.Open(database.Config{URL: inMemory})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := database.Migrate(context.Background(), db); err != nil {
		return nil, err
	}
	err = onConnection(db, func(c serializer) (err error) {
		image, err = c.Serialize()
		return err
	})
	return image, err
})

// onConnection runs fn on the one connection of a database in memory.
func onConnection(db *bun.DB, fn func(serializer) error) error {
	conn, err := db.DB.Conn(context.Background())
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(driver any) error {
		c, ok := driver.(serializer)
		if !ok {
			return fmt.Errorf("the SQLite driver's %T cannot be copied", driver)
		}
		return fn(c)
	})
}
