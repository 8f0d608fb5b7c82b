package services

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// door is an address that stays while the server behind it comes and goes.
type door struct {
	addr string

	mu       sync.Mutex
	listener net.Listener
	through  map[net.Conn]struct{}
	passable chan struct{} // closed unless hanging
}

// newDoor finds an address below the ports that systems give to outgoing
// connections, so that nobody takes it while the door is shut.
func newDoor() (*door, error) {
	passable := make(chan struct{})
	close(passable)
	for range 50 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000))
		l, err := net.Listen("tcp4", addr)
		if err != nil {
			continue
		}
		return &door{addr: addr, passable: passable, through: map[net.Conn]struct{}{}}, l.Close()
	}
	return nil, errors.New("no free port between 20000 and 30000")
}

// open lets connections through to target.
func (d *door) open(target string) error {
	l, err := net.Listen("tcp4", d.addr)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.listener = l
	d.mu.Unlock()
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go d.pass(in, target)
		}
	}()
	return nil
}

func (d *door) pass(in net.Conn, target string) {
	out, err := net.Dial("tcp4", target)
	if err != nil {
		_ = in.Close()
		return
	}
	d.mu.Lock()
	if d.listener == nil { // shut meanwhile
		d.mu.Unlock()
		_, _ = in.Close(), out.Close()
		return
	}
	d.through[in], d.through[out] = struct{}{}, struct{}{}
	d.mu.Unlock()

	var both sync.WaitGroup
	both.Go(func() { d.copy(out, in) })
	both.Go(func() { d.copy(in, out) })
	both.Wait()
	d.mu.Lock()
	delete(d.through, in)
	delete(d.through, out)
	d.mu.Unlock()
}

// copy ends both connections when one ends.
func (d *door) copy(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		d.mu.Lock()
		passable := d.passable
		d.mu.Unlock()
		<-passable
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

// shut breaks every connection and refuses new ones.
func (d *door) shut() {
	d.resume()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != nil {
		_ = d.listener.Close()
		d.listener = nil
	}
	for c := range d.through {
		_ = c.Close()
	}
}

func (d *door) hang() {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.passable:
		d.passable = make(chan struct{})
	default: // already
	}
}

func (d *door) resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.passable: // already
	default:
		close(d.passable)
	}
}
