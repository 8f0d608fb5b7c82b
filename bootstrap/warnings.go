package bootstrap

import (
	"context"
	"crypto/fips140"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/ports"
)

// warn logs, once at start, what works and should be changed, and FIPS 140-3 mode. Problems of
// connections change while the service runs: the SAML broker logs those.
func warn(lc fx.Lifecycle, c Config, at *httpserver.Addresses, policies ports.Policies, clients ports.Clients, connections ports.Connections, log *slog.Logger) {
	lc.Append(fx.StartHook(func(ctx context.Context) {
		if fips140.Enabled() {
			log.Info("FIPS 140-3 mode", "module", fips140.Version())
		}
		warnOfPolicy(ctx, policies, clients, connections, log)
		if c.PublicURL.Scheme == "http" && !at.Local() {
			log.Warn("browsers reach devicegate without TLS", "setting", "PUBLIC_URL")
		}
		if c.Redis.URL == "" && strings.HasPrefix(c.Database.URL, "postgres") {
			log.Warn("each process counts limits and the polling interval for itself", "setting", "REDIS_URL")
		}
		for _, via := range c.Connections.All() {
			if via.MayAssertAnyDomain() {
				log.Warn("this identity provider may vouch for every e-mail address", "connection", via.Slug())
			}
		}
	}))
}

// warnOfSettings logs, once at start, which settings should be changed.
func warnOfSettings(lc fx.Lifecycle, c Config, log *slog.Logger) {
	lc.Append(fx.StartHook(func() {
		for _, w := range c.Warnings {
			log.Warn(w.Text, "setting", w.Setting)
		}
	}))
}

// warnOfPolicy logs which clients and connections the rules of the policy name that
// are not known: a rule for a misspelt one never applies.
func warnOfPolicy(ctx context.Context, policies ports.Policies, clients ports.Clients, connections ports.Connections, log *slog.Logger) {
	rules, err := policies.Policy(ctx)
	if err != nil {
		return
	}
	if known, err := clients.Clients(ctx); err == nil {
		for _, id := range rules.Clients() {
			if !known.Has(id) {
				log.WarnContext(ctx, "a rule of the policy names a client that is not known here", "setting", "POLICY_FILE", "client_id", id)
			}
		}
	}
	if known, err := connections.Connections(ctx); err == nil {
		for _, slug := range rules.Connections() {
			if _, err := known.Find(slug); err != nil {
				log.WarnContext(ctx, "a rule of the policy names a connection that is not known here", "setting", "POLICY_FILE", "connection", slug)
			}
		}
	}
}

// warnOfProxies logs once that requests come through a proxy that is not
// configured. All requests have its address then: in limits, in the audit, and
// where the page compares the networks of device and person.
func warnOfProxies(client *httpserver.ClientAddress, log *slog.Logger) func(http.Handler) http.Handler {
	var warned atomic.Bool
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !warned.Load() && client.BehindUnknownProxy(r) && !warned.Swap(true) {
				log.WarnContext(r.Context(), "a proxy hides the addresses of clients: it is not in TRUSTED_PROXIES, or passes no X-Forwarded-For on", "setting", "TRUSTED_PROXIES", "peer", client.Of(r))
			}
			next.ServeHTTP(w, r)
		})
	}
}
