package bootstrap

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/pem"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/enterprise"
	"github.com/devicegate/devicegate/adapters/httpapi"
	"github.com/devicegate/devicegate/adapters/redis"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/webui"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// Config is everything that [Service] is built from. [Load] makes it from the
// environment; tests change what they need to.
type Config struct {
	ListenAddr    string
	OpsAddr       string // empty: no operations listener
	DataDir       string // for what this process keeps by itself
	ShutdownDelay time.Duration
	LogLevel      slog.Level

	PublicURL, WebURL *url.URL
	CookieDomain      string
	TrustedProxies    []netip.Prefix

	Database   database.Config
	Redis      redis.Config // empty URL: pace and limits are per process
	HTTP       httpapi.Config
	Pages      webui.Config
	SAML       saml.Config
	Enterprise enterprise.Config
	License    string // empty: ask the enterprise API

	Clients     device.Clients
	Timing      device.Timing
	TokenLife   token.Lifetime
	Limits      quota.Configured
	CSRF        approval.CSRFKeys
	Connections connection.Directory
	Clock       ports.Clock
}

// publicKeys are secret keys that everybody can read in an example file.
var publicKeys = []string{"sk-9f73s3ljTXVcMT3Blb3ljTqtsKiGHXVcMT3BlbkFJLK7U"}

const secretKeyMin = 32 // bytes, RFC 7518 §3.2

// Load reads the configuration. Its error lists everything that is wrong, each
// line with the setting's name.
func Load(vars map[string]string) (Config, error) {
	e, err := parse(vars)
	var wrong problems
	if err != nil {
		wrong = append(wrong, err)
	}
	c := Config{
		ListenAddr: e.ListenAddr, OpsAddr: e.OpsAddr, DataDir: e.DataDir, ShutdownDelay: e.ShutdownDelay,
		CookieDomain: strings.TrimPrefix(e.CookieDomain, "."),
		Database: database.Config{
			URL:          e.databaseURL(),
			Migrate:      database.MigrateMode(wrong.oneOf("MIGRATE", e.Migrate, "auto", "check", "off")),
			DifyAccounts: wrong.oneOf("ACCOUNT_DIRECTORY", e.AccountDirectory, "none", "dify") == "dify",
		},
		Redis:  redis.Config{URL: e.redisURL()},
		Pages:  webui.Config{RequireTypedCode: e.RequireTypedCode},
		Timing: device.StandardTiming,
		Limits: quota.Configure(e.UserCodeLimit, e.RatePerToken),
		Clock:  ports.SystemClock,
	}
	if err := c.LogLevel.UnmarshalText([]byte(e.LogLevel)); err != nil {
		wrong.add("LOG_LEVEL", "%q is none of debug, info, warn, error", e.LogLevel)
	}
	c.PublicURL = wrong.origin("PUBLIC_URL", e.PublicURL)
	if c.WebURL = c.PublicURL; e.WebURL != e.PublicURL {
		c.WebURL = wrong.origin("WEB_URL", e.WebURL)
	}
	c.TrustedProxies = wrong.networks("TRUSTED_PROXIES", e.TrustedProxies)
	c.TokenLife = token.Lifetime(24 * time.Hour * time.Duration(wrong.between("OAUTH_TTL_DAYS", e.TokenTTLDays, 1, 365)))
	wrong.between("OPENAPI_RATE_LIMIT_PER_TOKEN", e.RatePerToken, 0, 1_000_000)
	wrong.between("USER_CODE_GLOBAL_LIMIT", e.UserCodeLimit, 1, 1_000_000_000)
	c.loadKeys(e, &wrong)
	c.loadRoutes(e, &wrong)
	c.loadSignIn(e, &wrong)
	c.loadPages(e, &wrong)
	return c, wrong.err()
}

func (c *Config) loadKeys(e environment, wrong *problems) {
	for setting, key := range map[string]string{"SECRET_KEY": e.SecretKey, "SECRET_KEY_PREVIOUS": e.SecretKeyPrevious} {
		switch {
		case key == "" && setting == "SECRET_KEY":
			wrong.add(setting, "is required: at least %d random bytes, for instance from: openssl rand -base64 42", secretKeyMin)
		case key == "":
		case slices.Contains(publicKeys, key):
			wrong.add(setting, "is a default that everybody knows; make one of your own: openssl rand -base64 42")
		case len(key) < secretKeyMin:
			wrong.add(setting, "has %d bytes, %d are required", len(key), secretKeyMin)
		}
	}
	var previous [][]byte
	if e.SecretKeyPrevious != "" {
		previous = append(previous, derive(e.SecretKeyPrevious))
		c.Enterprise.PreviousKeys = [][]byte{[]byte(e.SecretKeyPrevious)}
	}
	c.CSRF = approval.NewCSRFKeys(derive(e.SecretKey), previous...)
	c.Enterprise.SigningKey = []byte(e.SecretKey)
}

// derive makes a key for CSRF tokens that is none of those shared with others.
func derive(key string) []byte {
	out, err := hkdf.Key(sha256.New, []byte(key), nil, "devicegate csrf", sha256.Size)
	if err != nil {
		panic(err) // only for more output than SHA-256 can give
	}
	return out
}

func (c *Config) loadRoutes(e environment, wrong *problems) {
	var clients []device.Client
	for _, id := range e.KnownClientIDs {
		if id = strings.TrimSpace(id); id == "" || len(id) > 64 {
			wrong.add("OPENAPI_KNOWN_CLIENT_IDS", "%q: a client_id has 1 to 64 characters", id)
		}
		clients = append(clients, device.Client{ID: id})
	}
	c.Clients = device.NewClients(clients...)
	for _, o := range e.CORSAllowOrigins {
		if o != "*" && wrong.origin("OPENAPI_CORS_ALLOW_ORIGINS", o) == nil {
			break
		}
	}
	c.HTTP = httpapi.Config{
		LegacyRoutes:       wrong.oneOf("LEGACY_ROUTES", e.LegacyRoutes, "on", "off") == "on",
		LegacyDeprecatedAt: e.LegacyDeprecatedAt, LegacySunset: e.LegacySunset,
		AllowOrigins: e.CORSAllowOrigins, CompatVersion: e.CompatVersion,
	}
	if !e.LegacySunset.IsZero() && e.LegacySunset.Before(e.LegacyDeprecatedAt) {
		wrong.add("LEGACY_SUNSET", "lies before LEGACY_DEPRECATED_AT (RFC 9745 §4)")
	}
}

func (c *Config) loadSignIn(e environment, wrong *problems) {
	c.License = e.LicenseStatus
	if c.License == "" && e.EnterpriseAPIURL == "" {
		c.License = "active"
	}
	if c.License != "" {
		wrong.oneOf("LICENSE_STATUS", c.License, "active", "expiring", "none", "inactive", "expired", "lost")
	}
	if e.EnterpriseAPIURL != "" {
		c.Enterprise.URL = wrong.origin("ENTERPRISE_API_URL", e.EnterpriseAPIURL)
		c.Enterprise.Secret = secret.New("enterprise API secret", e.EnterpriseAPISecret)
		c.Enterprise.PublicURL = c.PublicURL
		if e.EnterpriseAPISecret == "" {
			wrong.add("ENTERPRISE_API_SECRET_KEY", "is required with ENTERPRISE_API_URL")
		}
	}
	if e.SAMLClockSkew < 0 || e.SAMLClockSkew > 10*time.Minute {
		wrong.add("SAML_CLOCK_SKEW", "is %s; use 0s to 10m", e.SAMLClockSkew)
	}
	c.SAML.EntityID, c.SAML.ClockSkew = e.SAMLEntityID, e.SAMLClockSkew
	if c.PublicURL != nil {
		c.SAML.PublicURL = c.PublicURL.String()
	}
	c.loadKeyPairs(e, wrong)
	if e.ConnectionsFile != "" {
		c.loadConnections(e.ConnectionsFile, wrong)
	}
	for _, via := range c.Connections.All() {
		s := via.Settings()
		if s.Broker == connection.Enterprise && e.EnterpriseAPIURL == "" {
			wrong.add("connection "+s.Slug, "broker enterprise needs ENTERPRISE_API_URL")
		}
		if s.ACSMount == connection.Legacy && !c.HTTP.LegacyRoutes {
			wrong.add("LEGACY_ROUTES", "cannot be off: the identity provider of connection %s still posts to the legacy callback (acs_mount: legacy)", s.Slug)
		}
	}
}

func (c *Config) loadPages(e environment, wrong *problems) {
	c.Pages = webui.Config{
		RequireTypedCode: e.RequireTypedCode, SupportURL: e.SupportURL,
		Brand: webui.Brand{Name: e.BrandName, Color: e.BrandColor},
	}
	if e.BrandLogoFile != "" {
		logo, err := os.ReadFile(e.BrandLogoFile)
		if err != nil {
			wrong.add("BRAND_LOGO_FILE", "%v", err)
		}
		c.Pages.Brand.Logo = logo
	}
	if err := c.Pages.Check(); err != nil {
		wrong.add("BRAND_NAME, BRAND_LOGO_FILE, BRAND_COLOR, SUPPORT_URL", "%v", err)
	}
}

// loadKeyPairs reads the SAML service provider's keys. Without one, the process
// keeps one of its own in its data directory ([Service]).
func (c *Config) loadKeyPairs(e environment, wrong *problems) {
	read := func(setting, file string) *saml.KeyPair {
		if file == "" {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			wrong.add(setting, "%v", err)
			return nil
		}
		_, certificate := pem.Decode(text)
		pair, err := saml.ParseKeyPair(text, certificate)
		if err != nil {
			wrong.add(setting, "%s: %v", file, err)
		}
		return &pair
	}
	if active := read("SAML_SP_KEY_FILE", e.SAMLKey); active != nil {
		c.SAML.Keys.Active = *active
	}
	c.SAML.Keys.Next = read("SAML_SP_KEY_FILE_NEXT", e.SAMLKeyNext)
	c.SAML.Keys.Previous = read("SAML_SP_KEY_FILE_PREVIOUS", e.SAMLKeyPrevious)
}

// origin reads the address of a server, with a path at most.
func (p *problems) origin(setting, text string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case text == "":
		p.add(setting, "is required: the address by which browsers reach devicegate, for instance https://sso.example.com")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		p.add(setting, "%q is not an http(s) address", text)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil:
		p.add(setting, "%q: leave out user, query and fragment", text)
	default:
		u.Path = strings.TrimRight(u.Path, "/")
		return u
	}
	return nil
}

func (p *problems) networks(setting string, list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range list {
		text = strings.TrimSpace(text)
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			var ip netip.Addr
			if ip, err = netip.ParseAddr(text); err == nil {
				prefix = netip.PrefixFrom(ip, ip.BitLen())
			}
		}
		if err != nil {
			p.add(setting, "%q is not a network; write 10.0.0.0/8", text)
			continue
		}
		out = append(out, prefix)
	}
	return out
}

func (p *problems) oneOf(setting, value string, choices ...string) string {
	if !slices.Contains(choices, value) {
		p.add(setting, "%q is none of %s", value, strings.Join(choices, ", "))
	}
	return value
}

func (p *problems) between(setting string, value, least, most int) int {
	if value < least || value > most {
		p.add(setting, "%d lies outside %d to %d", value, least, most)
	}
	return value
}
