package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/adapters/lifecycle"
	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/ports"
)

// clients joins the clients of the environment, of CLIENTS_FILE and of the
// database.
func clients(c Config) fx.Option {
	return fx.Options(
		clientsFile(c),
		fx.Provide(storedClients, mergeClients, func(m *mergedClients) ports.Clients { return m.served }),
		fx.Invoke(followClients),
	)
}

// clientsFile provides the file's clients, read again while the application runs.
func clientsFile(c Config) fx.Option {
	if c.ClientsFile == "" {
		return fx.Options(fx.Provide(func() *files.Clients { return nil }), fx.Provide(clientsOutside))
	}
	return fx.Options(
		files.ClientsModule, fx.Provide(clientsOutside),
		fx.Provide(func() files.ClientsPath { return files.ClientsPath(c.ClientsFile) }),
	)
}

func clientsOutside(c Config, f *files.Clients) application.ClientsOutside {
	return func() (environment, file client.Directory) {
		if f != nil {
			file = f.Get()
		}
		return c.Clients, file
	}
}

// storedClients reads the clients of the database whenever it is told of a
// change. A client that cannot be read is refused as a suspended one is; reading
// fails only if no client is left.
func storedClients(store ports.Store, outside application.ClientsOutside, log *slog.Logger) *lastgood.Followed[client.Directory] {
	read := func(ctx context.Context) (client.Directory, string, error) {
		var records []ports.ClientRecord
		var unreadable []ports.Unreadable
		err := store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
			records, err = r.Clients().All(ctx)
			unreadable, err = ports.LeaveOut(err)
			return err
		})
		if err != nil {
			return client.Directory{}, "", err
		}
		var all []client.Client
		var version strings.Builder
		for _, one := range records {
			all = append(all, one.Client)
			fmt.Fprintf(&version, "%q %d %s\n", one.Client.ID(), one.Version, one.ChangedAt.Format(time.RFC3339Nano))
		}
		var without []error
		for _, row := range unreadable {
			all = append(all, client.Unreadable(row.Key))
			fmt.Fprintf(&version, "%q %v\n", row.Key, row.Err)
			without = append(without, fmt.Errorf("client %q is refused as if it were suspended: %w. Remove it (devicegate clients remove) and add it again", row.Key, row))
		}
		environment, file := outside()
		if len(without) > 0 && len(records)+len(environment.All())+len(file.All()) == 0 {
			return client.Directory{}, "", errors.Join(without...)
		}
		found, err := client.NewDirectory(all...)
		if err == nil && len(without) > 0 {
			err = &lastgood.Partial{Err: errors.Join(without...)}
		}
		return found, version.String(), err
	}
	return lastgood.Follow("clients in the database", log, read, func(ctx context.Context, all client.Directory) {
		log.InfoContext(ctx, "clients in the database read", "clients", len(all.All()))
	})
}

func measureClients(m *metrics, stored *lastgood.Followed[client.Directory]) {
	m.registry.MustRegister(currentGauge("devicegate_clients_current", "what the database holds of clients", stored.Current))
}

// mergedClients are the clients of all sources, as one directory. A source whose
// change would make two clients of one id keeps its last good state.
type mergedClients struct {
	served      *memory.Clients
	environment client.Directory

	mu             sync.Mutex
	file, database client.Directory
}

func newMergedClients(environment client.Directory) *mergedClients {
	return &mergedClients{served: memory.NewClients(environment), environment: environment}
}

func mergeClients(c Config, f *files.Clients, stored *lastgood.Followed[client.Directory]) (*mergedClients, error) {
	m := newMergedClients(c.Clients)
	var file client.Directory
	if f != nil {
		file = f.Get()
		f.OnChange(func(next client.Directory) error { return m.take(&m.file, next) })
	}
	stored.OnChange(func(next client.Directory) error { return m.take(&m.database, next) })
	return m, m.take(&m.file, file)
}

// take serves another state of one source, unless it conflicts with the others.
func (m *mergedClients) take(source *client.Directory, next client.Directory) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := *source
	*source = next
	all, err := client.Merge(m.environment, m.file, m.database)
	if err != nil {
		*source = before
		return err
	}
	m.served.Replace(all)
	return nil
}

// followClients reads the database's clients before the service starts to serve,
// and then follows them. A conflict stops the start.
func followClients(lc fx.Lifecycle, m *mergedClients, stored *lastgood.Followed[client.Directory], changes ports.Changes) {
	lc.Append(lifecycle.AfterOpening(func(ctx context.Context) error {
		err := stored.Open(ctx)
		if err == nil {
			err = m.take(&m.database, stored.Get())
		}
		if err != nil {
			return fmt.Errorf("clients: %w", err)
		}
		return nil
	}, func(ctx context.Context) { stored.Run(ctx, changes.Watch(ctx, ports.TopicClients)) }))
}
