package bench

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// measurement is what one program did in one round.
type measurement struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       time.Duration // per request
	allocs    float64       // per request
}

// bounds end a measurement, whichever comes first.
type bounds struct {
	connections int
	time        time.Duration
	requests    int
}

// load sends requests to p over kept connections and returns what that took.
// Request makes the nth one; an answer without want is an error.
func load(p *program, b bounds, request func(n int) []byte, status int, want string) (measurement, error) {
	before, err := p.usage()
	if err != nil {
		return measurement{}, err
	}
	clients, err := dialAll(p.addr, b.connections)
	if err != nil {
		return measurement{}, err
	}
	defer func() {
		for _, c := range clients {
			_ = c.conn.Close()
		}
	}()
	var (
		next  atomic.Int64
		all   sync.WaitGroup
		times = make([][]time.Duration, b.connections)
		errs  = make([]error, b.connections)
		began = time.Now()
		until = began.Add(b.time)
	)
	for i, c := range clients {
		all.Go(func() {
			times[i], errs[i] = send(c, &next, b.requests, until, request, status, []byte(want))
		})
	}
	all.Wait()
	took := time.Since(began)
	for _, err := range errs {
		if err != nil {
			return measurement{}, err
		}
	}
	after, err := p.usage()
	if err != nil {
		return measurement{}, err
	}
	sorted := slices.Concat(times...)
	slices.Sort(sorted)
	n := len(sorted)
	if n == 0 {
		return measurement{}, fmt.Errorf("nothing was sent: %d requests allowed", b.requests)
	}
	return measurement{
		perSecond: float64(n) / took.Seconds(),
		p50:       sorted[n/2], p99: sorted[n*99/100],
		cpu:    (after.CPU - before.CPU) / time.Duration(n),
		allocs: float64(after.Allocs-before.Allocs) / float64(n),
	}, nil
}

func dialAll(addr string, n int) (clients []*client, err error) {
	for range n {
		c, err := dial(addr)
		if err != nil {
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

func send(c *client, next *atomic.Int64, requests int, until time.Time, request func(int) []byte, status int, want []byte) (times []time.Duration, err error) {
	for {
		n := int(next.Add(1)) - 1
		began := time.Now()
		if n >= requests || !began.Before(until) {
			return times, nil
		}
		got, body, err := c.do(request(n))
		if err != nil {
			return times, err
		}
		times = append(times, time.Since(began))
		if got != status || !bytes.Contains(body, want) {
			return times, fmt.Errorf("request %d: got status %d and %s, want %d and %s", n, got, body, status, want)
		}
	}
}
