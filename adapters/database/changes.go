package database

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/devicegate/devicegate/ports"
)

// Changes is a [ports.Changes]. What this process's own [Store] commits is told
// at once. What other processes commit is told by PostgreSQL (LISTEN), or found
// by looking: at a SQLite file, and behind a pooler, which shares the connection
// that would have to listen (docs/decisions/0012-changes-are-announced.md).
type Changes struct {
	// watch watches the database over a connection of its own until that breaks.
	watch func(context.Context) error
	log   *slog.Logger
	deaf  bool          // the last watch has ended, and no other has begun
	every time.Duration // the time between two looks, where nothing notifies

	wanted chan struct{} // closed by the first Watch: nothing connects before
	once   sync.Once
	mu     sync.Mutex
	told   map[ports.Topic]map[chan struct{}]bool
}

const (
	// changesPause is the time between two attempts to connect.
	changesPause = time.Second
	// pooledInterval is the time between two looks through a pooler. A SQLite
	// file is looked at more often: that asks no server.
	pooledInterval = 3 * time.Second
	fileInterval   = time.Second
)

// OpenChanges opens nothing yet; see [Changes.Run].
func OpenChanges(cfg Config, log *slog.Logger) (*Changes, error) {
	c := &Changes{log: log, wanted: make(chan struct{}), told: map[ports.Topic]map[chan struct{}]bool{}}
	if err := c.open(cfg); err != nil {
		return nil, err
	}
	return c, nil
}

// Watch implements [ports.Changes].
func (c *Changes) Watch(ctx context.Context, topic ports.Topic) <-chan struct{} {
	c.once.Do(func() { close(c.wanted) })
	told := make(chan struct{}, 1)
	told <- struct{}{} // what the receiver has read may be older than its watch
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told[topic] == nil {
		c.told[topic] = map[chan struct{}]bool{}
	}
	c.told[topic][told] = true
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.told[topic], told)
	})
	return told
}

// tell tells of a change. Nothing waits for a receiver: one that has not yet
// received the last change will read this one with it.
func (c *Changes) tell(topic ports.Topic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for told := range c.told[topic] {
		select {
		case told <- struct{}{}:
		default:
		}
	}
}

// tellAll tells that changes of all topics may have been missed.
func (c *Changes) tellAll() {
	c.mu.Lock()
	topics := make([]ports.Topic, 0, len(c.told))
	for topic := range c.told {
		topics = append(topics, topic)
	}
	c.mu.Unlock()
	for _, topic := range topics {
		c.tell(topic)
	}
}

// Run tells of other processes' changes until ctx ends. After a connection broke
// it connects again, and then tells of all topics.
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
		if !c.deaf {
			c.log.WarnContext(ctx, "other processes' changes of the configuration are not seen; connecting again", "error", mapError(ctx, err))
		}
		c.deaf = true
		select {
		case <-ctx.Done():
			return
		case <-time.After(changesPause):
		}
	}
}

// hears logs that an outage is over.
func (c *Changes) hears(ctx context.Context) {
	if c.deaf {
		c.log.InfoContext(ctx, "other processes' changes of the configuration are seen again")
	}
	c.deaf = false
}

// versions is how often each topic was changed.
type versions map[ports.Topic]int64

// look tells of the topics that have changed since the last look, and of all at
// the first look and every [ports.ChangesRefresh]. It ends with an error.
func (c *Changes) look(ctx context.Context, changed func(context.Context) (bool, error), read func(context.Context) (versions, error)) error {
	var seen versions
	var told time.Time
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
		if time.Since(told) >= ports.ChangesRefresh {
			c.hears(ctx)
			c.tellAll()
			told = time.Now()
		} else {
			for topic, version := range found {
				if version != seen[topic] {
					c.tell(topic)
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

// WithChanges tells c at once of what this store commits.
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
