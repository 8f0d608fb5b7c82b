package application

import (
	"context"
)

// TestConnection tells an administrator everything about one connection that can
// be told without a sign-in: it fetches the metadata anew, and keeps nothing.
type TestConnection struct{ checks *ConnectionChecks }

// NewTestConnection makes the use case.
func NewTestConnection(checks *ConnectionChecks) *TestConnection { return &TestConnection{checks} }

// Execute returns [connection.ErrUnknown].
func (uc *TestConnection) Execute(ctx context.Context, slug string) (ConnectionReport, error) {
	list := ListConnections(*uc)
	found, err := list.Find(ctx, slug)
	if err != nil {
		return ConnectionReport{}, err
	}
	return uc.checks.check(ctx, found.Connection.Settings(), asBefore{})
}
