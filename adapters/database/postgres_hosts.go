package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// eachHost makes a configuration for each host of one. Of several hosts, those that
// take no writes are passed over, unless the URL asks for them.
func eachHost(cfg pgx.ConnConfig) (hosts []pgx.ConnConfig) {
	ways := append([]*pgconn.FallbackConfig{{Host: cfg.Host, Port: cfg.Port, TLSConfig: cfg.TLSConfig}}, cfg.Fallbacks...)
	for i, way := range ways {
		if i > 0 && way.Host == ways[i-1].Host && way.Port == ways[i-1].Port { // with TLS and without
			last := &hosts[len(hosts)-1]
			last.Fallbacks = append(last.Fallbacks, way)
			continue
		}
		host := *cfg.Copy()
		host.Host, host.Port, host.TLSConfig, host.Fallbacks = way.Host, way.Port, way.TLSConfig, nil
		hosts = append(hosts, host)
	}
	if len(hosts) > 1 && cfg.ValidateConnect == nil {
		for i := range hosts {
			hosts[i].ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
		}
	}
	return hosts
}

// open begins with the host that answered last, and gives each its part of the time:
// one that does not answer must not use up that of the others.
func (c pgConnector) open(ctx context.Context) (driver.Conn, error) {
	first := int(c.first.Load())
	var errs []error
	for i := range c.hosts {
		n := (first + i) % len(c.hosts)
		part, cancel := share(ctx, len(c.hosts)-i)
		conn, err := c.hosts[n].Connect(part)
		cancel()
		if err == nil {
			c.first.Store(int32(n))
			return conn, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// share is the context for one host, if so many hosts share the time that is left.
func share(ctx context.Context, hosts int) (context.Context, context.CancelFunc) {
	end, bounded := ctx.Deadline()
	if hosts == 1 || !bounded {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(end)/time.Duration(hosts))
}
