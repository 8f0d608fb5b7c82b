package bootstrap

import (
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/jobs"
)

// jobQueue lets the store enqueue jobs: the queue is in the store's database.
var jobQueue = fx.Provide(
	func(p database.Pool) jobs.Database { return jobs.Database{DB: p.DB, Postgres: p.Postgres} },
	fx.Annotate(jobs.NewQueue, fx.As(new(database.Queue))),
)
