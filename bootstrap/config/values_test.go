package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// secretFile writes a file that holds text.
func secretFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestEverySecretCanComeFromAFile(t *testing.T) { // contract §10.18
	key := strings.Repeat("s", 42)
	for name, text := range map[string]string{
		"SECRET_KEY": key, "SECRET_KEY_PREVIOUS": key, "ENTERPRISE_API_SECRET_KEY": "shared", "DB_PASSWORD": "pass word",
		"REDIS_PASSWORD": "pass", "DATABASE_URL": "postgres://u:p@db/x", "REDIS_URL": "redis://:p@cache",
	} {
		for ending, text := range map[string]string{"no line end": text, "a line end": text + "\n", "a Windows line end": text + "\r\n"} {
			t.Run(name+" with "+ending, func(t *testing.T) {
				vars := smallest("DB_HOST", "db", "REDIS_HOST", "cache", "ENTERPRISE_API_URL", "http://inner", "ENTERPRISE_API_SECRET_KEY", "other", name+"_FILE", secretFile(t, text))
				delete(vars, name)
				got, err := Load(vars)
				if err != nil {
					t.Fatal(err)
				}
				delete(vars, name+"_FILE")
				vars[name] = strings.TrimRight(text, "\r\n")
				want, err := Load(vars)
				if err != nil {
					t.Fatal(err)
				}
				got.Database.Clock = want.Database.Clock // each has its own
				if got.Database != want.Database || got.Redis != want.Redis || got.Enterprise.Secret.Reveal() != want.Enterprise.Secret.Reveal() ||
					string(got.Enterprise.SigningKey) != string(want.Enterprise.SigningKey) || !slices.EqualFunc(got.Enterprise.PreviousKeys, want.Enterprise.PreviousKeys, slices.Equal) {
					t.Error("got another configuration from the file, want the one of the variable itself")
				}
			})
		}
	}
	for _, v := range variables() {
		if looksSecret := strings.Contains(v.name, "PASSWORD") || strings.Contains(v.name, "SECRET_KEY") || v.name == "DATABASE_URL" || v.name == "REDIS_URL" || v.name == "INTROSPECTION_CLIENTS" || v.name == "ADMIN_TOKENS" || v.name == "OTEL_EXPORTER_OTLP_HEADERS" || v.name == "SMTP_URL" || v.name == "AUDIT_WEBHOOK_URL" || v.name == "AUDIT_WEBHOOK_SECRET"; looksSecret != v.secret {
			t.Errorf("%s: got secret %t, want %t", v.name, v.secret, looksSecret)
		}
	}
}

func TestAnInvalidSecretFileIsRefused(t *testing.T) {
	for what, c := range map[string]struct{ file, because string }{
		"missing":         {filepath.Join(t.TempDir(), "none"), "no such file"},
		"a directory":     {t.TempDir(), "is a directory"},
		"empty":           {secretFile(t, ""), "is empty"},
		"only a line end": {secretFile(t, "\r\n"), "is empty"},
		"too large":       {secretFile(t, strings.Repeat("hunter2", secretFileMax)), "is larger than"},
	} {
		t.Run(what, func(t *testing.T) {
			vars := smallest("SECRET_KEY_FILE", c.file)
			delete(vars, "SECRET_KEY")
			wantOneLine(t, vars, "SECRET_KEY_FILE", c.because)
		})
	}
	wantOneLine(t, smallest("SECRET_KEY_FILE", secretFile(t, strings.Repeat("f", 42))), "SECRET_KEY", "set twice")
	if _, err := Load(smallest("SECRET_KEY_FILE", "")); err != nil {
		t.Errorf("Load(an empty variable) = %v, want it as not set", err)
	}
}

// wantOneLine checks that the settings are refused with one line that starts
// with the name, gives the reason, and repeats no secret.
func wantOneLine(t *testing.T, vars map[string]string, name, because string) {
	t.Helper()
	_, err := Load(vars)
	if err == nil {
		t.Error("got no error, want one line")
		return
	}
	if line := err.Error(); !strings.HasPrefix(line, name+": ") || !strings.Contains(line, because) || strings.Contains(line, "\n") || strings.Contains(line, "hunter2") {
		t.Errorf("got %q, want one line: %s: … %s", line, name, because)
	}
}

func TestInvalidSecretsAreRefusedByName(t *testing.T) { // F51
	key := "hunter2" + strings.Repeat("k", 42)
	for what, c := range map[string]struct{ value, because string }{
		"double quotes":          {`"` + key + `"`, "quotes"},
		"single quotes":          {`'` + key + `'`, "quotes"},
		"typographic quotes":     {"“" + key + "”", "quotes"},
		"quotes and a line end":  {`"` + key + "\"\n", "quotes"},
		"two line ends":          {key + "\n\n", "line end"},
		"a wrapped line":         {key + "\n" + key, "line end"},
		"a blank at the end":     {key + " ", "blank"},
		"a blank at the start":   {" " + key, "blank"},
		"a no-break space":       {key + "\u00a0", "blank"},
		"a tab":                  {key + "\t" + key, "control character"},
		"a NUL":                  {key + "\x00", "control character"},
		"a byte order mark":      {"\ufeff" + key, "cannot be seen"},
		"a zero-width space":     {key + "\u200b", "cannot be seen"},
		"bytes that are no text": {key + "\xff", "UTF-8"},
		"only blanks":            {"   ", "blanks"},
		"its name":               {"SECRET_KEY=" + key, "name of a setting"},
		"its name, blanks":       {"SECRET_KEY = " + key, "name of a setting"},
		"its name, a blank":      {" SECRET_KEY=" + key, "name of a setting"},
		"its name in YAML":       {"SECRET_KEY: " + key, "name of a setting"},
		"its name in JSON":       {`"SECRET_KEY":"` + key + `"`, "name of a setting"},
		"its name, quotes":       {`SECRET_KEY="` + key + `"`, "name of a setting"},
		"a whole line in quotes": {`"SECRET_KEY=` + key + `"`, "name of a setting"},
		"its name, exported":     {"export SECRET_KEY=" + key, "name of a setting"},
		"its name in PowerShell": {"$env:SECRET_KEY=" + key, "name of a setting"},
		"its name for Docker":    {"-e SECRET_KEY=" + key, "name of a setting"},
		"a list item's name":     {"- SECRET_KEY=" + key, "name of a setting"},
		"another one's name":     {"SECRET_KEY_PREVIOUS=" + key, "name of a setting"},
		"its file's name":        {"SECRET_KEY_FILE=" + key, "name of a setting"},
		"an alias":               {"CONSOLE_API_URL=" + key, "name of a setting"},
		"a shell placeholder":    {"$(openssl rand -base64 42) hunter2", "placeholder"},
		"a compose placeholder":  {"${HUNTER2}", "placeholder"},
		"a Helm placeholder":     {"{{ .Values.hunter2 }}", "placeholder"},
	} {
		for _, name := range []string{"SECRET_KEY", "SECRET_KEY_PREVIOUS", "ENTERPRISE_API_SECRET_KEY", "DB_PASSWORD", "REDIS_PASSWORD", "DATABASE_URL", "REDIS_URL"} {
			t.Run(what+" in "+name, func(t *testing.T) {
				wantOneLine(t, smallest("ENTERPRISE_API_URL", "http://inner", "ENTERPRISE_API_SECRET_KEY", "shared", name, c.value), name, c.because)
				vars := smallest("ENTERPRISE_API_URL", "http://inner", "ENTERPRISE_API_SECRET_KEY", "shared", name+"_FILE", secretFile(t, c.value))
				delete(vars, name)
				wantOneLine(t, vars, name+"_FILE", c.because)
			})
		}
	}
	wantOneLine(t, map[string]string{"CONSOLE_API_URL": `"https://sso.example.com"`, "SECRET_KEY": key}, "CONSOLE_API_URL", "quotes")

	for _, value := range []string{`pass"word`, `"`, "pass word", "pässword", "$ecret", "'tis"} {
		c, err := Load(smallest("DB_HOST", "db", "DB_PASSWORD", value))
		if err != nil || !strings.HasPrefix(c.Database.URL, "postgres://postgres:") {
			t.Errorf("password %q: got %v, want it accepted", value, err)
		}
	}
}

func TestOneTrailingLineEndIsCut(t *testing.T) { // F51
	c, err := Load(smallest("SECRET_KEY", strings.Repeat("k", 42)+"\n", "REDIS_HOST", "cache", "REDIS_PASSWORD", "p\r\n", "PUBLIC_URL", "https://sso.example.com\n"))
	if err != nil {
		t.Fatal(err)
	}
	if string(c.Enterprise.SigningKey) != strings.Repeat("k", 42) || c.Redis.URL != "redis://:p@cache:6379/0" || c.PublicURL.String() != "https://sso.example.com" {
		t.Errorf("got key %q, redis %q, public URL %q, want them without the line end", c.Enterprise.SigningKey, c.Redis.URL, c.PublicURL)
	}
}

func TestPortsThatKubernetesSetsAreIgnored(t *testing.T) { // F52
	c, err := Load(smallest("REDIS_HOST", "redis", "REDIS_PORT", "tcp://10.0.0.1:6379", "DB_HOST", "db", "DB_PORT", "tcp://10.0.0.2:5432"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Redis.URL != "redis://redis:6379/0" || !strings.HasSuffix(c.Database.URL, "@db:5432/dify") {
		t.Errorf("got %s and %s, want the default ports", c.Redis.URL, c.Database.URL)
	}
	var warned []string
	for _, w := range c.Warnings {
		warned = append(warned, w.Setting)
	}
	if slices.Sort(warned); !slices.Equal(warned, []string{"DB_PORT", "REDIS_PORT"}) {
		t.Errorf("got warnings of %v, want DB_PORT and REDIS_PORT", warned)
	}
}

func TestAPasswordThatEndsTheURLTooEarlyIsRefused(t *testing.T) { // F50
	for _, address := range []string{
		"gate:p@hunter2#w@host", "gate:#hunter2@host", "gate:12/hunter2@host", "gate:12?hunter2@host", "gate:12?a=hunter2@host",
		"gate:p@12/hunter2@host", "gate:p@hunter2?w@host", "gate:p%hunter2@host", "gate:p@host/#hunter2",
	} {
		wantOneLine(t, smallest("DATABASE_URL", "postgres://"+address+"/db"), "DATABASE_URL", "%40")
		wantOneLine(t, smallest("REDIS_URL", "redis://"+address+"/0"), "REDIS_URL", "%40")
	}
	for _, address := range []string{"gate:p%40ss%23w@host", "gate:p@ss@host", "gate@host"} {
		if _, err := Load(smallest("DATABASE_URL", "postgres://"+address+"/db", "REDIS_URL", "redis://"+address+"/0")); err != nil {
			t.Errorf("%s: got %v, want no error", address, err)
		}
	}
}

func TestAddressesAreNormal(t *testing.T) { // F27
	for given, want := range map[string]string{
		"https://SSO.Example.COM":          "https://sso.example.com",
		"HTTPS://sso.example.com:443/":     "https://sso.example.com",
		"http://sso.example.com:80":        "http://sso.example.com",
		"https://sso.example.com:80":       "https://sso.example.com:80",
		"https://sso.example.com:":         "https://sso.example.com",
		"https://sso.example.com:0443":     "https://sso.example.com",
		"http://sso.example.com:08080":     "http://sso.example.com:8080",
		"https://[2001:DB8::1]:443/gate//": "https://[2001:db8::1]/gate",
		"https://sso.example.com/Gate":     "https://sso.example.com/Gate",
		"https://sso.example.com/a%2Fb/":   "https://sso.example.com/a%2Fb",
	} {
		c, err := Load(smallest("PUBLIC_URL", given))
		if err != nil || c.PublicURL.String() != want || c.WebURL.String() != want || c.SAML.PublicURL != want {
			t.Errorf("PUBLIC_URL %s: got %v, %v, want %s", given, c.PublicURL, err, want)
		}
		c, err = Load(smallest("WEB_URL", given))
		if err != nil || c.WebURL.String() != want {
			t.Errorf("WEB_URL %s: got %v, %v, want %s", given, c.WebURL, err, want)
		}
	}
}

// F27: browsers send an international name as xn--….
func TestAddressesWithInternationalNamesAreRefused(t *testing.T) {
	for _, given := range []string{"https://bücher.example", "https://b%C3%BCcher.example:8443/gate"} {
		for _, name := range []string{"PUBLIC_URL", "WEB_URL"} {
			wantOneLine(t, smallest(name, given), name, "write an international name as xn--…")
		}
	}
}

func TestTheDatabasePoolCanBeSet(t *testing.T) { // F59
	c, err := Load(smallest("DB_MAX_CONNS", "40", "DB_MAX_IDLE_CONNS", "5", "DB_CONN_MAX_LIFETIME", "10m"))
	if err != nil || c.Database.MaxConns != 40 || c.Database.MaxIdleConns != 5 || c.Database.ConnMaxLifetime.String() != "10m0s" {
		t.Errorf("got %+v, %v, want what was set", c.Database, err)
	}
	for name, values := range map[string][]string{
		"DB_MAX_CONNS": {"1", "-1", "1001", "many"}, "DB_MAX_IDLE_CONNS": {"-1", "1001"}, "DB_CONN_MAX_LIFETIME": {"-1s", "1ms", "hour"},
	} {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) { wantOneLine(t, smallest(name, value), name, "") })
		}
	}
}
