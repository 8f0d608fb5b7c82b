package config

import (
	"crypto/hkdf"
	"crypto/sha256"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/enterprise"
	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/geoip"
	"github.com/devicegate/devicegate/adapters/httpapi"
	"github.com/devicegate/devicegate/adapters/mail"
	"github.com/devicegate/devicegate/adapters/otlplog"
	"github.com/devicegate/devicegate/adapters/redis"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/sealing"
	"github.com/devicegate/devicegate/adapters/syslog"
	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/adapters/webhook"
	"github.com/devicegate/devicegate/adapters/webui"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/resource"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// Config is everything that [Service] is built from. [Load] makes it from the
// environment; tests change what they need to.
type Config struct {
	ListenAddr    string
	OpsAddr       string                    // empty: no operations listener
	OpsTLS        files.CertificateConfig   // zero: no TLS there
	Admins        administrator.Credentials // zero: no administrators' API
	DataDir       string                    // for what this process keeps by itself
	ShutdownDelay time.Duration
	LogLevel      slog.Level
	WithWorker    bool // serve does the background work, too

	PublicURL, WebURL *url.URL
	CookieDomain      string
	HSTS              bool // when PublicURL is https
	TrustedProxies    []netip.Prefix

	Database database.Config
	Redis    redis.Config // empty URL: limits and the polling interval are per process
	HTTP     httpapi.Config
	// ForceLegacyOff switches the legacy routes off although connections need them.
	ForceLegacyOff bool
	Pages          webui.Config
	GeoIP          geoip.Config // no files: no place is known
	SAML           saml.Config
	KeepRefused    application.KeepRefused
	Enterprise     enterprise.Config
	License        string      // empty: ask the enterprise API
	Mail           mail.Config // zero: people are not told by mail
	AuditWebhook   webhook.Config
	AuditSyslog    syslog.Config
	AuditOTLP      otlplog.Config
	AuditRetention audit.Retention

	Tracing    tracing.Config     // zero: none
	Policy     policy.Policy      // as it was first read
	PolicyFile files.PolicyConfig // empty path: Policy is all there is

	Clients        client.Directory // of OPENAPI_KNOWN_CLIENT_IDS
	ClientsFile    string           // empty: none
	Timing         device.Timing
	TokenLife      token.Lifetime
	TokenRetention token.Retention
	// RequireChecksum refuses tokens of another issuer without a look-up.
	RequireChecksum token.RequireChecksum
	TokenCacheAge   time.Duration // of a verified token; 0: each verification reads the database
	Limits          quota.Configured
	Incidents       incident.Rules
	CSRF            approval.CSRFKeys
	Sealer          *sealing.Sealer

	ResourceServers resource.Servers     // that may introspect
	Files           files.Config         // empty path: Connections are all there are
	Keys            files.KeysConfig     // all empty: they are in the database; no active file: one in DataDir
	Connections     connection.Directory // as they were first read
	ConnectionRules application.ConnectionRules
	Clock           ports.Clock

	Warnings []Warning // logged once, at the start
}

// publicKeys are secret keys of published example files.
var publicKeys = []string{"sk-9f73s3ljTXVcMT3Blb3ljTqtsKiGHXVcMT3BlbkFJLK7U"}

const secretKeyMin = 32 // bytes, RFC 7518 §3.2

const shutdownDelayMax = 10 * time.Minute

// tokenCacheMax bounds how long a token that ended may be accepted whatever
// fails.
const tokenCacheMax = time.Minute

// Load reads the configuration. Its error lists everything that is wrong, each
// line with the setting's name.
func Load(vars map[string]string) (Config, error) {
	e, wrong := parse(vars)
	c := Config{
		DataDir: e.DataDir, ShutdownDelay: e.ShutdownDelay,
		Timing: device.StandardTiming,
		Limits: quota.Configure(e.UserCodeLimit, e.RatePerToken),
	}
	if err := c.LogLevel.UnmarshalText([]byte(levelOf(e.LogLevel))); err != nil {
		wrong.add("LOG_LEVEL", "%q is none of debug, info, warn, error", e.LogLevel)
	}
	if e.ShutdownDelay < 0 || e.ShutdownDelay > shutdownDelayMax {
		wrong.add("SHUTDOWN_DELAY", "%s: use 0s to %s", e.ShutdownDelay, shutdownDelayMax)
	}
	c.TokenLife = token.Lifetime(24 * time.Hour * time.Duration(wrong.between("OAUTH_TTL_DAYS", e.TokenTTLDays, 1, 365)))
	c.TokenRetention = token.Retention(24 * time.Hour * time.Duration(wrong.between("OAUTH_ACCESS_TOKEN_RETENTION_DAYS", e.RetentionDays, 1, 3650)))
	if c.TokenCacheAge = e.TokenCacheTTL; e.TokenCacheTTL < 0 || e.TokenCacheTTL > tokenCacheMax {
		wrong.add("TOKEN_CACHE_TTL", "%s: use 0s to %s", e.TokenCacheTTL, tokenCacheMax)
	}
	wrong.between("OPENAPI_RATE_LIMIT_PER_TOKEN", e.RatePerToken, 0, 1_000_000)
	wrong.between("USER_CODE_GLOBAL_LIMIT", e.UserCodeLimit, 1, 1_000_000_000)
	wrong.between("INTROSPECTION_RATE_LIMIT", e.IntrospectionLimit, 0, 1_000_000_000)
	c.Limits.Introspections = quota.Introspections(e.IntrospectionLimit)
	c.ResourceServers = wrong.resourceServers("INTROSPECTION_CLIENTS", e.IntrospectionClients)
	c.HSTS = wrong.oneOf("HSTS", e.HSTS, "on", "off") == "on"
	c.KeepRefused = application.KeepRefused(wrong.oneOf("SAML_KEEP_FAILED_RESPONSES", e.SAMLKeepFailed, "on", "off") == "on")
	c.loadAddresses(e, &wrong)
	c.loadAdministration(e, &wrong)
	c.loadStores(e, &wrong)
	c.loadTracing(e, &wrong)
	c.loadKeys(e, &wrong)
	c.loadRoutes(e, &wrong)
	c.loadSignIn(e, &wrong)
	c.loadPolicy(e, &wrong)
	c.loadPages(e, &wrong)
	c.loadIncidents(e, &wrong)
	c.loadMail(e, &wrong)
	c.loadAudit(e, &wrong)
	c.Warnings = wrong.warnings
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
	var before []string
	if e.SecretKeyPrevious != "" {
		before = append(before, e.SecretKeyPrevious)
	}
	var err error
	if c.Sealer, err = sealing.New(e.SecretKey, before...); err != nil {
		wrong.add("SECRET_KEY", "%v", err)
	}
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
	c.loadClients(e, wrong)
	var origins []string
	for _, o := range e.CORSAllowOrigins {
		if o = strings.TrimSpace(o); o != "*" { // any origin
			o = wrong.origin("OPENAPI_CORS_ALLOW_ORIGINS", o)
		}
		origins = append(origins, o)
	}
	c.HTTP = httpapi.Config{
		LegacyRoutes:       wrong.oneOf("LEGACY_ROUTES", e.LegacyRoutes, "on", "off", "force-off") == "on",
		LegacyDeprecatedAt: e.LegacyDeprecatedAt, LegacySunset: e.LegacySunset,
		AllowOrigins: origins, CompatVersion: e.CompatVersion,
	}
	c.ForceLegacyOff = e.LegacyRoutes == "force-off"
	wrong.named(names{"LegacySunset": "LEGACY_SUNSET"}, c.HTTP.Check())
}

func (c *Config) loadSignIn(e environment, wrong *problems) {
	c.License = e.LicenseStatus
	if c.License == "" && e.EnterpriseAPIURL == "" {
		c.License = "active"
	}
	if c.License != "" {
		wrong.oneOf("LICENSE_STATUS", c.License, "active", "expiring", "none", "inactive", "expired", "lost")
	}
	if e.LicenseGrace <= 0 {
		wrong.add("LICENSE_GRACE", "is %s; use more than 0s, for instance 24h", e.LicenseGrace)
	}
	c.Enterprise.LicenseGrace = e.LicenseGrace
	if e.EnterpriseAPIURL != "" {
		c.Enterprise.URL = wrong.web("ENTERPRISE_API_URL", e.EnterpriseAPIURL)
		c.Enterprise.Secret = secret.New("enterprise API secret", e.EnterpriseAPISecret)
		c.Enterprise.PublicURL = c.PublicURL
		wrong.named(names{
			"Secret": "ENTERPRISE_API_SECRET_KEY",
			"URL":    "", "PublicURL": "", "SigningKey": "", "LicenseGrace": "", // their settings are checked
		}, c.Enterprise.Check())
	}
	c.SAML.EntityID, c.SAML.ClockSkew = e.SAMLEntityID, e.SAMLClockSkew
	if c.PublicURL != nil {
		c.SAML.PublicURL = c.PublicURL.String()
	}
	wrong.named(names{
		"EntityID": "SAML_ENTITY_ID", "DefaultEntityID": "PUBLIC_URL", "ClockSkew": "SAML_CLOCK_SKEW",
		"PublicURL": "", // PUBLIC_URL is checked
	}, c.SAML.Check())
	c.Keys = files.KeysConfig{Active: e.SAMLKey, Next: e.SAMLKeyNext, Previous: e.SAMLKeyPrevious}
	wrong.named(names{
		"Active": "SAML_SP_KEY_FILE", "Next": "SAML_SP_KEY_FILE_NEXT", "Previous": "SAML_SP_KEY_FILE_PREVIOUS",
	}, c.Keys.Check())
	c.ConnectionRules = connectionRules(e)
	if e.ConnectionsFile != "" {
		c.loadConnections(e, wrong)
	}
}

func (c *Config) loadPages(e environment, wrong *problems) {
	c.Pages = webui.Config{
		SupportURL: e.SupportURL,
		Brand:      webui.Brand{Name: e.BrandName, Color: e.BrandColor},
	}
	if e.BrandLogoFile != "" {
		logo, err := os.ReadFile(e.BrandLogoFile)
		if err != nil {
			wrong.add("BRAND_LOGO_FILE", "%v", err)
		}
		c.Pages.Brand.Logo = logo
	}
	wrong.named(names{
		"Name": "BRAND_NAME", "Logo": "BRAND_LOGO_FILE", "Color": "BRAND_COLOR", "SupportURL": "SUPPORT_URL",
	}, c.Pages.Check())
	for _, name := range e.GeoIPFile {
		c.GeoIP.Files = append(c.GeoIP.Files, strings.TrimSpace(name))
	}
	wrong.named(names{"Files": "GEOIP_FILE"}, c.GeoIP.Check())
}

// levelOf reads the reference's words, which are Python's, as ours.
func levelOf(name string) string {
	switch strings.ToUpper(name) {
	case "WARNING":
		return "WARN"
	case "CRITICAL", "FATAL":
		return "ERROR"
	}
	return name
}
