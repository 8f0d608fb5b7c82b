package bootstrap

import (
	"log/slog"
	"net/netip"
	"strings"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/saml"
)

// warn tells operators, once at start, what works and should not stay so.
func warn(lc fx.Lifecycle, c Config, broker *saml.Broker, log *slog.Logger) {
	lc.Append(fx.StartHook(func() {
		if c.PublicURL.Scheme == "http" && !loopback(c.PublicURL.Hostname()) {
			log.Warn("browsers reach devicegate without TLS", "setting", "PUBLIC_URL")
		}
		if c.Redis.URL == "" && strings.HasPrefix(c.Database.URL, "postgres") {
			log.Warn("pace and limits are counted by each process for itself", "setting", "REDIS_URL")
		}
		if c.SAML.Keys.Active.Key == nil && strings.HasPrefix(c.Database.URL, "postgres") {
			log.Warn("the SAML key was made by this process; replicas have to share one", "setting", "SAML_SP_KEY_FILE")
		}
		for _, via := range c.Connections.All() {
			if via.SpeaksForAnyone() {
				log.Warn("this identity provider may vouch for every e-mail address", "connection", via.Slug())
			}
		}
		for _, n := range broker.Problems() {
			log.Error("sign-ins fail", "connection", n.Connection, "problem", n.Text)
		}
		for _, n := range broker.Warnings() {
			log.Warn("identity provider metadata", "connection", n.Connection, "warning", n.Text)
		}
	}))
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}
