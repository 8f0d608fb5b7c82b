// Package files serves what operators configure in files: the connections file
// and the metadata that it names.
//
// Its law: files are read again when they change, checked first, and swapped
// whole. Files that cannot be right change nothing; the log and a metric tell.
//
// Files are compared by their contents every few seconds instead of being
// watched: Kubernetes swaps a symbolic link above them, editors replace them,
// and network file systems send no events.
package files

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/setting"
)

// pollInterval is the time between two looks at the files.
const pollInterval = 2 * time.Second

// Config names the connections file.
type Config struct {
	Path  string
	Check Check
}

// Connections is [ports.Connections] from a file.
type Connections struct {
	cfg Config
	log *slog.Logger
	now atomic.Pointer[connection.Directory]
	bad atomic.Bool // the file differs from what is served

	mu    sync.Mutex // one reading at a time
	tried contents   // the last one that was served or refused
	seen  contents   // by the last look
	apply []func(connection.Directory) error
}

// Open reads the file. Its error lists everything that is wrong with it.
func Open(cfg Config, log *slog.Logger) (*Connections, error) {
	first, err := read(cfg.Path, cfg.Check)
	if err != nil {
		return nil, err
	}
	c := &Connections{cfg: cfg, log: log, tried: first, seen: first}
	c.now.Store(&first.connections)
	return c, nil
}

// Connections implements [ports.Connections].
func (c *Connections) Connections(context.Context) (connection.Directory, error) {
	return *c.now.Load(), nil
}

// OnChange calls apply with new connections before they are served. An error
// refuses them.
func (c *Connections) OnChange(apply func(connection.Directory) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apply = append(c.apply, apply)
}

// Current reports whether what is served is what the files hold.
func (c *Connections) Current() bool { return !c.bad.Load() }

// Reload reads the files now.
func (c *Connections) Reload(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, err := read(c.cfg.Path, c.cfg.Check)
	c.seen = found
	c.serve(ctx, found, err)
}

// Run looks for changes until ctx ends.
func (c *Connections) Run(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.look(ctx)
		}
	}
}

// look serves files that have changed. A change is taken up by the second look
// that finds it, so that a file that is being written is not read by half.
func (c *Connections) look(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, err := read(c.cfg.Path, c.cfg.Check)
	settled := found.digest == c.seen.digest
	c.seen = found
	if settled && found.digest != c.tried.digest {
		c.serve(ctx, found, err)
	}
}

func (c *Connections) serve(ctx context.Context, found contents, err error) {
	c.tried = found
	if err == nil {
		for _, apply := range c.apply {
			err = errors.Join(err, apply(found.connections))
		}
	}
	if c.bad.Store(err != nil); err != nil {
		for _, one := range setting.Split(err) {
			c.log.ErrorContext(ctx, "connections file not taken up; the last good one is served", "file", c.cfg.Path, "error", one)
		}
		return
	}
	c.now.Store(&found.connections)
	c.log.InfoContext(ctx, "connections file read", "file", c.cfg.Path, "connections", len(found.connections.All()))
	for _, via := range found.connections.All() {
		if via.MayAssertAnyDomain() {
			c.log.WarnContext(ctx, "this identity provider may vouch for every e-mail address", "connection", via.Slug())
		}
	}
}
