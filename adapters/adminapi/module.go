package adminapi

import (
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
)

// Module provides the router over all resources. It needs
// [administrator.Credentials], a [TestLinkURL] and an [Observe] from the wiring in
// bootstrap.
var Module = fx.Module("adminapi", fx.Provide(
	fx.Private,
	NewResponder,
	NewSelf,
	NewTokens,
	connectionUses,
	NewConnections,
	NewAudit,
	NewJobs,
	NewClients,
	NewIncidents,
	NewKeys,
	migrationUses,
	NewMigration,
	NewProfiles,
), fx.Provide(NewRouter))

// Routes are the handlers of all resources, and what stands before them.
type Routes struct {
	fx.In // a test fills the fields in by itself

	Client      *httpserver.ClientAddress
	Responder   *Responder
	Self        *Self
	Tokens      *Tokens
	Connections *Connections
	Audit       *Audit
	Jobs        *Jobs
	Clients     *Clients
	Incidents   *Incidents
	Keys        *Keys
	Migration   *Migration
	Profiles    *Profiles
	Observe     Observe
}

type connectionParams struct {
	fx.In

	List    *application.ListConnections
	Add     *application.AddConnection
	Edit    *application.EditConnection
	Remove  *application.RemoveConnection
	Test    *application.TestConnection
	Refresh *application.RefreshMetadata
	Apply   *application.ApplyConnections
	Shadow  *application.ShadowConnection
}

func connectionUses(p connectionParams) ConnectionUses {
	return ConnectionUses{p.List, p.Add, p.Edit, p.Remove, p.Test, p.Refresh, p.Apply, p.Shadow}
}

type migrationParams struct {
	fx.In

	Status       *application.ACSStatus
	Instructions *application.ACSInstructions
	Test         *application.TestACS
	Advance      *application.AdvanceACS
	Close        *application.CloseLegacyACS
	LinkURL      TestLinkURL
}

func migrationUses(p migrationParams) MigrationUses {
	return MigrationUses{p.Status, p.Instructions, p.Test, p.Advance, p.Close, p.LinkURL}
}
