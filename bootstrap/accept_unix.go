//go:build unix

package bootstrap

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// acceptWaiting returns the connections that the kernel has accepted for l and
// that nothing has fetched, and closes l. It does not wait. net.Listener cannot
// say whether there are any: past its deadline it no longer looks.
func acceptWaiting(l net.Listener) (all []net.Conn) {
	listener, is := l.(syscall.Conn)
	if !is {
		return nil
	}
	raw, err := listener.SyscallConn()
	if err != nil {
		return nil
	}
	var waiting []int
	_ = raw.Control(func(fd uintptr) {
		for {
			nfd, _, err := syscall.Accept(int(fd))
			switch {
			case err == nil:
				waiting = append(waiting, nfd)
			case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.ECONNABORTED):
			default: // EAGAIN: there is none. This ends the listening at once; Close is slower.
				_ = syscall.Shutdown(int(fd), syscall.SHUT_RD)
				return
			}
		}
	})
	_ = l.Close()
	for _, fd := range waiting {
		file := os.NewFile(uintptr(fd), "accepted")
		if c, err := net.FileConn(file); err == nil { // has a descriptor of its own
			all = append(all, c)
		}
		_ = file.Close()
	}
	return all
}
