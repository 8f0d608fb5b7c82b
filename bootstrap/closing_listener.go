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
	rest    []net.Conn // what was left, only for the accepting goroutine

	once   sync.Once
	closed chan struct{} // and everything is handed over
}

// acceptRest is how long connections are still accepted, so that handshakes that
// have begun can end: closing resets those, too.
const acceptRest = 250 * time.Millisecond

// closeGracefully returns when the listener is closed and the server has every
// connection.
func (l *closingListener) closeGracefully(ctx context.Context) {
	l.closing.Store(true)
	deadline, can := l.Listener.(interface{ SetDeadline(time.Time) error })
	if !can || deadline.SetDeadline(time.Now().Add(acceptRest)) != nil {
		_ = l.Close()
	}
	select {
	case <-l.closed:
	case <-ctx.Done():
		_ = l.Close()
	}
}

// Accept implements [net.Listener]. http.Server knows a connection before it
// calls Accept again.
func (l *closingListener) Accept() (net.Conn, error) {
	if len(l.rest) == 0 {
		c, err := l.Listener.Accept()
		if err == nil || !l.closing.Load() {
			return c, err
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			l.rest = acceptWaiting(l.Listener)
		}
		_ = l.Listener.Close()
	}
	if len(l.rest) == 0 {
		l.once.Do(func() { close(l.closed) })
		return nil, net.ErrClosed
	}
	c := l.rest[0]
	l.rest = l.rest[1:]
	return c, nil
}

// Close implements [net.Listener]. It can be called again: http.Server does,
// while Accept has closed the listener.
func (l *closingListener) Close() error {
	if err := l.Listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
