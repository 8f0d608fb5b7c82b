package commands

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/bootstrap/config"
)

func TestConfigPrintsInvalidSettingsAndFails(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PUBLIC_URL", "https://sso.example.com")
	t.Setenv("SECRET_KEY", "short-hunter2")
	var out bytes.Buffer
	if err := (configCommand{}).Run(&out); !errors.As(err, new(configError)) || !strings.Contains(err.Error(), "SECRET_KEY: has 13 bytes") {
		t.Errorf("got %v, want an error of the configuration that names SECRET_KEY", err)
	}
	if got := out.String(); !strings.Contains(got, "SECRET_KEY") || strings.Contains(got, "hunter2") {
		t.Errorf("got %s, want SECRET_KEY without its value", got)
	}

	t.Setenv("SECRET_KEY", strings.Repeat("k", 42))
	out.Reset()
	if err := (configCommand{JSON: true}).Run(&out); err != nil {
		t.Fatal(err)
	}
	var all []config.Setting
	if err := json.Unmarshal(out.Bytes(), &all); err != nil || len(all) < 40 {
		t.Errorf("got %d settings, %v, want at least 40", len(all), err)
	}
}
