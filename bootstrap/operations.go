package bootstrap

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/acsui"
	"github.com/devicegate/devicegate/adapters/adminapi"
	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/ports"
)

// adminUseCases lists what administrators do, by their API and by commands.
var adminUseCases = fx.Provide(
	application.NewACSStatus,
	application.NewACSInstructions,
	application.NewTestACS,
	application.NewAdvanceACS,
	application.NewCloseLegacyACS,
	application.NewListTokens,
	application.NewListClients,
	application.NewConfigureClient,
	application.NewShowToken,
	application.NewRevokeTokens,
	application.NewEndToken,
	application.NewListIncidents,
	application.NewShowIncident,
	application.NewContainIncident,
	application.NewReleaseIncident,
	application.NewConnectionChecks,
	application.NewListConnections,
	application.NewAddConnection,
	application.NewEditConnection,
	application.NewShadowConnection,
	application.NewRemoveConnection,
	application.NewTestConnection,
	application.NewApplyConnections,
	application.NewReadAudit,
	application.NewTailAudit,
	application.NewVerifyAudit,
	application.NewListDeliveries,
	application.NewListJobs,
	application.NewRetryJob,
	application.NewReplayAudit,
	application.NewRotateKeys,
	func(c Config) application.ServiceProvider {
		return application.ServiceProvider{PublicURL: c.PublicURL.String(), EntityID: c.SAML.SPEntityID()}
	},
	func() application.IdPHints { return saml.Hints },
	func(c Config) application.KeysInFiles { return c.Keys != files.KeysConfig{} },
)

// Administration provides what administrators do, for one command. It refuses an
// old schema instead of migrating it beneath the replicas that serve.
func Administration(c Config, log *slog.Logger) fx.Option {
	if c.Database.Migrate != database.MigrateOff {
		c.Database.Migrate = database.MigrateCheck
	}
	return fx.Options(
		fx.NopLogger, // the command tells an error of the start, once
		fx.Supply(c, log, c.Database, c.Clock, c.Incidents),
		stores(c),
		connectionsOf(c, true),
		clientsFile(c),
		fx.Supply(application.MailOn(!c.Mail.IsZero())),
		fx.Provide(application.NewNotices),
		adminUseCases,
	)
}

// administration joins the administrators' API with the use cases.
func administration(c Config) fx.Option {
	return fx.Options(
		adminUseCases,
		fx.Supply(c.Admins),
		fx.Provide(func(uc *application.ACSStatus, now ports.Clock, log *slog.Logger) *acsui.StatusPage {
			return acsui.NewStatusPage(uc, now, log)
		}),
		fx.Invoke(measureMoves),
		fx.Provide(observeAdministration),
		fx.Provide(func(c Config) adminapi.TestLinkURL {
			return func(link acsmove.Link) string { return acsui.LinkURL(c.PublicURL.String(), link) }
		}),
		adminapi.Module,
	)
}

// operationsTLS provides the certificate of the operations listener; nil: it
// speaks plain HTTP.
func operationsTLS(c Config) fx.Option {
	if c.OpsTLS == (files.CertificateConfig{}) {
		return fx.Provide(func() *files.Certificate { return nil })
	}
	return fx.Options(fx.Supply(c.OpsTLS), files.CertificateModule)
}

// serveOperations comes before everything else, and so ends after it: metrics
// can be read until the end, and an address that is taken ends the start before
// anything else has begun.
func serveOperations(lc fx.Lifecycle, c Config, m *metrics, admin *adminapi.Router, moves *acsui.StatusPage, certificate *files.Certificate, failed failure, log *slog.Logger) {
	if c.OpsAddr == "" {
		return
	}
	server := newHTTPServer(operations(m, admin, moves), log)
	if certificate != nil {
		server.tls = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.Get}
	}
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error { return server.listen(ctx, c.OpsAddr, failed.report) },
		OnStop:  server.stop,
	})
}

// operations serves the metrics and, unless they are nil, the administrators' API
// and the page of the move.
func operations(m *metrics, admin *adminapi.Router, moves *acsui.StatusPage) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.handler())
	if admin != nil {
		mux.Handle(adminapi.Prefix, admin)
		mux.Handle(adminapi.Prefix+"/", admin)
	}
	if moves != nil {
		mux.Handle("GET /migration", moves)
	}
	return mux
}
