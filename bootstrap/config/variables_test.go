package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withEnvFile reads the variables of environ and of an .env with text, which is
// in the working folder.
func withEnvFile(t *testing.T, text string, environ ...string) (Variables, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".env", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return ReadVariables(environ)
}

func TestTheEnvironmentWinsOverTheEnvFile(t *testing.T) {
	for what, c := range map[string]struct {
		file    string
		environ []string
		name    string
		want    string
	}{
		"only in the file":            {"LOG_LEVEL=debug", nil, "LOG_LEVEL", "debug"},
		"in both":                     {"LOG_LEVEL=debug", []string{"LOG_LEVEL=warn"}, "LOG_LEVEL", "warn"},
		"empty in the environment":    {"LOG_LEVEL=debug", []string{"LOG_LEVEL="}, "LOG_LEVEL", ""},
		"as an alias":                 {"PUBLIC_URL=https://file.example", []string{"CONSOLE_API_URL=https://environment.example"}, "PUBLIC_URL", ""},
		"as the file of a secret":     {"SECRET_KEY=from-the-file", []string{"SECRET_KEY_FILE=/run/secrets/key"}, "SECRET_KEY", ""},
		"as the secret, not its file": {"SECRET_KEY_FILE=/run/secrets/key", []string{"SECRET_KEY=here"}, "SECRET_KEY_FILE", ""},
		"in parts":                    {"DATABASE_URL=postgres://file/x", []string{"DB_HOST=environment"}, "DATABASE_URL", ""},
		"another ENV_FILE":            {"ENV_FILE=other", nil, "ENV_FILE", ""},
	} {
		t.Run(what, func(t *testing.T) {
			v, err := withEnvFile(t, c.file, c.environ...)
			if err != nil || v.Values[c.name] != c.want {
				t.Errorf("got %s=%q, %v, want %q", c.name, v.Values[c.name], err, c.want)
			}
		})
	}
}

func TestInvalidSettingsInAnEnvFileAreRefusedWithTheirLine(t *testing.T) {
	for text, want := range map[string]string{
		"A=b\nSECRET_KEY=“hunter2”":               ".env:2: SECRET_KEY: is written with quotes",
		"SECRET_KEY=\"hunter2\nhunter2\"":         ".env:1: SECRET_KEY: has a line end in it",
		"DATABASE_URL=postgres://u:${HUNTER2}@h/": ".env:1: DATABASE_URL: variables are not replaced in this file",
		"SECRET_KEY=hunter2\nX=y\nSECRET_KEY=z":   ".env:3: SECRET_KEY: is set to something else in line 1",
		"CONSOLE_API_URL='hunter2\tx'":            ".env:1: CONSOLE_API_URL: has a control character",
	} {
		_, err := withEnvFile(t, text)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{"SECRET_KEY=a\nSECRET_KEY=a", "SECRET_KEY='a${b'", "FOREIGN=${X}\nFOREIGN=y\nOTHER=\"a\nb\""} {
		if _, err := withEnvFile(t, text); err != nil {
			t.Errorf("%q: got %v, want nil", text, err)
		}
	}
}

func TestAnEnvFileIsOptionalUnlessItIsNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := ReadVariables(nil); err != nil {
		t.Errorf("no .env: got %v, want nil", err)
	}
	if _, err := ReadVariables([]string{"ENV_FILE=missing.env"}); err == nil || !strings.HasPrefix(err.Error(), "ENV_FILE: ") {
		t.Errorf("a file that is missing: got %v, want an error that names ENV_FILE", err)
	}
	if _, err := ReadVariables([]string{"ENV_FILE=" + os.DevNull}); err != nil {
		t.Errorf("%s: got %v, want nil", os.DevNull, err)
	}
	file := filepath.Join(t.TempDir(), "gate.env")
	if err := os.WriteFile(file, []byte("LOG_LEVEL=debug\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, err := ReadVariables([]string{"ENV_FILE=" + file}); err != nil || v.Values["LOG_LEVEL"] != "debug" {
		t.Errorf("got %q, %v, want debug", v.Values["LOG_LEVEL"], err)
	}
}
