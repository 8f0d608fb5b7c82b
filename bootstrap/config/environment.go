package config

import (
	"errors"
	"reflect"
	"time"

	"github.com/caarlos0/env/v11"
)

// environment is every setting as operators write it (see docs/configuration.md).
type environment struct {
	EnvFile     string        `env:"ENV_FILE" envDefault:".env"` // read before the others: [ReadVariables]
	ListenAddr  string        `env:"LISTEN_ADDR" envDefault:":8080"`
	OpsAddr     string        `env:"OPS_ADDR"`
	OpsTLSCert  string        `env:"OPS_TLS_CERT_FILE"`
	OpsTLSKey   string        `env:"OPS_TLS_KEY_FILE"`
	AdminTokens string        `env:"ADMIN_TOKENS" secret:"true"`
	DatabaseURL string        `env:"DATABASE_URL" secret:"true"`
	DBUsername  string        `env:"DB_USERNAME" envDefault:"postgres"`
	DBPassword  string        `env:"DB_PASSWORD" secret:"true"`
	DBHost      string        `env:"DB_HOST"`
	DBPort      string        `env:"DB_PORT" envDefault:"5432"`
	DBDatabase  string        `env:"DB_DATABASE" envDefault:"dify"`
	DBMaxConns  int           `env:"DB_MAX_CONNS" envDefault:"10"`
	DBMaxIdle   int           `env:"DB_MAX_IDLE_CONNS"`
	DBConnLife  time.Duration `env:"DB_CONN_MAX_LIFETIME" envDefault:"1h"`
	DataDir     string        `env:"DATA_DIR" envDefault:"./data"`
	Migrate     string        `env:"MIGRATE" envDefault:"auto"`

	RedisURL      string `env:"REDIS_URL" secret:"true"`
	RedisHost     string `env:"REDIS_HOST"`
	RedisPort     string `env:"REDIS_PORT" envDefault:"6379"`
	RedisUsername string `env:"REDIS_USERNAME"`
	RedisPassword string `env:"REDIS_PASSWORD" secret:"true"`
	RedisDB       string `env:"REDIS_DB" envDefault:"0"`
	RedisUseSSL   bool   `env:"REDIS_USE_SSL"`

	PublicURL         string   `env:"PUBLIC_URL"`
	WebURL            string   `env:"WEB_URL"`
	CookieDomain      string   `env:"COOKIE_DOMAIN"`
	SecretKey         string   `env:"SECRET_KEY" secret:"true"`
	SecretKeyPrevious string   `env:"SECRET_KEY_PREVIOUS" secret:"true"`
	TrustedProxies    []string `env:"TRUSTED_PROXIES"`

	KnownClientIDs   []string `env:"OPENAPI_KNOWN_CLIENT_IDS" envDefault:"difyctl"`
	ClientsFile      string   `env:"CLIENTS_FILE"`
	CORSAllowOrigins []string `env:"OPENAPI_CORS_ALLOW_ORIGINS"`
	RatePerToken     int      `env:"OPENAPI_RATE_LIMIT_PER_TOKEN" envDefault:"60"`
	UserCodeLimit    int      `env:"USER_CODE_GLOBAL_LIMIT" envDefault:"6000"`
	TokenTTLDays     int      `env:"OAUTH_TTL_DAYS" envDefault:"14"`
	RetentionDays    int      `env:"OAUTH_ACCESS_TOKEN_RETENTION_DAYS" envDefault:"30"`
	CompatVersion    string   `env:"API_COMPAT_VERSION" envDefault:"1.14.2"`

	TokenCacheTTL time.Duration `env:"TOKEN_CACHE_TTL" envDefault:"5s"`
	TokenChecksum string        `env:"TOKEN_CHECKSUM" envDefault:"auto"`

	IntrospectionClients string `env:"INTROSPECTION_CLIENTS" secret:"true"`
	IntrospectionLimit   int    `env:"INTROSPECTION_RATE_LIMIT" envDefault:"60000"`

	IncidentPeople  int           `env:"INCIDENT_PEOPLE" envDefault:"3"`
	IncidentFirst   int           `env:"INCIDENT_FIRST_TIME" envDefault:"3"`
	IncidentReports int           `env:"INCIDENT_REPORTS" envDefault:"2"`
	IncidentWindow  time.Duration `env:"INCIDENT_WINDOW" envDefault:"24h"`
	IncidentHold    time.Duration `env:"INCIDENT_HOLD" envDefault:"1h"`
	IncidentWait    time.Duration `env:"INCIDENT_WAIT" envDefault:"2m"`
	IncidentReading time.Duration `env:"INCIDENT_READING" envDefault:"2s"`
	IncidentStarts  int           `env:"INCIDENT_STARTS" envDefault:"100"`
	IncidentExempt  []string      `env:"INCIDENT_EXEMPT_NETWORKS"`

	LegacyRoutes       string    `env:"LEGACY_ROUTES" envDefault:"on"`
	LegacyDeprecatedAt time.Time `env:"LEGACY_DEPRECATED_AT" envDefault:"2026-04-26T00:00:00Z"`
	LegacySunset       time.Time `env:"LEGACY_SUNSET"`

	LicenseStatus       string        `env:"LICENSE_STATUS"`
	LicenseGrace        time.Duration `env:"LICENSE_GRACE" envDefault:"24h"`
	EnterpriseAPIURL    string        `env:"ENTERPRISE_API_URL"`
	EnterpriseAPISecret string        `env:"ENTERPRISE_API_SECRET_KEY" secret:"true"`
	AccountDirectory    string        `env:"ACCOUNT_DIRECTORY" envDefault:"none"`

	ConnectionsFile  string        `env:"CONNECTIONS_FILE"`
	SAMLEntityID     string        `env:"SAML_ENTITY_ID"`
	SAMLClockSkew    time.Duration `env:"SAML_CLOCK_SKEW" envDefault:"180s"`
	SAMLKey          string        `env:"SAML_SP_KEY_FILE"`
	SAMLKeyNext      string        `env:"SAML_SP_KEY_FILE_NEXT"`
	SAMLKeyPrevious  string        `env:"SAML_SP_KEY_FILE_PREVIOUS"`
	SAMLKeepFailed   string        `env:"SAML_KEEP_FAILED_RESPONSES" envDefault:"on"`
	RequireTypedCode bool          `env:"REQUIRE_TYPED_CODE"`
	Policy           string        `env:"POLICY"`
	PolicyFile       string        `env:"POLICY_FILE"`
	BrandName        string        `env:"BRAND_NAME"`
	BrandLogoFile    string        `env:"BRAND_LOGO_FILE"`
	BrandColor       string        `env:"BRAND_COLOR"`
	SupportURL       string        `env:"SUPPORT_URL"`
	GeoIPFile        []string      `env:"GEOIP_FILE"`
	AuditWebhookURL  string        `env:"AUDIT_WEBHOOK_URL" secret:"true"`
	AuditWebhookKeys string        `env:"AUDIT_WEBHOOK_SECRET" secret:"true"`
	AuditPrivate     bool          `env:"AUDIT_WEBHOOK_PRIVATE"`
	AuditSyslogURL   string        `env:"AUDIT_SYSLOG_URL"`
	AuditDays        int           `env:"AUDIT_RETENTION_DAYS" envDefault:"0"`
	SMTPURL          string        `env:"SMTP_URL" secret:"true"`
	MailFrom         string        `env:"MAIL_FROM"`
	HSTS             string        `env:"HSTS" envDefault:"on"`
	ShutdownDelay    time.Duration `env:"SHUTDOWN_DELAY" envDefault:"10s"`
	LogLevel         string        `env:"LOG_LEVEL" envDefault:"info"`
	WithWorker       string        `env:"WITH_WORKER" envDefault:"auto"`

	OTelDisabled       bool    `env:"OTEL_SDK_DISABLED"`
	OTelLogsExporter   string  `env:"OTEL_LOGS_EXPORTER" envDefault:"none"`
	OTelLogsEndpoint   string  `env:"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"`
	OTelTracesExporter string  `env:"OTEL_TRACES_EXPORTER" envDefault:"otlp"`
	OTelEndpoint       string  `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	OTelTracesEndpoint string  `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"`
	OTelProtocol       string  `env:"OTEL_EXPORTER_OTLP_PROTOCOL" envDefault:"http/protobuf"`
	OTelHeaders        string  `env:"OTEL_EXPORTER_OTLP_HEADERS" secret:"true"`
	OTelServiceName    string  `env:"OTEL_SERVICE_NAME" envDefault:"devicegate"`
	OTelResource       string  `env:"OTEL_RESOURCE_ATTRIBUTES"`
	OTelSampler        string  `env:"OTEL_TRACES_SAMPLER" envDefault:"parentbased_always_on"`
	OTelSamplerArg     float64 `env:"OTEL_TRACES_SAMPLER_ARG" envDefault:"1"`
}

// parse reads the settings and names each one that cannot be read.
func parse(vars map[string]string) (environment, problems) {
	wrong := problems{settled: map[string]bool{}}
	var e environment
	known, _ := values(vars, &wrong)
	err := env.ParseWithOptions(&e, env.Options{Environment: known})
	if e.WebURL == "" {
		e.WebURL = e.PublicURL
	}
	wrong.unreadable(err)
	return e, wrong
}

// unreadable words what could not be read with the names that operators use,
// not with those of our fields.
func (p *problems) unreadable(err error) {
	var all env.AggregateError
	if !errors.As(err, &all) && err != nil {
		p.lines = append(p.lines, err)
		return
	}
	for _, one := range all.Errors {
		var unread env.ParseError
		if !errors.As(one, &unread) {
			p.lines = append(p.lines, one)
			continue
		}
		field, _ := reflect.TypeFor[environment]().FieldByName(unread.Name)
		p.settle(field.Tag.Get("env"), "cannot be read: %v", unread.Err)
	}
}
