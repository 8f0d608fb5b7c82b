package services

import (
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
)

// Ports below those that systems give to outgoing connections: else such a
// connection could take a port after it was found free and before the server
// listens on it.
const (
	firstPort = 20_000
	portCount = 10_000
)

var portsGiven atomic.Int64

// Port is a free TCP port of localhost, given once in each test binary. Binaries
// that run at the same time begin at different ports.
func Port(t testing.TB) int {
	t.Helper()
	for range portCount {
		port := firstPort + int(int64(os.Getpid())*101+portsGiven.Add(1))%portCount
		l, err := net.Listen("tcp", net.JoinHostPort("localhost", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		_ = l.Close()
		return port
	}
	t.Fatal("no port is free")
	return 0
}
