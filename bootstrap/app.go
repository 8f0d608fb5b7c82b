package bootstrap

import (
	"context"
	"log/slog"
	"net/http"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/acsui"
	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/enterprise"
	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/httpapi"
	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/redis"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/webui"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// Service is the API tier with its listeners.
func Service(c Config, log *slog.Logger) fx.Option {
	c, log, tracing := traced(c, log)
	return fx.Options(
		tracing,
		handler(c, log),
		fx.Provide(newFailure, newServer),
		administration(c),
		operationsTLS(c),
		fx.Invoke(relaxCollector, serveOperations, warn, warnOfSettings),
		fx.Invoke(measureStores, measureJobs, measureDeliveries, measureClients),
		fx.Invoke(requireClosable),
		workerBeside(c),
		fx.Invoke(serveHTTP),
	)
}

// Handler provides the API tier's [http.Handler]: every port meets its adapter
// here.
func Handler(c Config, log *slog.Logger) fx.Option {
	c, log, tracing := traced(c, log)
	return fx.Options(tracing, handler(c, log))
}

func handler(c Config, log *slog.Logger) fx.Option {
	return fx.Options(
		fx.NopLogger, // the command tells an error of the start, once
		fx.Supply(c, log, c.Database, c.HTTP, c.Pages),
		fx.Supply(c.Timing, c.TokenLife, c.RequireChecksum, c.Limits, c.ResourceServers, c.CSRF, c.Clock, c.KeepRefused),
		fx.Supply(application.LegacyRoutes(c.HTTP.LegacyRoutes), application.MailOn(!c.Mail.IsZero())),
		fx.Supply(c.HTTPServer()),
		httpserver.Module,
		stores(c),
		configured(c),
		places(c),
		spKeys(c),
		brokers(c),
		phishing(c),
		useCases,
		httpapi.Module,
		webui.Module,
		fx.Provide(pagesForAPI, postToIdP, acsui.NewTestPage, newMetrics, observe, newHandler),
	)
}

// stores joins the durable store, and what makes it fast: Redis where it is
// configured, else this process's memory.
func stores(c Config) fx.Option {
	durable := fx.Options(database.Module, jobQueue, fx.Provide(invalidating, newStoreMetrics, newJobMetrics),
		fx.Provide(func(m *storeMetrics) database.Observer { return m.event }))
	if c.Redis.URL == "" {
		return fx.Options(durable, memory.Module,
			fx.Provide(processTokenCache, func() (sharedState, *redisMetrics) { return nil, nil }))
	}
	measured := newRedisMetrics()
	c.Redis.Observer = measured
	return fx.Options(durable, fx.Supply(c.Redis, measured), redis.Module,
		fx.Decorate(limiterWithoutRedis, throttleWithoutRedis), fx.Provide(sharedTokenCache, redisState))
}

// limiterWithoutRedis lets each process count for itself while Redis is down.
func limiterWithoutRedis(shared ports.Limiter, now ports.Clock) ports.Limiter {
	return memory.NewFallback(shared, now)
}

// throttleWithoutRedis does the same for the polling interval.
func throttleWithoutRedis(shared ports.PollThrottle, now ports.Clock) ports.PollThrottle {
	return memory.NewThrottleFallback(shared, now)
}

// sharedState tells how Redis is; nil: there is none.
type sharedState func() (state redis.State, code string)

func redisState(c *redis.Connection) sharedState { return c.State }

// configured joins what operators configure and may change while we run.
func configured(c Config) fx.Option {
	return fx.Options(clients(c), connectionsOf(c, false), policyOf(c))
}

// connectionsOf joins the connections of the file, if there is one, and of the
// database.
func connectionsOf(c Config, tolerates tolerant) fx.Option {
	connections := fx.Options(connections, fx.Supply(tolerates))
	if c.Files.Path == "" {
		return fx.Options(connections, fx.Provide(func() *files.Connections { return nil }))
	}
	return fx.Options(connections, fx.Supply(c.Files), files.Module)
}

// connections are those of all sources, and what is kept of their metadata.
var connections = fx.Provide(
	joinConnections,
	func(j *joinedConnections) ports.Connections { return j },
	func(c Config) application.ConnectionRules {
		if c.ConnectionRules == nil {
			return func(connection.Connection) error { return nil }
		}
		return c.ConnectionRules
	},
	func(c Config, now ports.Clock) *saml.Reader { return saml.NewReader(now).Traced(c.SAML.Tracer) },
	func(r *saml.Reader) ports.MetadataReader { return r },
	application.NewRefreshMetadata,
)

// brokers joins the ways in which people sign in, and the edition gate.
func brokers(c Config) fx.Option {
	options := []fx.Option{
		saml.Module, fx.Supply(c.SAML), fx.Invoke(refreshBroker, followMetadata, compareShadows),
		fx.Provide(func(b *saml.Broker) ports.TrialVerifier { return b }),
		fx.Provide(spMetadata, func(r *application.RefreshMetadata) saml.Refresher { return r }),
	}
	if c.Enterprise.URL == nil {
		options = append(options, fx.Provide(samlOnly))
	} else {
		options = append(options, fx.Supply(c.Enterprise), enterprise.Module, fx.Provide(samlAndEnterprise))
	}
	if c.License == "" {
		return fx.Options(append(options, fx.Provide(func(e *enterprise.Edition) ports.Edition { return e }))...)
	}
	return fx.Options(append(options, fx.Provide(func() ports.Edition { return enterprise.StaticEdition(c.License) }))...)
}

// spMetadata lists the callbacks that a connection needs.
func spMetadata(s *saml.Broker, mounts *application.ACSMounts) httpapi.Metadata {
	return func(ctx context.Context, slug string) ([]byte, error) {
		published, err := mounts.Published(ctx, slug)
		if err != nil {
			return nil, err
		}
		return s.Metadata(ctx, slug, published)
	}
}

func samlOnly(s *saml.Broker) ports.Brokers { return ports.Brokers{connection.SAML: s} }

func samlAndEnterprise(s *saml.Broker, e *enterprise.Broker) ports.Brokers {
	return ports.Brokers{connection.SAML: s, connection.Enterprise: e}
}

// useCases lists what devicegate does.
var useCases = fx.Provide(
	application.NewUserCodes,
	application.NewApprovalJudge,
	application.NewDecisions,
	application.NewSignInFailures,
	application.NewACSMounts,
	application.NewSignIns,
	application.NewCompletions,
	application.NewStartDevice,
	application.NewNotices,
	application.NewPollDevice,
	application.NewRevokeUndelivered,
	application.NewLookUpDevice,
	application.NewInitiateSSO,
	application.NewCompareShadows,
	application.NewAcceptResponse,
	application.NewCompleteSSO,
	application.NewRefuseClosedACS,
	application.NewCompleteSSOByAssertion,
	application.NewFailSSO,
	application.NewDescribeSignIn,
	application.NewEnterCode,
	application.NewDescribeApproval,
	application.NewRecallDevices,
	application.NewDescribeDecision,
	application.NewLeaveBrowser,
	application.NewApproveExternal,
	application.NewDenyExternal,
	application.NewUndoApproval,
	application.NewStartAccountSignIn,
	application.NewVerifyToken,
	application.NewRevokeToken,
	application.NewIntrospectToken,
	application.NewAuthorizeRequest,
	application.NewListSessions,
	application.NewEndSessions,
	application.NewOpenTestLink,
	application.NewDescribeTest,
)

func pagesForAPI(pages *webui.Pages, test *acsui.TestPage) httpapi.Pages {
	return httpapi.Pages{Handler: pages.Handler(), Test: test, NotFound: http.HandlerFunc(pages.NotFound), Post: pages.PostToIdP}
}

func postToIdP(pages *webui.Pages) acsui.PostToIdP { return pages.PostToIdP }

func newHandler(router *httpapi.Router, client *httpserver.ClientAddress, log *slog.Logger) http.Handler {
	return warnOfProxies(client, log)(router)
}
