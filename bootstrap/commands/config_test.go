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

	t.Setenv("PUBLIC_ULR", "hunter2")
	out.Reset()
	if err := (configCommand{}).Run(&out); err == nil || !strings.Contains(err.Error(), "PUBLIC_ULR: is no setting and is ignored (environment); was PUBLIC_URL meant?") {
		t.Errorf("got %v, want the misspelt setting beside what cannot be right", err)
	}
	t.Setenv("SECRET_KEY", strings.Repeat("k", 42))
	out.Reset()
	if err := (configCommand{}).Run(&out); err != nil || strings.Count(out.String(), "PUBLIC_ULR") != 1 || !strings.Contains(out.String(), "\nwarning: PUBLIC_ULR is no setting") || strings.Contains(out.String(), "hunter2") {
		t.Errorf("got %s, %v, want one warning of PUBLIC_ULR without its value", out.String(), err)
	}
	out.Reset()
	if err := (configCommand{JSON: true}).Run(&out); err != nil {
		t.Fatal(err)
	}
	var all []config.Setting
	if err := json.Unmarshal(out.Bytes(), &all); err != nil || len(all) < 40 {
		t.Fatalf("got %d settings, %v, want at least 40", len(all), err)
	}
	if last := all[len(all)-1]; last.Name != "PUBLIC_ULR" || last.Source != "environment" || last.Value != "" || last.Warning == "" {
		t.Errorf("got %v, want the misspelt setting", last)
	}
}
