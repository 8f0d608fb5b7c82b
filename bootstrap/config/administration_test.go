package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/domain/secret"
)

// administratorNamed makes a line for ADMIN_TOKENS and its token.
func administratorNamed(t *testing.T, text string) (line string, token secret.Text) {
	t.Helper()
	name, err := administrator.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	made, token := administrator.NewCredential(name)
	return made.String(), token
}

func TestAdminTokens(t *testing.T) {
	ann, annToken := administratorNamed(t, "ann")
	next, nextToken := administratorNamed(t, "ann")
	bot, botToken := administratorNamed(t, "bot")
	file := filepath.Join(t.TempDir(), "admins")
	if err := os.WriteFile(file, []byte(ann+","+next+", "+bot+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, vars := range map[string]map[string]string{
		"a setting": smallest("OPS_ADDR", "127.0.0.1:9090", "ADMIN_TOKENS", ann+","+next+", "+bot),
		"a file":    smallest("OPS_ADDR", "localhost:9090", "ADMIN_TOKENS_FILE", file),
	} {
		c, err := Load(vars)
		if err != nil || len(c.Warnings) != 0 {
			t.Fatalf("%s: got %v and the warnings %v, want none", name, err, c.Warnings)
		}
		for want, tokens := range map[string][]secret.Text{"ann": {annToken, nextToken}, "bot": {botToken}} {
			for _, token := range tokens {
				if got, err := c.Admins.Authenticate(token); err != nil || got.String() != want {
					t.Errorf("%s: got %s and %v, want %s", name, got, err, want)
				}
			}
		}
	}
	for setting, vars := range map[string]map[string]string{
		"ADMIN_TOKENS": smallest("ADMIN_TOKENS", ann),
		"OPS_ADDR":     smallest("ADMIN_TOKENS", ann, "OPS_ADDR", ":9090"),
	} {
		c, err := Load(vars)
		if err != nil || len(c.Warnings) != 1 || c.Warnings[0].Setting != setting {
			t.Errorf("got %v and %v, want a warning about %s", err, c.Warnings, setting)
		}
	}
}

func TestAdminTokensThatCannotBeRead(t *testing.T) {
	ann, token := administratorNamed(t, "ann")
	_, hash, _ := strings.Cut(ann, ":")
	for wrong, entry := range map[string]string{
		"ann": "entry 1", ann + ",": "entry 2", ann + "," + "bot:" + hash[1:]: "entry 2", "a b:" + hash: "entry 1",
		"ann:" + token.Reveal(): "entry 1", token.Reveal(): "entry 1", ann + ",bot:" + hash: "entry 2", ann + "," + ann: "entry 2",
	} {
		_, err := Load(smallest("ADMIN_TOKENS", wrong, "OPS_ADDR", "localhost:0"))
		if err == nil || !strings.HasPrefix(err.Error(), "ADMIN_TOKENS: "+entry) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want one line about %s", err, entry)
		}
		if err != nil && strings.Contains(err.Error(), token.Reveal()) {
			t.Error("got a token in the message, want it left out")
		}
	}
}

func TestOpsTLSFilesAreCheckedAtTheStart(t *testing.T) {
	_, err := Load(smallest("OPS_ADDR", "localhost:0", "OPS_TLS_CERT_FILE", "/nowhere/tls.crt"))
	if err == nil || !strings.Contains(err.Error(), "OPS_TLS_CERT_FILE: ") || !strings.Contains(err.Error(), "OPS_TLS_KEY_FILE: ") {
		t.Errorf("got %v, want both settings named", err)
	}
}
