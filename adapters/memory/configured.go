package memory

import (
	"context"

	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/spkeys"
)

// Connections is [ports.Connections] with those that this process was given.
type Connections struct {
	lastgood.Value[connection.Directory]
}

// NewConnections knows the given ones.
func NewConnections(all connection.Directory) *Connections {
	c := new(Connections)
	c.Replace(all)
	return c
}

// Connections implements [ports.Connections].
func (c *Connections) Connections(context.Context) (connection.Directory, error) {
	return c.Get(), nil
}

// Clients is [ports.Clients] with those that this process was given.
type Clients struct {
	lastgood.Value[client.Directory]
}

// NewClients knows the given ones.
func NewClients(all client.Directory) *Clients {
	c := new(Clients)
	c.Replace(all)
	return c
}

// Clients implements [ports.Clients].
func (c *Clients) Clients(context.Context) (client.Directory, error) { return c.Get(), nil }

// Policies is [ports.Policies] with the policy that this process was given. Without
// one it asks nothing.
type Policies struct{ lastgood.Value[policy.Policy] }

// NewPolicies has the given one.
func NewPolicies(p policy.Policy) *Policies {
	held := new(Policies)
	held.Replace(p)
	return held
}

// Policy implements [ports.Policies].
func (p *Policies) Policy(context.Context) (policy.Policy, error) { return p.Get(), nil }

// Keys is [ports.KeyStore] with the pairs that this process was given.
type Keys struct{ lastgood.Value[spkeys.Set] }

// NewKeys knows the given pairs.
func NewKeys(all spkeys.Set) *Keys {
	k := new(Keys)
	k.Replace(all)
	return k
}

// Keys implements [ports.KeyStore].
func (k *Keys) Keys(context.Context) (spkeys.Set, error) {
	all := k.Get()
	if all.IsZero() {
		return all, spkeys.ErrNone
	}
	return all, nil
}
