package bootstrap

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// closingListener closes only when it has handed over every connection that the
// kernel has accepted: closing at once would reset those.
type closingListener struct {
	net.Listener
	closing atomic.Bool
	once    sync.Once
	closed  chan struct{}
	rest    []net.Conn // accepted before the end, only for the accepting goroutine
}

// closeGracefully returns when the listener is closed.
func (l *closingListener) closeGracefully(ctx context.Context) {
	l.closing.Store(true)
	deadline, can := l.Listener.(interface{ SetDeadline(time.Time) error })
	if !can || deadline.SetDeadline(time.Now()) != nil { // ends the Accept that waits
		_ = l.Close()
	}
	select {
	case <-l.closed:
	case <-ctx.Done():
		_ = l.Close()
	}
}

// Accept closes the listener right after nothing was left to accept, so that
// hardly anything can come in between.
func (l *closingListener) Accept() (net.Conn, error) {
	if !l.closing.Load() || len(l.rest) == 0 {
		c, err := l.Listener.Accept()
		if err == nil || !l.closing.Load() || !errors.Is(err, os.ErrDeadlineExceeded) {
			return c, err
		}
		l.rest = acceptWaiting(l.Listener)
		_ = l.Close()
	}
	if len(l.rest) == 0 {
		return nil, net.ErrClosed
	}
	c := l.rest[0]
	l.rest = l.rest[1:]
	return c, nil
}

// Close implements [net.Listener].
func (l *closingListener) Close() (err error) {
	l.once.Do(func() {
		err = l.Listener.Close()
		close(l.closed)
	})
	return err
}
