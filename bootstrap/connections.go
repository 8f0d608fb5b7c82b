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
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// joinedConnections are those of the connections file and those of the database.
// It is a [ports.Connections].
type joinedConnections struct {
	stored *lastgood.Followed[connection.Directory]

	mu             sync.Mutex // one change at a time
	file, database connection.Directory
	apply          []func(connection.Directory) error
	joined         lastgood.Value[connection.Directory]
}

// tolerant makes a conflict between file and database no reason to end: commands
// have to be able to solve it.
type tolerant bool

// joinConnections reads the file's connections as they are, and those of the
// database when the application starts: its schema is there by then.
func joinConnections(lc fx.Lifecycle, c Config, rules application.ConnectionRules, tolerates tolerant, file *files.Connections, store ports.Store, changes ports.Changes, log *slog.Logger) (*joinedConnections, error) {
	j := &joinedConnections{file: c.Connections}
	j.stored = lastgood.Follow("connections in the database", log, readStored(store, rules), func(ctx context.Context, all connection.Directory) {
		log.InfoContext(ctx, "connections in the database read", "connections", len(all.All()))
	})
	if file != nil {
		now, err := file.Connections(context.Background())
		if err != nil {
			return nil, err
		}
		j.file = now
		file.OnChange(j.takeFile)
	}
	if err := j.join(j.file, connection.Directory{}); err != nil {
		return nil, err
	}
	j.stored.OnChange(j.takeDatabase)
	lc.Append(lifecycle.AfterOpening(func(ctx context.Context) error {
		if err := j.stored.Open(ctx); err != nil {
			return err
		}
		if err := j.takeDatabase(j.stored.Get()); err != nil && !bool(tolerates) {
			return err
		}
		return nil
	}, func(ctx context.Context) { j.stored.Run(ctx, changes.Watch(ctx, ports.TopicConnections)) }))
	return j, nil
}

// readStored reads the connections of the database. Their revisions are the
// version. Those that cannot be used are left out, and the others serve.
func readStored(store ports.Store, rules application.ConnectionRules) lastgood.Read[connection.Directory] {
	return func(ctx context.Context) (all connection.Directory, version string, err error) {
		var stored []*connection.Stored
		var unreadable []ports.Unreadable
		err = store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
			stored, err = r.Connections().All(ctx)
			unreadable, err = ports.LeaveOut(err)
			return err
		})
		if err != nil {
			return all, "", err
		}
		var text strings.Builder
		var list []connection.Connection
		var without []error
		for _, s := range stored {
			via := s.Connection()
			fmt.Fprintf(&text, "%s %d %d\n", via.Slug(), s.Revision(), s.Snapshot().AddedAt.UnixMicro())
			if err := rules(via); err != nil {
				without = append(without, fmt.Errorf("no sign-in by connection %s is possible: %w. Mend it: devicegate connections edit", via.Slug(), err))
				continue
			}
			list = append(list, via)
		}
		for _, row := range unreadable {
			fmt.Fprintf(&text, "%q %v\n", row.Key, row.Err)
			without = append(without, fmt.Errorf("no sign-in by connection %q is possible: %w. Remove it (devicegate connections remove) and add it again", row.Key, row))
		}
		all, err = connection.NewDirectory(list...)
		if err == nil && len(without) > 0 {
			err = &lastgood.Partial{Err: errors.Join(without...)}
		}
		return all, text.String(), err
	}
}

// Connections implements [ports.Connections].
func (j *joinedConnections) Connections(context.Context) (connection.Directory, error) {
	return j.joined.Get(), nil
}

// OnChange calls apply with the connections before they are served. An error
// refuses them.
func (j *joinedConnections) OnChange(apply func(connection.Directory) error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.apply = append(j.apply, apply)
}

// Current reports whether what was read last of the database is served.
func (j *joinedConnections) Current() bool { return j.stored.Current() }

func (j *joinedConnections) takeFile(next connection.Directory) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.join(next, j.database); err != nil {
		return err
	}
	j.file = next
	return nil
}

func (j *joinedConnections) takeDatabase(next connection.Directory) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.join(j.file, next); err != nil {
		return err
	}
	j.database = next
	return nil
}

func (j *joinedConnections) join(file, database connection.Directory) error {
	all, err := connection.Join(file, database)
	if err != nil {
		return err
	}
	for _, apply := range j.apply {
		err = errors.Join(err, apply(all))
	}
	if err == nil {
		j.joined.Replace(all)
	}
	return err
}

// refreshBroker gives the SAML broker the connections that are about to be served.
func refreshBroker(j *joinedConnections, b *saml.Broker) { j.OnChange(b.Reload) }

// compareShadows judges live responses by the changes that are tried, beside the
// sign-ins.
func compareShadows(lc fx.Lifecycle, uc *application.CompareShadows) {
	lc.Append(lifecycle.WhileRunning(uc.Run))
}

// followMetadata gives the SAML broker the metadata that is kept for all replicas:
// at the start, so that no sign-in waits for an identity provider's server, and
// whenever a replica or a worker has fetched another.
func followMetadata(lc fx.Lifecycle, _ *joinedConnections, b *saml.Broker, store ports.Store, changes ports.Changes, log *slog.Logger) {
	k := &keptMetadata{store: store, broker: b, seen: map[string]connection.CopySnapshot{}}
	lc.Append(lifecycle.AfterOpening(func(ctx context.Context) error {
		if err := k.load(ctx); err != nil {
			log.ErrorContext(ctx, "metadata of identity providers not taken up", "error", err)
		}
		return nil
	}, func(ctx context.Context) {
		retry := time.NewTimer(time.Hour)
		for changed := changes.Watch(ctx, ports.TopicMetadata); ; {
			if err := k.load(ctx); err != nil && ctx.Err() == nil {
				log.ErrorContext(ctx, "metadata of identity providers not taken up", "error", err)
				retry.Reset(10 * time.Second)
			}
			select {
			case <-ctx.Done():
				return
			case <-changed:
			case <-retry.C:
			}
		}
	}))
}

// keptMetadata reads the copies that are newer than those it has read.
type keptMetadata struct {
	store  ports.Store
	broker *saml.Broker
	seen   map[string]connection.CopySnapshot // without their documents
}

func (k *keptMetadata) load(ctx context.Context) error {
	var found []connection.CopySnapshot
	var unreadable []ports.Unreadable
	err := k.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		var all []connection.CopySnapshot
		all, err = r.Metadata().All(ctx)
		if unreadable, err = ports.LeaveOut(err); err != nil {
			return err
		}
		for _, one := range all {
			last, known := k.seen[one.Connection]
			if known && last.Revision == one.Revision && last.Source == one.Source && last.Failure == one.Failure && last.TriedAt.Equal(one.TriedAt) {
				continue
			}
			whole, err := r.Metadata().Of(ctx, one.Connection)
			if errors.Is(err, connection.ErrNoMetadata) { // removed in between
				continue
			}
			torn, err := ports.LeaveOut(err)
			if err != nil {
				return err
			}
			if unreadable = append(unreadable, torn...); len(torn) > 0 {
				continue
			}
			found = append(found, whole.Snapshot())
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = k.broker.Adopt(found)
	for _, one := range found {
		one.Good.Document = nil
		k.seen[one.Connection] = one
	}
	for _, row := range unreadable { // it also pins the entityID, so no other copy takes its place
		err = errors.Join(err, fmt.Errorf("%w. Delete it from idp_metadata to have it fetched anew", row))
	}
	return err
}
