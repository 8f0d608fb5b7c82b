package commands

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
)

func TestClientCommands(t *testing.T) {
	file := settle(t)
	databasetest.File(t, file)
	dir := filepath.Dir(file)
	script := filepath.Join(dir, "script.svg")
	if err := os.WriteFile(script, []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`), 0o600); err != nil {
		t.Fatal(err)
	}
	clients := filepath.Join(dir, "clients.yaml")
	if err := os.WriteFile(clients, []byte("clients:\n  - id: filed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CLIENTS_FILE", clients)
	for _, c := range []struct {
		args []string
		want string // in what is printed, or in the error
	}{
		{[]string{"add", "cli", "--name", "CLI", "--scopes", "apps:run orders:read", "--scope-text", "orders:read/en=see your orders, all", "--token-ttl", "36h", "--connections", "acme,beta"}, "Added."},
		{[]string{"show", "cli"}, `"see your orders, all"`},
		{[]string{"add", "cli"}, "client_exists"},
		{[]string{"add", "x", "--name", "<b>", "--token-ttl=-3h"}, "token_ttl: -3h0m0s"},
		{[]string{"add", "x", "--icon", script}, `the element "script" is not allowed`},
		{[]string{"add", "filed"}, "client_in_file"},
		{[]string{"suspend", "filed"}, "client_in_file"},
		{[]string{"edit", "cli", "--publisher", "Dify", "--token-ttl="}, "Changed."},
		{[]string{"edit", "cli", "--publisher", "Dify"}, "nothing was changed"},
		{[]string{"edit", "none", "--name", "X"}, "unknown_client"},
		{[]string{"suspend", "difyctl"}, "Suspended."},
		{[]string{"suspend", "difyctl", "--revoke"}, "add --yes"},
		{[]string{"suspend", "difyctl", "--revoke", "--yes"}, "Revoked 0 tokens"},
		{[]string{"list"}, "difyctl  difyctl  database  suspended"},
		{[]string{"list"}, "filed    filed    file      allowed"},
		{[]string{"list", "--json"}, `"source": "file"`},
		{[]string{"allow", "difyctl"}, "Allowed."},
		{[]string{"remove", "difyctl", "--yes"}, "client_in_environment"},
		{[]string{"remove", "difyctl"}, "client_in_environment"},
		{[]string{"remove", "none"}, "unknown_client"},
		{[]string{"remove", "cli"}, "Nothing was changed"},
		{[]string{"remove", "cli", "--revoke"}, "and its tokens end"},
		{[]string{"add", "x", "--connections="}, "--connections is empty"},
		{[]string{"add", "x", "--name", ""}, "--name is empty"},
		{[]string{"edit", "cli", "--connections", " "}, "--connections is blank"},
		{[]string{"show", "cli"}, `"version": 2`},
		{[]string{"remove", "cli", "--yes"}, "Removed."},
		{[]string{"show", "cli"}, "unsupported_client"},
	} {
		out, err := run(t, append(append([]string{"clients"}, c.args...), "--as", "ops")...)
		if err != nil {
			out += err.Error()
		}
		if !strings.Contains(out, c.want) {
			t.Errorf("%v: got %s, want %s in it", c.args, out, c.want)
		}
	}
}
