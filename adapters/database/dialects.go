package database

import (
	"sync"

	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
)

// A dialect keeps what bun has learnt about our tables by reflection, and nothing of a
// database: all databases share one of each kind.
var (
	postgresDialect = sync.OnceValue(func() *pgdialect.Dialect { return pgdialect.New() })
	sqliteDialect   = sync.OnceValue(func() *sqlitedialect.Dialect { return sqlitedialect.New() })
)
