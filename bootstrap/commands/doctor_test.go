package commands

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func TestTheDoctorsExitCodesAreForScripts(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("SECRET_KEY", strings.Repeat("k", 42))
	t.Setenv("PUBLIC_ULR", "https://sso.example.com")
	for what, c := range map[string]struct {
		doctor             doctorCommand
		publicURL, proxies string
		code               int
	}{
		"warnings":                      {doctorCommand{Offline: true}, "https://sso.example.com", "10.0.0.0/8", 0},
		"warnings, strict":              {doctorCommand{Offline: true, Strict: true}, "https://sso.example.com", "10.0.0.0/8", 1},
		"a failure":                     {doctorCommand{Offline: true, JSON: true}, "https://sso.example.com", "0.0.0.0/0", 1},
		"settings that cannot be right": {doctorCommand{JSON: true}, "", "", 2},
	} {
		t.Run(what, func(t *testing.T) {
			t.Setenv("PUBLIC_URL", c.publicURL)
			t.Setenv("TRUSTED_PROXIES", c.proxies)
			var out bytes.Buffer
			err := c.doctor.Run(t.Context(), &out)
			code := 0
			if coded := kong.ExitCoder(nil); errors.As(err, &coded) {
				code = coded.ExitCode()
			}
			if code != c.code || (err == nil) != (c.code == 0) {
				t.Errorf("got exit code %d (%v), want %d", code, err, c.code)
			}
			if !strings.Contains(out.String(), "PUBLIC_ULR: is no setting") {
				t.Errorf("got %s, want the misspelt setting", out.String())
			}
			if c.doctor.JSON && !json.Valid(out.Bytes()) || out.Len() == 0 {
				t.Errorf("got %s, want a report", out.String())
			}
		})
	}
}
