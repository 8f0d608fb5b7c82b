package config

import (
	"slices"
	"strings"
	"testing"
)

func TestMisspeltSettingsAreWarnedOf(t *testing.T) {
	for name, want := range map[string]string{
		"PUBLIC_ULR":             "was PUBLIC_URL meant?",
		"PUBLICURL":              "was PUBLIC_URL meant?",
		"public_url":             "write PUBLIC_URL",
		"DEVICEGATE_PUBLIC_URL":  "write PUBLIC_URL",
		"PUBLIC_URL_FILE":        "write PUBLIC_URL, whose value no file can have",
		"SMTP_URI":               "was SMTP_URL meant?",
		"DATABASE_URI":           "was DATABASE_URL meant?",
		"SECRET_KEYS":            "was SECRET_KEY meant?",
		"SECRET_KEY_FIL":         "was SECRET_KEY_FILE meant?",
		"CONSOLE_API_URI":        "was CONSOLE_API_URL meant?",
		"INCIDENT_WINDOWS":       "was INCIDENT_WINDOW meant?",
		"TRUSTED_PROXY":          "", // three edits; nothing of ours begins so
		"OTEL_TRACES_SAMPLERARG": "was OTEL_TRACES_SAMPLER_ARG meant?",
	} {
		v := Variables{Values: map[string]string{name: "hunter2"}}
		checkMisspelt(t, v, name, want)
	}
}

func checkMisspelt(t *testing.T, v Variables, name, want string) {
	t.Helper()
	all := v.Misspelt()
	switch {
	case want == "" && len(all) > 0:
		t.Errorf("%s: got %v, want no warning", name, all)
	case want != "" && (len(all) != 1 || all[0].Setting != name || !strings.Contains(all[0].Text, "(environment)") || !strings.HasSuffix(all[0].Text, want)):
		t.Errorf("%s: got %v, want one that ends with %q", name, all, want)
	case want != "" && strings.Contains(all[0].Text, "hunter2"):
		t.Errorf("%s: got %v, want nothing of the value", name, all)
	}
}

func TestAnEnvFileOfOursIsHeldToOurNames(t *testing.T) {
	for text, want := range map[string]string{
		"DB_USER=x":                   "DB_USERNAME",
		"INCIDENT_LIMIT=x":            "INCIDENT_",
		"SMTP_SERVER=x":               "SMTP_URL",
		"REDIS_USE_SENTINEL=true":     "REDIS_USE_SSL",
		"audit_retention=30":          "AUDIT_RETENTION_DAYS",
		"POSTGRES_PASSWORD=x":         "",
		"COMPOSE_PROJECT_NAME=dg":     "",
		"E2E_DATABASE_URL=x":          "",
		"REDIS_USE_SENTINEL=":         "",
		"# DB_USER=x":                 "",
		"CONSOLE_API_URL=\nDB_TYPE=x": "", // Dify's
	} {
		v, err := withEnvFile(t, text)
		if err != nil {
			t.Fatal(err)
		}
		all := v.Misspelt()
		if want == "" && len(all) > 0 {
			t.Errorf("%s: got %v, want no warning", text, all)
		}
		if want != "" && (len(all) != 1 || !strings.Contains(all[0].Text, "(.env:1)") || !strings.Contains(all[0].Text, "was one of these meant? ") || !strings.Contains(all[0].Text, want)) {
			t.Errorf("%s: got %v, want one with the line that names %s", text, all, want)
		}
	}
}

// foreign are variables that other programs, orchestrators and Dify set.
const foreign = `PATH HOME USER LOGNAME SHELL TERM LANG LC_ALL PWD OLDPWD SHLVL HOSTNAME TZ TMPDIR EDITOR DISPLAY SSH_AUTH_SOCK XDG_RUNTIME_DIR
GOFLAGS GOPATH GOROOT GOPROXY GOMAXPROCS GOMEMLIMIT GODEBUG GOFIPS140 CGO_ENABLED
KUBERNETES_PORT KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_PORT_443_TCP_ADDR
DEVICEGATE_PORT DEVICEGATE_SERVICE_HOST DEVICEGATE_SERVICE_PORT DEVICEGATE_PORT_8080_TCP DEVICEGATE_SERVER DEVICEGATE_INTROSPECTION_CLIENT
DB_SERVICE_HOST DB_SERVICE_PORT DB_PORT_5432_TCP REDIS_SERVICE_HOST REDIS_SERVICE_PORT REDIS_PORT_6379_TCP REDIS_PORT_6379_TCP_ADDR
POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB POSTGRES_HOST PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGSSLMODE VALKEY_URL
HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE SSL_CERT_DIR
OTEL_METRICS_EXPORTER OTEL_LOG_LEVEL OTEL_PROPAGATORS OTEL_BSP_SCHEDULE_DELAY OTEL_EXPORTER_OTLP_TIMEOUT OTEL_EXPORTER_OTLP_METRICS_ENDPOINT
OTEL_EXPORTER_OTLP_TRACES_HEADERS OTEL_EXPORTER_OTLP_CERTIFICATE OTEL_EXPORTER_OTLP_INSECURE OTEL_EXPORTER_OTLP_TRACES_PROTOCOL
NOTIFY_SOCKET LISTEN_FDS LISTEN_PID LISTEN_FDNAMES INVOCATION_ID JOURNAL_STREAM STATE_DIRECTORY CREDENTIALS_DIRECTORY WATCHDOG_USEC
AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_REGION GITHUB_TOKEN CI DOCKER_HOST COMPOSE_FILE E2E_DATABASE_URL E2E_REDIS_URL E2E_VALKEY
JWT_SECRET SENTRY_DSN APP_URL BASE_URL API_URL SITE_URL SERVER_URL PORT HOST DEBUG LOG_FILE LOG_FORMAT LOG_FILE_MAX_SIZE
APP_WEB_URL APP_API_URL SERVICE_API_URL FILES_URL INTERNAL_FILES_URL DB_TYPE DB_PLUGIN_DATABASE REDIS_USE_SENTINEL REDIS_SENTINELS REDIS_USE_CLUSTERS
SMTP_SERVER SMTP_PORT SMTP_USERNAME SMTP_PASSWORD SMTP_USE_TLS MAIL_TYPE MAIL_DEFAULT_SEND_FROM CELERY_BROKER_URL SQLALCHEMY_POOL_SIZE
MIGRATION_ENABLED DEPLOY_ENV OAUTH_REDIRECT_PATH WEB_API_CORS_ALLOW_ORIGINS CONSOLE_CORS_ALLOW_ORIGINS HTTP_PORT HTTPS_PORT HTTP_URL DATA_ROOT
ADMIN_API_KEY LICENSE ENTERPRISE_ENABLED ENTERPRISE_API_TOKEN INNER_API_KEY POLICY_PATH WITH_PROXY BRAND MAIL PROXY_URL`

func TestVariablesOfOtherProgramsAreNotWarnedOf(t *testing.T) {
	v := Variables{Values: map[string]string{}}
	for _, name := range strings.Fields(foreign) {
		v.Values[name] = "x"
	}
	if all := v.Misspelt(); len(all) > 0 {
		t.Errorf("got %v, want no warning", all)
	}
}

func TestSettingsAreNotWarnedOf(t *testing.T) {
	v := Variables{Values: map[string]string{}}
	for name := range spelled() {
		v.Values[name] = "x"
	}
	if all := v.Misspelt(); len(all) > 0 {
		t.Errorf("got %v, want no warning", all)
	}
}

func TestMisspeltSettingsAreNamedBesideWhatIsMissing(t *testing.T) {
	v, err := withEnvFile(t, "PUBLIC_ULR=https://sso.example.com\nSECRET_KEY="+strings.Repeat("k", 42))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = v.Load(); err == nil || !strings.Contains(err.Error(), "PUBLIC_URL: is required") || !strings.Contains(err.Error(), "PUBLIC_ULR: is no setting") {
		t.Errorf("got %v, want both the setting that is missing and the misspelt one", err)
	}
	v.Values["PUBLIC_URL"] = "https://sso.example.com"
	if c, err := v.Load(); err != nil || len(c.Warnings) != 1 || c.Warnings[0].Setting != "PUBLIC_ULR" {
		t.Errorf("got %v, %v, want one warning of PUBLIC_ULR", c.Warnings, err)
	}
}

func TestEveryFamilyHasSettings(t *testing.T) {
	for _, family := range families {
		if !slices.ContainsFunc(variables(), func(s variable) bool { return strings.HasPrefix(s.name, family) }) {
			t.Errorf("got no setting that begins with %s, want one", family)
		}
	}
}
