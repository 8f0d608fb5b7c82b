package commands

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/sealing"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

func TestKeysCommands(t *testing.T) {
	moving(t)
	if out, err := run(t, "keys", "list"); err == nil || !strings.Contains(err.Error(), "no SAML key yet") {
		t.Errorf("before the first start: got %s, %v, want that there is no key yet", out, err)
	}
	db, err := database.Open(database.Config{URL: os.Getenv("DATABASE_URL")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sealer, err := sealing.New(os.Getenv("SECRET_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	first := func() (spkeys.Pair, string, error) {
		pair, err := spkeys.Generate(time.Now())
		return pair, "made", err
	}
	if err := application.NewPrepareKeys(database.NewStore(db).WithSealer(sealer), first, ports.SystemClock).Execute(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"list", `(?s)^ROLE.*\nactive +2.* [0-9a-f]{64}\n$`},
		{"promote --yes", `no_next_key`},
		{"add-next --as ops", `(?s)\nactive .*\nnext `},
		{"add-next", `next_key_exists`},
		{"promote --as ops", `^next_key_too_fresh`},
		{"promote --early --as ops", `(?s)With --yes .*\nprevious `},
		{"list", `(?s)\nactive .*\nnext `},
		{"promote --early --yes --as ops", `(?s)^ROLE.*\nactive .*\nprevious `},
		{"retire --as ops", `(?s)With --yes .*\nactive [^\n]*\n$`},
		{"retire --yes --as ops", `(?s)^ROLE.*\nactive [^\n]*\n$`},
		{"retire next --yes", `no_such_key`},
		{"retire active --yes", `must be one of`},
	} {
		out, err := run(t, append([]string{"keys"}, strings.Fields(c.args)...)...)
		if err != nil {
			out += err.Error()
		}
		if !regexp.MustCompile(c.want).MatchString(out) {
			t.Errorf("keys %s: got\n%s\nwant %s", c.args, out, c.want)
		}
	}
	pair, _, err := first()
	if err != nil {
		t.Fatal(err)
	}
	text, err := pair.PEM()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "sp.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SAML_SP_KEY_FILE", file)
	if out, err := run(t, "keys", "add-next", "--as", "ops"); err == nil || !strings.Contains(err.Error(), "SAML_SP_KEY_FILE is set") {
		t.Errorf("with files: got %s, %v, want a refusal that names SAML_SP_KEY_FILE", out, err)
	}
}
