package application

import (
	"context"
	"slices"
	"strings"

	"github.com/devicegate/devicegate/domain/connection"
)

// ListConnections tells administrators which identity providers there are, which
// configuration each comes from, and whether sign-ins through it can work.
type ListConnections struct{ checks *ConnectionChecks }

// NewListConnections makes the use case.
func NewListConnections(checks *ConnectionChecks) *ListConnections { return &ListConnections{checks} }

// ConnectionState is a connection as it is now.
type ConnectionState struct {
	Connection connection.Connection
	Owner      connection.Owner
	Stored     connection.StoredSnapshot // zero unless the store has it
	Metadata   connection.Metadata
	Copy       connection.CopySnapshot // zero: no copy is kept
	Problems   []string                // why sign-ins fail
	Warnings   []string
}

// Execute lists the connections of the file and of the store, as they are in the
// store now, by slug.
func (uc *ListConnections) Execute(ctx context.Context) ([]ConnectionState, error) {
	c := uc.checks
	stored, kept, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	all, err := c.others(ctx, stored)
	if err != nil {
		return nil, err
	}
	copies := map[string]connection.CopySnapshot{}
	for _, k := range kept {
		copies[k.Connection] = k
	}
	states := make([]ConnectionState, len(all))
	for i, via := range all {
		states[i] = uc.state(ctx, via, copies[via.Slug()])
		if s, err := findStored(stored, via.Slug()); err == nil && via.Owner() == connection.Database {
			states[i].Stored = s.Snapshot()
		}
	}
	entities := c.entities(ctx, all, kept)
	for i := range states { // the checks of an edit refuse these; a file, or metadata that changed, can bring them
		via := states[i].Connection
		states[i].Warnings = append(states[i].Warnings, connection.Conflicts(via, entities[via.Slug()], all, entities)...)
	}
	slices.SortStableFunc(states, func(a, b ConnectionState) int {
		return strings.Compare(a.Connection.Slug(), b.Connection.Slug())
	})
	for i := 1; i < len(states); i++ {
		if states[i].Connection.Slug() == states[i-1].Connection.Slug() {
			for j := i - 1; j <= i; j++ {
				states[j].Problems = append(states[j].Problems, connection.InBothError{Slug: states[j].Connection.Slug()}.Error())
			}
		}
	}
	return states, nil
}

// Find is the state of one connection. It returns [connection.ErrUnknown].
func (uc *ListConnections) Find(ctx context.Context, slug string) (ConnectionState, error) {
	all, err := uc.Execute(ctx)
	if err != nil {
		return ConnectionState{}, err
	}
	i := slices.IndexFunc(all, func(s ConnectionState) bool { return s.Connection.Slug() == slug })
	if i < 0 {
		return ConnectionState{}, connection.ErrNotListed
	}
	return all[i], nil
}

// state describes one connection from what is stored; it asks no identity provider.
func (uc *ListConnections) state(ctx context.Context, via connection.Connection, kept connection.CopySnapshot) ConnectionState {
	s := ConnectionState{Connection: via, Owner: via.Owner()}
	if via.Settings().Broker != connection.SAML {
		return s
	}
	r := ConnectionReport{Connection: via}
	switch c, err := connection.RestoreMetadataCopy(kept); {
	case via.MetadataSource() == "":
		r.Metadata, err = uc.checks.reader.Read(ctx, via)
		r.problem(err)
	case err != nil || !c.IsOf(via):
		r.Problems = append(r.Problems, "metadata: it was not fetched yet")
	default:
		s.Copy = kept
		if r.Metadata = kept.Good; kept.SeenAt.IsZero() {
			r.Problems = append(r.Problems, kept.Failure)
		} else if kept.Failure != "" {
			r.warn(kept.Failure + "; the last good copy of " + kept.FetchedAt.UTC().Format("2006-01-02 15:04") + " serves meanwhile")
		}
	}
	if via.MayAssertAnyDomain() {
		r.warn(anyDomain)
	}
	for _, text := range r.Metadata.Warnings {
		r.warn("metadata: " + text)
	}
	uc.checks.inspectTimes(&r, s.Copy.SeenAt)
	s.Metadata, s.Problems, s.Warnings = r.Metadata, r.Problems, r.Warnings
	return s
}
