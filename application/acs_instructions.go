package application

import (
	"context"
	"fmt"
	"slices"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// ServiceProvider is what identity providers know us by.
type ServiceProvider struct {
	PublicURL string
	EntityID  string
}

// IdPHints are texts of a connection by which the identity provider's product can be
// recognised.
type IdPHints func(connection.Connection) []string

// ACSInstructions writes what an identity provider's administrator has to do, so that
// it knows the canonical callback.
type ACSInstructions struct {
	store       ports.Store
	connections ports.Connections
	now         ports.Clock
	us          ServiceProvider
	hints       IdPHints
}

// NewACSInstructions makes the use case.
func NewACSInstructions(store ports.Store, connections ports.Connections, now ports.Clock, us ServiceProvider, hints IdPHints) *ACSInstructions {
	return &ACSInstructions{store, connections, now, us, hints}
}

// Execute recognises the product if its name is empty. It returns
// [connection.ErrUnknown], [acsmove.ErrNotSAML] and [acsmove.ErrUnknownProduct].
func (uc *ACSInstructions) Execute(ctx context.Context, slug, name string) (text string, product acsmove.Product, err error) {
	via, err := findConnection(ctx, uc.connections, slug)
	if err != nil {
		return "", "", fmt.Errorf("connection %s: %w", slug, err)
	}
	if via.Settings().Broker != connection.SAML {
		return "", "", acsmove.ErrNotSAML
	}
	if name == "" {
		product = acsmove.Recognise(uc.hints(via)...)
	} else if product, err = acsmove.ParseProduct(name); err != nil {
		return "", "", err
	}
	state, err := uc.state(ctx, slug)
	if err != nil {
		return "", "", err
	}
	return acsmove.Instructions(product, acsmove.InstructionValues{
		Name: via.Settings().Name, EntityID: uc.us.EntityID, Metadata: uc.us.PublicURL + "/saml/metadata/" + slug,
		Canonical: uc.us.PublicURL + connection.Canonical.ACSPath(), Legacy: uc.us.PublicURL + connection.Legacy.ACSPath(),
		Moved: state.Advertised == connection.Canonical, Needs: state.Needs,
	}), product, nil
}

// state is how far the connection is: the instructions differ once it has moved.
func (uc *ACSInstructions) state(ctx context.Context, slug string) (ACSState, error) {
	states, err := acsStates(ctx, uc.store, uc.connections, uc.now())
	if err != nil {
		return ACSState{}, err
	}
	i := slices.IndexFunc(states, func(s ACSState) bool { return s.Connection.Slug() == slug })
	if i < 0 {
		return ACSState{}, connection.ErrNotListed
	}
	return states[i], nil
}
