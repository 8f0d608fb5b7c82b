package database

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/devicegate/devicegate/ports"
)

// Changes is a [ports.Changes]. Receivers are notified at once of what this
// process's own [Store] commits. Commits of other processes are notified by
// PostgreSQL (LISTEN), or found by polling: of a SQLite file, and behind a pooler,
// which shares the connection that would have to listen
// (docs/decisions/0012-changes-are-announced.md).
type Changes struct {
	// watch watches the database over a connection of its own until that breaks.
	watch        func(context.Context) error
	log          *slog.Logger
	disconnected bool          // the last watch has ended, and no other has begun
	every        time.Duration // the time between two polls, where nothing notifies

	wanted    chan struct{} // closed by the first Watch: nothing connects before
	once      sync.Once
	mu        sync.Mutex
	receivers map[ports.Topic]map[chan struct{}]bool
}

const (
	// changesPause is the time between two attempts to connect.
	changesPause = time.Second
	// pooledInterval is the time between two polls through a pooler. A SQLite file
	// is polled more often: that asks no server.
	pooledInterval = 3 * time.Second
	fileInterval   = time.Second
)

// OpenChanges opens nothing yet; see [Changes.Run].
func OpenChanges(cfg Config, log *slog.Logger) (*Changes, error) {
	c := &Changes{log: log, wanted: make(chan struct{}), receivers: map[ports.Topic]map[chan struct{}]bool{}}
	if err := c.open(cfg); err != nil {
		return nil, err
	}
	return c, nil
}

// Watch implements [ports.Changes].
func (c *Changes) Watch(ctx context.Context, topic ports.Topic) <-chan struct{} {
	c.once.Do(func() { close(c.wanted) })
	changed := make(chan struct{}, 1)
	changed <- struct{}{} // what the receiver has read may be older than its watch
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.receivers[topic] == nil {
		c.receivers[topic] = map[chan struct{}]bool{}
	}
	c.receivers[topic][changed] = true
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.receivers[topic], changed)
	})
	return changed
}

// notify notifies the receivers of a topic. It waits for none: one that has not yet
// received the last notification will read this change with that one.
func (c *Changes) notify(topic ports.Topic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for changed := range c.receivers[topic] {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

// notifyAll notifies the receivers of all topics, of which changes may have been
// missed.
func (c *Changes) notifyAll() {
	c.mu.Lock()
	topics := make([]ports.Topic, 0, len(c.receivers))
	for topic := range c.receivers {
		topics = append(topics, topic)
	}
	c.mu.Unlock()
	for _, topic := range topics {
		c.notify(topic)
	}
}

// Run notifies of other processes' changes until ctx ends. After a connection broke
// it connects again, and then notifies of all topics.
func (c *Changes) Run(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-c.wanted:
	}
	for {
		err := c.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		if !c.disconnected {
			c.log.WarnContext(ctx, "other processes' changes of the configuration are not seen; connecting again", "error", mapError(ctx, err))
		}
		c.disconnected = true
		select {
		case <-ctx.Done():
			return
		case <-time.After(changesPause):
		}
	}
}

// setConnected ends an outage, and logs that.
func (c *Changes) setConnected(ctx context.Context) {
	if c.disconnected {
		c.log.InfoContext(ctx, "other processes' changes of the configuration are seen again")
	}
	c.disconnected = false
}

// versions is how often each topic was changed.
type versions map[ports.Topic]int64

// poll notifies of the topics whose version has changed since the last poll, and of
// all topics at first and every [ports.ChangesRefresh]. It ends with an error.
func (c *Changes) poll(ctx context.Context, changed func(context.Context) (bool, error), read func(context.Context) (versions, error)) error {
	var seen versions
	var notifiedAll time.Time
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for {
		found := seen
		if anything, err := changed(ctx); err != nil {
			return err
		} else if anything || seen == nil {
			if found, err = read(ctx); err != nil {
				return err
			}
		}
		if time.Since(notifiedAll) >= ports.ChangesRefresh {
			c.setConnected(ctx)
			c.notifyAll()
			notifiedAll = time.Now()
		} else {
			for topic, version := range found {
				if version != seen[topic] {
					c.notify(topic)
				}
			}
		}
		seen = found
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

const readVersions = "SELECT topic, version FROM configuration_changes"

type rows interface {
	Next() bool
	Scan(into ...any) error
	Err() error
}

func scanVersions(r rows) (versions, error) {
	all := versions{}
	for r.Next() {
		var topic string
		var version int64
		if err := r.Scan(&topic, &version); err != nil {
			return nil, err
		}
		all[ports.Topic(topic)] = version
	}
	return all, r.Err()
}

// WithChanges makes the store notify c at once of what it commits.
func (s *Store) WithChanges(c *Changes) *Store {
	s.changes = c
	return s
}

// announce tells all processes, when the transaction commits, that a topic has
// changed. Each write that changes one calls it.
func (t *transaction) announce(ctx context.Context, topic ports.Topic) error {
	if t.announced[topic] {
		return nil
	}
	count := "INSERT INTO configuration_changes (topic, version) VALUES (?, 1)" +
		" ON CONFLICT (topic) DO UPDATE SET version = configuration_changes.version + 1"
	if isPostgres(t.db) {
		count = fmt.Sprintf("WITH changed AS (%s RETURNING topic) SELECT pg_notify('%s', topic) FROM changed", count, channel)
	}
	if _, err := t.db.ExecContext(ctx, count, string(topic)); err != nil {
		return mapError(ctx, err)
	}
	t.announced[topic] = true
	return nil
}
