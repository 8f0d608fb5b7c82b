package files

import (
	"context"
	"log/slog"

	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/domain/connection"
)

// Config names the connections file.
type Config struct {
	Path  string
	Check Check
}

// Connections is [ports.Connections] from a file.
type Connections struct {
	polled[connection.Directory]
}

// Open reads the file. Its error lists everything that is wrong with it.
func Open(cfg Config, log *slog.Logger) (*Connections, error) {
	log = log.With("file", cfg.Path)
	c := &Connections{polled[connection.Directory]{
		read: func() (connection.Directory, digest, error) { return read(cfg.Path, "CONNECTIONS_FILE", cfg.Check) },
		Source: lastgood.NewSource("connections file", log, func(ctx context.Context, all connection.Directory) {
			log.InfoContext(ctx, "connections file read", "connections", len(all.All()))
			for _, via := range all.All() {
				if via.MayAssertAnyDomain() {
					log.WarnContext(ctx, "this identity provider may vouch for every e-mail address", "connection", via.Slug())
				}
			}
		}),
	}}
	if err := c.open(); err != nil {
		return nil, err
	}
	return c, nil
}

// Connections implements [ports.Connections].
func (c *Connections) Connections(context.Context) (connection.Directory, error) {
	return c.Get(), nil
}
