package commands

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/devicegate/devicegate/adapters/database"
)

// moving sets the least settings for commands, with a migrated database and two
// connections.
func moving(t *testing.T) {
	t.Helper()
	db, err := database.Open(database.Config{URL: "sqlite:" + settle(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := database.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	file := filepath.Join(t.TempDir(), "connections.yaml")
	if err := os.WriteFile(file, []byte(`connections:
  - {slug: acme, name: ACME Corp, domains: [acme.example], acs_mount: legacy, metadata_url: "https://id.acme.example/realms/acme/protocol/saml/descriptor"}
  - {slug: beta, domains: [beta.example], metadata_url: "https://beta.okta.com/app/x/sso/saml/metadata"}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONNECTIONS_FILE", file)
}

// run is what a command prints.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var c commands
	var out bytes.Buffer
	parser := kong.Must(&c, kong.BindTo(t.Context(), (*context.Context)(nil)), kong.BindTo(&out, (*io.Writer)(nil)))
	chosen, err := parser.Parse(args)
	if err == nil {
		err = chosen.Run()
	}
	return out.String(), err
}

func TestMigrationCommands(t *testing.T) {
	moving(t)
	for _, c := range []struct {
		args string
		want string // in what is printed, or in the error
	}{
		{"status", `acme +legacy +silent, no sign-in yet +never +never +- +yes\n`},
		{"status", `beta +canonical +silent, no sign-in yet +never +never +- +no\n`},
		{"status --json", `"connection": "acme",\s+"registered": "legacy",\s+"advertised": "legacy",\s+"state": "silent"`},
		{"status none", `connection none: unknown_connection`},
		{"text acme", `(?s)for ACME Corp.*/openapi/v1/oauth/device/sso-complete.*Keycloak Admin Console.*https://sso.example.com/saml/metadata`},
		{"text beta", `Okta Admin Console`},
		{"text acme --idp adfs", `Relying Party Trusts`},
		{"text none", `unknown_connection`},
		{"test acme --as ops", `https://sso.example.com/saml/test\?link=[A-Za-z0-9_-]{43}\n`},
		{"test none --as ops", `unknown_connection`},
		{"status acme", `(?s)registered +legacy \(acs_mount\).*last test +not opened yet; made .* by ops`},
		{"advance --all-proven --as ops", `nothing to move`},
		{"advance acme --as ops", `move_not_proven`},
		{"advance", `name connections, or use --all-proven`},
		{"advance acme --all-proven", `name connections, or use --all-proven`},
		{"advance acme --unproven --as ops", `With --yes this would move: acme`},
		{"close --as ops", `connection acme: its requests name the legacy callback`},
		{"advance acme --unproven --yes --as ops", `Moved: acme`},
		{"status acme", `(?s)requests name +canonical.*moved .* by ops`},
		{"close --as ops", `LEGACY_ROUTES=off`},
		{"revert acme --yes --as ops", `Moved back: acme`},
		{"revert acme --yes --as ops", `nothing_to_move`},
	} {
		out, err := run(t, append([]string{"migration"}, strings.Fields(c.args)...)...)
		if err != nil {
			out += err.Error()
		}
		if !regexp.MustCompile(c.want).MatchString(out) {
			t.Errorf("migration %s: got\n%s\nwant %s", c.args, out, c.want)
		}
	}
}
