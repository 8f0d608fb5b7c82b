package bench

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// counter is a proxy that counts what a program asks of a store.
type counter struct{ statements, trips atomic.Int64 }

// countTo listens before the store at address and returns the address to use
// instead. Count reads one connection's requests.
func countTo(t *testing.T, address string, count func(c *counter, from io.Reader, to io.Writer) error) (*counter, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c, store := &counter{}, u.Host
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go c.relay(in, store, count)
		}
	}()
	u.Host = l.Addr().String()
	return c, u.String()
}

func (c *counter) relay(in net.Conn, store string, count func(*counter, io.Reader, io.Writer) error) {
	defer func() { _ = in.Close() }()
	out, err := net.Dial("tcp", store)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	go func() {
		_, _ = io.Copy(in, out)
		_ = in.Close()
	}()
	_ = count(c, in, out)
}

// postgresTrips counts statements (Query and Execute messages) and round trips
// (Query and Sync, each of which the server answers with ReadyForQuery).
func postgresTrips(c *counter, from io.Reader, to io.Writer) error {
	in := bufio.NewReader(from)
	if err := relayMessage(in, to, nil); err != nil { // the startup message has no type
		return err
	}
	for {
		kind, err := in.ReadByte()
		if err != nil {
			return err
		}
		if kind == 'Q' || kind == 'E' {
			c.statements.Add(1)
		}
		if kind == 'Q' || kind == 'S' {
			c.trips.Add(1)
		}
		if err := relayMessage(in, to, []byte{kind}); err != nil {
			return err
		}
	}
}

func relayMessage(in io.Reader, to io.Writer, message []byte) error {
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return err
	}
	rest := make([]byte, binary.BigEndian.Uint32(length[:])-4)
	if _, err := io.ReadFull(in, rest); err != nil {
		return err
	}
	_, err := to.Write(append(append(message, length[:]...), rest...))
	return err
}

// redisTrips counts commands as statements. What arrives in one read was sent
// together, so it is one round trip.
func redisTrips(c *counter, from io.Reader, to io.Writer) error {
	read, write := io.Pipe()
	defer func() { _ = write.Close() }()
	go c.countCommands(read)
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return err
		}
		c.trips.Add(1)
		if _, err := write.Write(buffer[:n]); err != nil {
			return err
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return err
		}
	}
}

func (c *counter) countCommands(from *io.PipeReader) {
	in := bufio.NewReader(from)
	for {
		parts, err := number(in)
		if err != nil {
			_ = from.CloseWithError(err)
			return
		}
		c.statements.Add(1)
		for range parts {
			size, err := number(in)
			if err == nil {
				_, err = in.Discard(size + 2)
			}
			if err != nil {
				_ = from.CloseWithError(err)
				return
			}
		}
	}
}

// number reads a line such as *3 or $12.
func number(in *bufio.Reader) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}
