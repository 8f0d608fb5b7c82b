package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// smallest are the settings without which nothing starts.
func smallest(with ...string) map[string]string {
	vars := map[string]string{"PUBLIC_URL": "https://sso.example.com", "SECRET_KEY": strings.Repeat("k", secretKeyMin)}
	for i := 0; i < len(with); i += 2 {
		vars[with[i]] = with[i+1]
	}
	return vars
}

func TestLoad(t *testing.T) {
	t.Run("the smallest configuration is enough", func(t *testing.T) {
		c, err := Load(smallest())
		if err != nil {
			t.Fatal(err)
		}
		if c.WebURL.String() != "https://sso.example.com" || c.License != "active" || !c.HTTP.LegacyRoutes {
			t.Errorf("got web %s, license %s, legacy %t, want PUBLIC_URL, active, true", c.WebURL, c.License, c.HTTP.LegacyRoutes)
		}
		if !c.HSTS || c.ShutdownDelay != 10*time.Second {
			t.Errorf("got HSTS %t, shutdown delay %s, want true, 10s", c.HSTS, c.ShutdownDelay)
		}
		if c.Database.URL != "sqlite:data/devicegate.db" {
			t.Errorf("got the database %s, want a file in data", c.Database.URL)
		}
		if got := time.Duration(c.TokenLife); got != 14*24*time.Hour {
			t.Errorf("got tokens that live for %s, want 14 days", got)
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
			t.Errorf("got %s and %s, want the addresses of the aliases", c.PublicURL, c.WebURL)
		}
		if c.Database.URL != "postgres://dify:p%2Fw@db:5433/dify" || c.Redis.URL != "redis://:secret@redis:6379/2" {
			t.Errorf("got other stores, want those named")
		}
	})

	t.Run("HSTS can be left to a proxy", func(t *testing.T) { // F55
		if c, err := Load(smallest("HSTS", "off")); err != nil || c.HSTS {
			t.Errorf("got HSTS %t, %v, want it off", c.HSTS, err)
		}
	})

	t.Run("an own name wins over its alias", func(t *testing.T) {
		c, err := Load(smallest("CONSOLE_API_URL", "https://other.example"))
		if err != nil || c.PublicURL.Host != "sso.example.com" {
			t.Errorf("got %v, %v, want the own name's value", c.PublicURL, err)
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
		{"LEGACY_ROUTES", "yes", "is none of on, off, force-off"},
		{"LEGACY_SUNSET", "2020-01-01T00:00:00Z", "lies before"},
		{"LEGACY_SUNSET", "soon", "cannot be read"},
		{"LICENSE_STATUS", "maybe", "is none of"},
		{"LICENSE_GRACE", "0s", "use more than 0s"},
		{"LICENSE_GRACE", "-1h", "use more than 0s"},
		{"ENTERPRISE_API_URL", "inner:8080", "is not an http(s) address"},
		{"SAML_CLOCK_SKEW", "1h", "use 0s to 10m"},
		{"SAML_SP_KEY_FILE", "missing.pem", "no such file"},
		{"CONNECTIONS_FILE", "missing.yaml", "no such file"},
		{"ACCOUNT_DIRECTORY", "ldap", "is none of"},
		{"MIGRATE", "maybe", "is none of"},
		{"LOG_LEVEL", "loud", "is none of"},
		{"HSTS", "max-age=1", "is none of"},
		{"OPENAPI_CORS_ALLOW_ORIGINS", "console.example.com", "is not an http(s) address"},
		{"BRAND_COLOR", "reddish", "BRAND_COLOR"},
		{"BRAND_NAME", strings.Repeat("n", 41), "at most 40"},
		{"SUPPORT_URL", "ftp://help.example", "https: or mailto:"},
		{"SHUTDOWN_DELAY", "-1s", "use 0s to 10m"},
		{"SHUTDOWN_DELAY", "11m", "use 0s to 10m"},
		{"LISTEN_ADDR", "zz", "no address to listen on"},
		{"LISTEN_ADDR", "localhost:", "no address to listen on"},
		{"LISTEN_ADDR", ":99999", "no address to listen on"},
		{"LISTEN_ADDR", "a b:80", "no address to listen on"},
		{"OPS_ADDR", "zz", "no address to listen on"},
		{"OPS_ADDR", ":8080", "a port of its own"},
		{"DATABASE_URL", "mysql://u:hunter2@x", "use postgres://"},
		{"DATABASE_URL", "postgres://u:hunter2@db:bad/x", "use postgres://"},
		{"DATABASE_URL", "postgres://u:hunter2@db:99999/x", "use postgres://"},
		{"DATABASE_URL", "postgres://u:hunter2@db:5432,standby/x", "each with its port"},
		{"DATABASE_URL", "postgres://u:hunter2@db/x?sslmode=perhaps", "use postgres://"},
		{"DATABASE_URL", "/var/lib/hunter2.db", "use postgres://"},
		{"DATABASE_URL", "sqlite:///", "use postgres://"},
		{"DATABASE_URL", "sqlite:///dir/", "use postgres://"},
		{"DATABASE_URL", "sqlite:///x.db?key=hunter2", "use postgres://"},
		{"DATABASE_URL", "sqlite:%zz", "use postgres://"},
		{"REDIS_URL", "http://u:hunter2@cache", "use redis://"},
		{"REDIS_URL", "redis://u:hunter2@127.0.0.1:bad port", "use redis://"},
		{"REDIS_URL", "redis://u:hunter2@127.0.0.1:99999", "use redis://"},
		{"REDIS_URL", "redis://:12/hunter2@cache", "use redis://"},
		{"REDIS_URL", "redis://cache/-1", "use redis://"},
		{"REDIS_URL", "redis://cache?db=-1", "use redis://"},
		{"REDIS_URL", "redis:cache", "use redis://"},
		{"REDIS_URL", "unix://", "use redis://"},
		{"REDIS_URL", "hunter2:6379", "use redis://"},
		{"PUBLIC_URL", "http://u:hunter2@sso.example.com", "leave out user"},
		{"PUBLIC_URL", "http://u:hunter2@sso.example.com:bad", "leave out user"},
		{"PUBLIC_URL", "u:hunter2@sso.example.com", "leave out user"},
		{"PUBLIC_URL", "https://sso.example.com:bad?key=hunter2", "leave out user"},
		{"PUBLIC_URL", "https://sso.example.com:99999", "is not an http(s) address"},
		{"PUBLIC_URL", "https://:8080", "is not an http(s) address"},
		{"PUBLIC_URL", "https://sso.example.com/" + strings.Repeat("p", 240), "set SAML_ENTITY_ID"},
		{"WEB_URL", "http://u:hunter2@console.example.com", "leave out user"},
		{"ENTERPRISE_API_URL", "http://u:hunter2@inner", "leave out user"},
		{"COOKIE_DOMAIN", "bad domain", "is not a domain"},
		{"COOKIE_DOMAIN", ".", "is not a domain"},
		{"COOKIE_DOMAIN", "bücher.example", "is not a domain"},
		{"COOKIE_DOMAIN", "example.org", "the host of PUBLIC_URL"},
		{"COOKIE_DOMAIN", "ample.com", "the host of PUBLIC_URL"},
		{"COOKIE_DOMAIN", "www.sso.example.com", "the host of PUBLIC_URL"},
		{"COOKIE_DOMAIN", "com", "the host of PUBLIC_URL"},
		{"OPENAPI_CORS_ALLOW_ORIGINS", "https://a.example/path", "is not an origin"},
		{"OPENAPI_CORS_ALLOW_ORIGINS", "https://u:hunter2@a.example", "leave out user"},
		{"OPENAPI_CORS_ALLOW_ORIGINS", "*.example.com", "is not an http(s) address"},
		{"OPENAPI_KNOWN_CLIENT_IDS", ",", "1 to 64 characters"},
		{"SAML_ENTITY_ID", "a b", "no blanks"},
		{"SAML_ENTITY_ID", "https://" + strings.Repeat("x", 1024), "at most 255 characters"},
	} {
		t.Run(wrong.setting+" may not be "+wrong.value, func(t *testing.T) {
			_, err := Load(smallest("ENTERPRISE_API_SECRET_KEY", "shared", wrong.setting, wrong.value))
			if err == nil {
				t.Fatal("got no error, want a refusal")
			}
			if line := err.Error(); !strings.HasPrefix(line, wrong.setting+": ") || !strings.Contains(line, wrong.because) || strings.Contains(line, "\n") {
				t.Errorf("want one line, got %v", err)
			}
			if strings.Contains(err.Error(), "hunter2") || wrong.setting == "SECRET_KEY" && wrong.value != "" && strings.Contains(err.Error(), wrong.value) {
				t.Errorf("got a secret in %v, want none", err)
			}
		})
	}

	t.Run("all that is wrong is told at once, each thing once", func(t *testing.T) {
		_, err := Load(smallest("LISTEN_ADDR", "zz", "OPS_ADDR", "zy", "DATABASE_URL", "mysql://x", "REDIS_URL", "http://x", "SAML_ENTITY_ID", "a b",
			"OPENAPI_CORS_ALLOW_ORIGINS", "https://a.example/x,b", "OPENAPI_KNOWN_CLIENT_IDS", ",", "TRUSTED_PROXIES", ",", "OAUTH_TTL_DAYS", "two", "LOG_LEVEL", "loud"))
		if err == nil {
			t.Fatal("got no error, want a refusal")
		}
		var named []string
		for line := range strings.SplitSeq(err.Error(), "\n") {
			setting, _, _ := strings.Cut(line, ":")
			named = append(named, setting)
		}
		slices.Sort(named)
		want := []string{
			"DATABASE_URL", "LISTEN_ADDR", "LOG_LEVEL", "OAUTH_TTL_DAYS", "OPENAPI_CORS_ALLOW_ORIGINS", "OPENAPI_CORS_ALLOW_ORIGINS",
			"OPENAPI_KNOWN_CLIENT_IDS", "OPS_ADDR", "REDIS_URL", "SAML_ENTITY_ID", "TRUSTED_PROXIES",
		}
		if !slices.Equal(named, want) {
			t.Errorf("got\n%v\nwant a line for each setting", err)
		}
	})

	t.Run("a part of a store's address is named by its own setting", func(t *testing.T) {
		for _, wrong := range []struct{ setting, value string }{
			{"DB_PORT", "bad"},
			{"DB_PORT", "0"},
			{"DB_HOST", "d b"},
			{"DB_HOST", "u:hunter2@db"},
			{"REDIS_PORT", "bad"},
			{"REDIS_DB", "-1"},
			{"REDIS_DB", "one"},
			{"REDIS_HOST", "u:hunter2@cache"},
			{"DATA_DIR", "\x00"},
		} {
			vars := smallest("DB_HOST", "db", "DB_PASSWORD", "hunter2", "REDIS_HOST", "cache", "REDIS_PASSWORD", "hunter2")
			if vars[wrong.setting] = wrong.value; wrong.setting == "DATA_DIR" {
				delete(vars, "DB_HOST")
			}
			_, err := Load(vars)
			if err == nil || !strings.HasPrefix(err.Error(), wrong.setting+": ") || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s=%s: got %v, want one line with its name", wrong.setting, wrong.value, err)
			}
		}
	})

	t.Run("one part that is wrong does not hide another", func(t *testing.T) {
		_, err := Load(smallest("DB_HOST", "d b", "DB_PORT", "x", "REDIS_HOST", "c a", "REDIS_PORT", "x", "REDIS_DB", "x"))
		for _, setting := range []string{"DB_HOST", "DB_PORT", "REDIS_HOST", "REDIS_PORT", "REDIS_DB"} {
			if err == nil || !strings.Contains("\n"+err.Error(), "\n"+setting+": ") {
				t.Errorf("got %[2]v, want a line of %[1]s", setting, err)
			}
		}
	})

	t.Run("what is right is not refused", func(t *testing.T) {
		for _, right := range [][]string{
			{"LISTEN_ADDR", "localhost:http"},
			{"LISTEN_ADDR", "[::1]:8080"},
			{"LISTEN_ADDR", ":0", "OPS_ADDR", ":0"},
			{"DATABASE_URL", "postgresql://u:p@db_postgres,standby:5433/name?sslmode=disable"},
			{"DATABASE_URL", "postgres://u:p@db:5432,standby:5433/name?target_session_attrs=read-write"},
			{"DATABASE_URL", "sqlite:////var/lib/x.db"},
			{"DATABASE_URL", "sqlite::memory:"},
			{"DB_HOST", "::1"},
			{"DB_HOST", "db_postgres"},
			{"REDIS_URL", "rediss://:p@cache:6380/2?skip_verify=true"},
			{"REDIS_URL", "redis://cache?db=3&addr=other:6379"},
			{"REDIS_URL", "unix:///run/redis.sock?db=1"},
			{"REDIS_HOST", "::1"},
			{"COOKIE_DOMAIN", "example.com"},
			{"COOKIE_DOMAIN", ".Example.com", "WEB_URL", "https://console.EXAMPLE.com"},
			{"COOKIE_DOMAIN", "localhost", "PUBLIC_URL", "http://localhost:8080"},
			{"COOKIE_DOMAIN", "example.com", "PUBLIC_URL", "http://127.0.0.1:8080"},
			{"OPENAPI_CORS_ALLOW_ORIGINS", "*"},
			{"SAML_ENTITY_ID", "urn:example:devicegate"},
			{"PUBLIC_URL", "https://sso.example.com/" + strings.Repeat("p", 240), "SAML_ENTITY_ID", "devicegate"},
			{"PUBLIC_URL", "https://sso.example.com/@team"},
		} {
			if _, err := Load(smallest(right...)); err != nil {
				t.Errorf("%v: got %v, want no error", right, err)
			}
		}
	})

	t.Run("cookies reach the page's host, too", func(t *testing.T) {
		_, err := Load(smallest("COOKIE_DOMAIN", "sso.example.com", "WEB_URL", "https://console.example.com"))
		if err == nil || !strings.HasPrefix(err.Error(), "COOKIE_DOMAIN: ") || !strings.Contains(err.Error(), "the host of WEB_URL") {
			t.Errorf("got %v, want COOKIE_DOMAIN refused", err)
		}
	})

	t.Run("origins are kept as browsers write them", func(t *testing.T) {
		c, err := Load(smallest("OPENAPI_CORS_ALLOW_ORIGINS", "https://A.example:443/, http://b.example:8080"))
		if want := []string{"https://a.example", "http://b.example:8080"}; err != nil || !slices.Equal(c.HTTP.AllowOrigins, want) {
			t.Errorf("got %q, %v, want the origins in normal form", c.HTTP.AllowOrigins, err)
		}
	})

	t.Run("a data directory of any name holds the database", func(t *testing.T) {
		c, err := Load(smallest("DATA_DIR", "/var/lib/odd #?% name"))
		if err != nil || c.Database.URL != "sqlite:/var/lib/odd%20%23%3F%25%20name/devicegate.db" {
			t.Errorf("got %s, %v, want the path escaped", c.Database.URL, err)
		}
	})
}

func TestLogLevelsAndNetworksOfTheReferenceAreAccepted(t *testing.T) {
	for level, want := range map[string]slog.Level{"WARNING": slog.LevelWarn, "CRITICAL": slog.LevelError, "INFO": slog.LevelInfo, "debug": slog.LevelDebug} {
		c, err := Load(smallest("LOG_LEVEL", level))
		if err != nil || c.LogLevel != want {
			t.Errorf("%s: got %v, %v, want %v", level, c.LogLevel, err, want)
		}
	}
	c, err := Load(smallest("TRUSTED_PROXIES", "::ffff:10.0.0.0/104, 192.0.2.7"))
	if err != nil || len(c.TrustedProxies) != 2 || c.TrustedProxies[0].String() != "10.0.0.0/8" || c.TrustedProxies[1].String() != "192.0.2.7/32" {
		t.Errorf("got %v, %v, want two networks", c.TrustedProxies, err)
	}
	for _, pair := range [][2]string{
		{"LISTEN_ADDR", "127.0.0.1:0"},
		{"LISTEN_ADDR", "[::1]:8080"},
		{"LISTEN_ADDR", ":8080"},
		{"LISTEN_ADDR", "0.0.0.0:80"},
		{"DATABASE_URL", "postgresql://u:p@db/x"},
		{"DATABASE_URL", "postgres://u:p@db:5432/x?sslmode=disable"},
		{"DATABASE_URL", "postgres:///x?host=/run/postgresql"},
		{"DATABASE_URL", "sqlite:///var/lib/x.db"},
		{"DATABASE_URL", "sqlite:x.db"},
		{"REDIS_URL", "rediss://:p@cache:6380/1"},
		{"REDIS_URL", "redis://cache"},
		{"COOKIE_DOMAIN", ".example.com"},
	} {
		if _, err := Load(smallest(pair[0], pair[1])); err != nil {
			t.Errorf("%s=%s: got %v, want no error", pair[0], pair[1], err)
		}
	}
}

func TestFilesOfPlacesAreCheckedAtStart(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "places.csv")
	if err := os.WriteFile(text, []byte("network,city\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(smallest("GEOIP_FILE", filepath.Join(dir, "none.mmdb")+", "+text))
	if err == nil {
		t.Fatal("got no error, want both files named")
	}
	for _, want := range []string{"GEOIP_FILE: stat " + dir, "GEOIP_FILE: " + text + " is no MMDB file"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	c, err := Load(smallest("GEOIP_FILE", ""))
	if err != nil || len(c.GeoIP.Files) != 0 {
		t.Errorf("got %v, %v without files, want none", c.GeoIP, err)
	}
}
