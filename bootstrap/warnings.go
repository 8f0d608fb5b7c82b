package bootstrap

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

// warn tells operators, once at start, what works and should not stay so. What
// ails connections changes while we run, and the SAML broker tells it itself.
func warn(lc fx.Lifecycle, c Config, at *httpserver.Addresses, log *slog.Logger) {
	lc.Append(fx.StartHook(func() {
		for _, w := range c.Warnings {
			log.Warn(w.Text, "setting", w.Setting)
		}
		if c.PublicURL.Scheme == "http" && !at.Local() {
			log.Warn("browsers reach devicegate without TLS", "setting", "PUBLIC_URL")
		}
		if c.Redis.URL == "" && strings.HasPrefix(c.Database.URL, "postgres") {
			log.Warn("pace and limits are counted by each process for itself", "setting", "REDIS_URL")
		}
		if c.Keys.Active == "" && strings.HasPrefix(c.Database.URL, "postgres") {
			log.Warn("the SAML key was made by this process; replicas have to share one", "setting", "SAML_SP_KEY_FILE")
		}
		for _, via := range c.Connections.All() {
			if via.MayAssertAnyDomain() {
				log.Warn("this identity provider may vouch for every e-mail address", "connection", via.Slug())
			}
		}
	}))
}

// warnOfProxies tells operators, once, that a proxy stands before us that is not
// trusted: everybody has its address then, for limits, for auditors and for the
// page that compares where device and person are.
func warnOfProxies(client *httpserver.ClientAddress, log *slog.Logger) func(http.Handler) http.Handler {
	var once sync.Once
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if client.BehindUnknownProxy(r) {
				once.Do(func() {
					log.WarnContext(r.Context(), "a proxy that is not trusted hides where people are", "setting", "TRUSTED_PROXIES", "peer", client.Of(r))
				})
			}
			next.ServeHTTP(w, r)
		})
	}
}
