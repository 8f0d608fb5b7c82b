package config

import (
	"encoding/json"
	"strings"
	"testing"
)

// in picks one setting.
func in(t *testing.T, all []Setting, name string) Setting {
	t.Helper()
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("got no line of %s, want one", name)
	return Setting{}
}

func TestEachSettingIsListedWithItsSource(t *testing.T) {
	key := secretFile(t, strings.Repeat("k", 42))
	v, err := withEnvFile(t, "\nCOOKIE_DOMAIN=example.com\nCONSOLE_API_URL=https://SSO.example.com/\nDB_HOST=db\n",
		"LOG_LEVEL=debug", "SECRET_KEY_FILE="+key, "OAUTH_TTL_DAYS=many", "CONSOLE_WEB_URL=https://web.example.com")
	if err != nil {
		t.Fatal(err)
	}
	all := v.Effective()
	if len(all) != len(variables()) {
		t.Errorf("got %d settings, want %d", len(all), len(variables()))
	}
	for _, want := range []Setting{
		{"LOG_LEVEL", "debug", "environment", false, ""},
		{"COOKIE_DOMAIN", "example.com", ".env:2", false, ""},
		{"PUBLIC_URL", "https://sso.example.com", ".env:3, as CONSOLE_API_URL", false, ""},
		{"WEB_URL", "https://web.example.com", "environment, as CONSOLE_WEB_URL", false, ""},
		{"SECRET_KEY", "[secret]", key + " (SECRET_KEY_FILE, environment)", true, ""},
		{"LISTEN_ADDR", ":8080", "default", false, ""},
		{"SAML_CLOCK_SKEW", "3m0s", "default", false, ""},
		{"LEGACY_SUNSET", "", "default", false, ""},
		{"OAUTH_TTL_DAYS", "many", "environment", false, ""},
		{"DATABASE_URL", "postgres://postgres:xxxxx@db:5432/dify", "DB_HOST and its companions", true, ""},
		{"DB_MAX_IDLE_CONNS", "10", "DB_MAX_CONNS", false, ""},
		{"REDIS_URL", "", "default", true, ""},
	} {
		if got := in(t, all, want.Name); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestTheListShowsNoSecret(t *testing.T) {
	vars := map[string]string{"PUBLIC_URL": "https://me:hunter2@sso.example.com", "SUPPORT_URL": "https://hunter2@help.example"}
	for _, s := range variables() {
		if s.secret {
			vars[s.name] = "hunter2" + strings.Repeat("k", 42)
		}
	}
	for _, address := range []string{
		"postgres://u:hunter2@h/x?password=hunter2&sslmode=require&sslpassword=hunter2", "postgres://u:p@hunter2#w@h/x", "postgres://u:12/hunter2@h/x",
		"redis://:hunter2@h/0", "redis://u:12?hunter2@h", "hunter2", "postgres://h/x?options=hunter2",
	} {
		vars["DATABASE_URL"], vars["REDIS_URL"] = address, address
		text, err := json.Marshal(Variables{Values: vars}.Effective())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "hunter2") {
			t.Errorf("%s: got the secret in %s, want it masked", address, text)
		}
	}
	shown := Variables{Values: map[string]string{"DATABASE_URL": "postgres://u:p@h:5433/x?sslmode=require&password=p"}}.Effective()
	if got := in(t, shown, "DATABASE_URL").Value; got != "postgres://u:xxxxx@h:5433/x?password=xxxxx&sslmode=require" {
		t.Errorf("got %s, want the address without its passwords", got)
	}
	shown = Variables{Values: map[string]string{"DATABASE_URL": "postgres://u:p@one:5432,two:5433/x?target_session_attrs=read-write"}}.Effective()
	if got := in(t, shown, "DATABASE_URL").Value; got != "postgres://u:xxxxx@one:5432,two:5433/x?target_session_attrs=read-write" {
		t.Errorf("got %s, want both hosts without the password", got)
	}
}
