package database

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/uptrace/bun"
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/lifecycle"
	"github.com/devicegate/devicegate/ports"
)

// Module provides the [Store], [ports.Changes] and [ports.Accounts] from a
// [Config], a [Queue], a [Sealer] and an [Observer]. The pool stays private to the
// module; only the job queue reaches it, through [Pool].
var Module = fx.Module("database",
	fx.Provide(fx.Private, open, changes),
	fx.Provide(store, accounts, poolOf, func(c *Changes) ports.Changes { return c }),
)

func store(cfg Config, db *bun.DB, queue Queue, sealer Sealer, changes *Changes, observer Observer) *Store {
	return NewStore(db).WithQueue(queue).WithSealer(sealer).WithChanges(changes).WithObserver(observer).Beside(cfg.Beside)
}

// changes depends on the pool because it runs while the pool is open.
func changes(lc fx.Lifecycle, cfg Config, _ *bun.DB, log *slog.Logger) (*Changes, error) {
	c, err := OpenChanges(cfg, log)
	if err != nil {
		return nil, err
	}
	lc.Append(lifecycle.WhileRunning(c.Run))
	return c, nil
}

func open(lc fx.Lifecycle, cfg Config, log *slog.Logger) (*bun.DB, error) {
	db, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error { return Prepare(ctx, db, cfg.Migrate) },
		OnStop:  func(context.Context) error { return db.Close() },
	})
	if cfg.Clock != nil && isPostgres(db) {
		lc.Append(fx.StartHook(func(ctx context.Context) error { return cfg.Clock.compare(ctx, db) }))
		lc.Append(lifecycle.WhileRunning(func(ctx context.Context) { cfg.Clock.follow(ctx, db, log) }))
	}
	return db, nil
}

// Prepare makes sure that the database answers and deals with its schema.
func Prepare(ctx context.Context, db *bun.DB, mode MigrateMode) error {
	ping := db.PingContext
	if !isPostgres(db) {
		ping = func(ctx context.Context) error { return pingSQLite(ctx, db) }
	}
	if err := ping(ctx); err != nil {
		return fmt.Errorf("database: %w", forOperators(ctx, err))
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
