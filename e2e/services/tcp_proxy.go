package services

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// tcpProxy listens on one address while the server behind it stops and starts.
type tcpProxy struct {
	addr string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]struct{}
	flowing  chan struct{} // closed unless the proxy hangs
}

// newTCPProxy finds an address below the ports that systems give to outgoing
// connections, so that no other process gets it while the proxy is closed.
func newTCPProxy() (*tcpProxy, error) {
	flowing := make(chan struct{})
	close(flowing)
	for range 50 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000))
		l, err := net.Listen("tcp4", addr)
		if err != nil {
			continue
		}
		return &tcpProxy{addr: addr, flowing: flowing, conns: map[net.Conn]struct{}{}}, l.Close()
	}
	return nil, errors.New("no free port between 20000 and 30000")
}

// open lets connections through to target.
func (p *tcpProxy) open(target string) error {
	l, err := net.Listen("tcp4", p.addr)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go p.forward(in, target)
		}
	}()
	return nil
}

func (p *tcpProxy) forward(in net.Conn, target string) {
	out, err := net.Dial("tcp4", target)
	if err != nil {
		_ = in.Close()
		return
	}
	p.mu.Lock()
	if p.listener == nil { // closed in the meantime
		p.mu.Unlock()
		_, _ = in.Close(), out.Close()
		return
	}
	p.conns[in], p.conns[out] = struct{}{}, struct{}{}
	p.mu.Unlock()

	var both sync.WaitGroup
	both.Go(func() { p.copy(out, in) })
	both.Go(func() { p.copy(in, out) })
	both.Wait()
	p.mu.Lock()
	delete(p.conns, in)
	delete(p.conns, out)
	p.mu.Unlock()
}

// copy ends both connections when one ends.
func (p *tcpProxy) copy(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		flowing := p.flowing
		p.mu.Unlock()
		<-flowing
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// close breaks every connection and refuses new ones.
func (p *tcpProxy) close() {
	p.resume()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *tcpProxy) hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing:
		p.flowing = make(chan struct{})
	default: // already
	}
}

func (p *tcpProxy) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing: // already
	default:
		close(p.flowing)
	}
}
