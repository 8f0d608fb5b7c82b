package database

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/ports"
)

// Module provides [ports.Store] and [ports.Accounts] from a [Config]. The pool
// stays private to the module: nothing outside can reach the database.
var Module = fx.Module("database",
	fx.Provide(fx.Private, open),
	fx.Provide(
		fx.Annotate(NewStore, fx.As(new(ports.Store))),
		accounts,
	),
)

func open(lc fx.Lifecycle, cfg Config) (*bun.DB, error) {
	db, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error { return Prepare(ctx, db, cfg.Migrate) },
		OnStop:  func(context.Context) error { return db.Close() },
	})
	return db, nil
}

// Prepare makes sure that the database answers and deals with its schema.
func Prepare(ctx context.Context, db *bun.DB, mode MigrateMode) error {
	ping := db.PingContext
	if !isPostgres(db) {
		ping = func(ctx context.Context) error { return pingSQLite(ctx, db) }
	}
	if err := ping(ctx); err != nil {
		return fmt.Errorf("database: %w", mapError(ctx, err))
	}
	switch mode {
	case "", MigrateAuto:
		return Migrate(ctx, db)
	case MigrateCheck:
		return CheckSchema(ctx, db)
	case MigrateOff:
		return nil
	}
	return fmt.Errorf("MIGRATE %q: use auto, check or off", mode)
}

func accounts(cfg Config, db *bun.DB) ports.Accounts {
	if cfg.DifyAccounts {
		return NewDifyAccounts(db)
	}
	return noAccounts{}
}
