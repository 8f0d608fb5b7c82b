//go:build !unix

package bootstrap

import "net"

// acceptWaiting cannot look without waiting here; such connections are reset.
func acceptWaiting(net.Listener) []net.Conn { return nil }
