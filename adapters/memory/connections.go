package memory

import (
	"context"
	"sync/atomic"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
)

// Connections is [ports.Connections] with those that this process was given.
type Connections struct {
	now atomic.Pointer[connection.Directory]
}

// NewConnections knows the given ones.
func NewConnections(all connection.Directory) *Connections {
	c := new(Connections)
	c.Replace(all)
	return c
}

// Connections implements [ports.Connections].
func (c *Connections) Connections(context.Context) (connection.Directory, error) {
	return *c.now.Load(), nil
}

// Replace serves others from now on.
func (c *Connections) Replace(all connection.Directory) { c.now.Store(&all) }

// Clients is [ports.Clients] with those that this process was given.
type Clients struct {
	now atomic.Pointer[device.Clients]
}

// NewClients knows the given ones.
func NewClients(all device.Clients) *Clients {
	c := new(Clients)
	c.Replace(all)
	return c
}

// Clients implements [ports.Clients].
func (c *Clients) Clients(context.Context) (device.Clients, error) { return *c.now.Load(), nil }

// Replace serves others from now on.
func (c *Clients) Replace(all device.Clients) { c.now.Store(&all) }
