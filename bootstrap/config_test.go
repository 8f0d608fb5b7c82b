package bootstrap

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	t.Run("the smallest configuration is enough", func(t *testing.T) {
		c, err := Load(smallest())
		if err != nil {
			t.Fatal(err)
		}
		if c.WebURL.String() != "https://sso.example.com" || c.License != "active" || !c.HTTP.LegacyRoutes {
			t.Errorf("got web %s, license %s, legacy %t", c.WebURL, c.License, c.HTTP.LegacyRoutes)
		}
		if c.Database.URL != "sqlite:data/devicegate.db" {
			t.Errorf("got database %s", c.Database.URL)
		}
		if got := time.Duration(c.TokenLife); got != 14*24*time.Hour {
			t.Errorf("tokens live for %s", got)
		}
	})

	t.Run("a Dify .env works as it is", func(t *testing.T) {
		c, err := Load(map[string]string{
			"CONSOLE_API_URL": "https://api.example.com", "CONSOLE_WEB_URL": "https://console.example.com",
			"SECRET_KEY": strings.Repeat("k", 42), "DB_USERNAME": "dify", "DB_PASSWORD": "p/w", "DB_HOST": "db",
			"DB_PORT": "5433", "DB_DATABASE": "dify", "REDIS_HOST": "redis", "REDIS_PASSWORD": "secret", "REDIS_DB": "2",
		})
		if err != nil {
			t.Fatal(err)
		}
		if c.PublicURL.String() != "https://api.example.com" || c.WebURL.String() != "https://console.example.com" {
			t.Errorf("got %s and %s", c.PublicURL, c.WebURL)
		}
		if c.Database.URL != "postgres://dify:p%2Fw@db:5433/dify" || c.Redis.URL != "redis://:secret@redis:6379/2" {
			t.Errorf("got other stores than named")
		}
	})

	t.Run("an own name wins over its alias", func(t *testing.T) {
		c, err := Load(smallest("CONSOLE_API_URL", "https://other.example"))
		if err != nil || c.PublicURL.Host != "sso.example.com" {
			t.Errorf("got %v, %v", c.PublicURL, err)
		}
	})

	for _, wrong := range []struct{ setting, value, because string }{
		{"PUBLIC_URL", "", "is required"},
		{"PUBLIC_URL", "sso.example.com", "is not an http(s) address"},
		{"PUBLIC_URL", "https://user@sso.example.com", "leave out user, query and fragment"},
		{"PUBLIC_URL", "https://sso.example.com/?a=b", "leave out user, query and fragment"},
		{"PUBLIC_URL", "ftp://sso.example.com", "is not an http(s) address"},
		{"WEB_URL", "/device", "is not an http(s) address"},
		{"SECRET_KEY", "", "is required"},
		{"SECRET_KEY", "tooshort", "has 8 bytes"},
		{"SECRET_KEY", publicKeys[0], "a default that everybody knows"},
		{"SECRET_KEY_PREVIOUS", publicKeys[0], "a default that everybody knows"},
		{"OAUTH_TTL_DAYS", "0", "lies outside"},
		{"OAUTH_TTL_DAYS", "366", "lies outside"},
		{"OAUTH_TTL_DAYS", "two", "cannot be read"},
		{"TRUSTED_PROXIES", "10.0.0.0/33", "is not a network"},
		{"LEGACY_ROUTES", "yes", "is none of on, off"},
		{"LEGACY_SUNSET", "2020-01-01T00:00:00Z", "lies before"},
		{"LEGACY_SUNSET", "soon", "cannot be read"},
		{"LICENSE_STATUS", "maybe", "is none of"},
		{"ENTERPRISE_API_URL", "inner:8080", "is not an http(s) address"},
		{"SAML_CLOCK_SKEW", "1h", "use 0s to 10m"},
		{"SAML_SP_KEY_FILE", "missing.pem", "no such file"},
		{"CONNECTIONS_FILE", "missing.yaml", "no such file"},
		{"ACCOUNT_DIRECTORY", "ldap", "is none of"},
		{"MIGRATE", "maybe", "is none of"},
		{"LOG_LEVEL", "loud", "is none of"},
		{"OPENAPI_CORS_ALLOW_ORIGINS", "console.example.com", "is not an http(s) address"},
		{"BRAND_COLOR", "reddish", "BRAND_COLOR"},
	} {
		t.Run(wrong.setting+" may not be "+wrong.value, func(t *testing.T) {
			_, err := Load(smallest(wrong.setting, wrong.value))
			if err == nil || !strings.Contains(err.Error(), wrong.setting) || !strings.Contains(err.Error(), wrong.because) {
				t.Errorf("got %v", err)
			}
			if wrong.setting == "SECRET_KEY" && wrong.value != "" && strings.Contains(err.Error(), wrong.value) {
				t.Error("the error repeats the key")
			}
		})
	}
}

func TestConnectionsFile(t *testing.T) {
	for name, c := range map[string]struct{ file, setting, because string }{
		"a name that is not known":       {"connections:\n  - slug: acme\n    domain: [acme.example]\n", "CONNECTIONS_FILE", "unknown field"},
		"a connection without metadata":  {"connections:\n  - slug: acme\n    domains: [acme.example]\n", "connection acme", "metadata_file"},
		"a connection without domains":   {"connections:\n  - slug: acme\n    metadata_url: https://idp.example/\n", "connection acme", "domains"},
		"metadata that is not there":     {"connections:\n  - slug: acme\n    domains: [acme.example]\n    metadata_file: none.xml\n", "connection acme", "no such file"},
		"two of one slug":                {"connections:\n" + strings.Repeat("  - {slug: acme, domains: [acme.example], metadata_url: 'https://idp.example/'}\n", 2), "CONNECTIONS_FILE", "two of that slug"},
		"a broker that nobody can reach": {"connections:\n  - {slug: acme, domains: ['*'], broker: enterprise}\n", "connection acme", "ENTERPRISE_API_URL"},
		"weakness without a name":        {"connections:\n  - {slug: acme, domains: ['*'], metadata_url: 'https://idp.example/', allow_weak: [md5]}\n", "connection acme", "md5"},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "connections.yaml")
			if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(smallest("CONNECTIONS_FILE", path))
			if err == nil || !strings.Contains(err.Error(), c.setting) || !strings.Contains(err.Error(), c.because) {
				t.Errorf("got %v", err)
			}
		})
	}

	t.Run("legacy routes stay on while an identity provider needs them", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "connections.yaml")
		text := "connections:\n  - {slug: acme, domains: [acme.example], metadata_url: 'https://idp.example/', acs_mount: legacy}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(smallest("CONNECTIONS_FILE", path, "LEGACY_ROUTES", "off"))
		if err == nil || !strings.Contains(err.Error(), "LEGACY_ROUTES") || !strings.Contains(err.Error(), "acme") {
			t.Errorf("got %v", err)
		}
	})
}
