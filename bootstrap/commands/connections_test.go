package commands

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
)

// program runs command lines over one SQLite file with the schema of now.
type program struct {
	t   *testing.T
	dir string
}

func newProgram(t *testing.T) *program {
	t.Helper()
	databasetest.File(t, settle(t))
	return &program{t, t.TempDir()}
}

func (p *program) file(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// run returns what a command line prints, and how it ends.
func (p *program) run(args ...string) (string, error) {
	p.t.Helper()
	var out bytes.Buffer
	parser, err := kong.New(new(commands), kong.BindTo(p.t.Context(), (*context.Context)(nil)), kong.BindTo(io.Writer(&out), (*io.Writer)(nil)))
	if err != nil {
		p.t.Fatal(err)
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		p.t.Fatal(err)
	}
	err = chosen.Run()
	return out.String(), err
}

// says wants a command line to succeed and to print each of these.
func (p *program) says(args []string, want ...string) string {
	p.t.Helper()
	out, err := p.run(args...)
	if err != nil {
		p.t.Errorf("%s: got %v, want no error after\n%s", strings.Join(args, " "), err, out)
	}
	for _, text := range want {
		if !strings.Contains(out, text) {
			p.t.Errorf("%s: got\n%s\nwant %q in it", strings.Join(args, " "), out, text)
		}
	}
	return out
}

// refuses wants a command line to fail with that error, and to print each of these.
func (p *program) refuses(args []string, failure string, want ...string) {
	p.t.Helper()
	out, err := p.run(args...)
	if err == nil || !strings.Contains(err.Error(), failure) {
		p.t.Errorf("%s: got %v, want %q", strings.Join(args, " "), err, failure)
	}
	for _, text := range want {
		if !strings.Contains(out, text) {
			p.t.Errorf("%s: got\n%s\nwant %q in it", strings.Join(args, " "), out, text)
		}
	}
}

func TestConnectionsAreKeptByCommands(t *testing.T) {
	p := newProgram(t)
	line := func(text string) []string { return strings.Fields(text) }
	acme := p.file("acme.xml", string(samltest.NewIdP(t, "https://idp.acme.example").Metadata()))
	other := p.file("other.xml", string(samltest.NewIdPWithKey(t, "https://other.example", samltest.RSAKey(t, 1)).Metadata()))

	p.says(line("connections add acme --domain acme.example --public --dry-run --as ann --metadata-file "+acme), "entityID: https://idp.acme.example", "can be added")
	p.says(line("connections add acme --domain acme.example --public --as ann --metadata-file "+acme), "key: ", "was added")
	p.refuses(line("connections add twin --domain acme.example --as ann --metadata-file "+acme), "nothing was changed",
		"PROBLEM domains: acme.example belongs to connection acme", "PROBLEM entity_id: https://idp.acme.example is the identity provider of connection acme")
	p.refuses(line("connections add bad --domain acme --acs-mount old --as ann --metadata-file "+p.file("page.html", "<html>")), "nothing was changed",
		`domains: "acme" is not a domain`, `acs_mount "old"`, "an HTML page came instead of metadata")
	p.says(line("connections list"), "acme  database  1         saml    acme.example  canonical  document  good")
	p.says(line("connections test acme"), "is good")
	p.says(line("connections edit acme --name ACME --revision 1 --as ann"), "name: ACME, was acme", "has revision 2")
	p.refuses(line("connections edit acme --name Acme --revision 1 --as bob"), "Read it again")
	p.refuses(line("connections edit acme --name Acme --revision 0 --as bob"), "counts from 1")
	p.refuses(line("connections remove acme --revision 0 --yes --as bob"), "counts from 1")
	p.refuses(line("connections edit acme --as bob --metadata-file /dev/zero"), "larger than 32 MiB")
	p.says(line("connections edit acme --no-public --as ann --metadata-file "+other), "public: false, was true", "metadata: key added", "metadata: key removed", "warning entity_id: it is another identity provider")
	p.says(line("connections show acme"), "slug: acme", "from: database", "revision: 3", "by ann", "entityID: https://other.example")
	p.refuses(line("connections refresh acme --as ann"), "is a document")
	p.refuses(line("connections show nobody"), "List the connections")

	exported := p.file("exported.yaml", p.says(line("connections export"), "name: ACME", "metadata:"))
	p.says(line("connections apply --as ann -f "+exported), "The database has what the file lists")
	text, err := os.ReadFile(exported)
	if err != nil {
		t.Fatal(err)
	}
	changed := p.file("changed.yaml", strings.Replace(string(text), "name: ACME", "name: Acme Corp", 1)+"  - {slug: globex, domains: [globex.example], metadata_file: acme.xml}\n")
	diff := []string{"~ acme\n    name: Acme Corp, was ACME", "+ globex\n", "    domains: globex.example"}
	p.refuses(line("connections apply --as ann -f "+changed), "repeat this with --yes", diff...)
	p.says(line("connections apply --as ann --yes -f "+changed), append(diff, "2 changes were made")...)
	p.refuses(line("connections apply --as ann --prune -f "+exported), "repeat this with --yes", "- globex", "~ acme")
	p.says(line("connections apply --as ann -f "+p.file("one.yaml", "connections: []\n")), "Not in the file, and kept without --prune: acme, globex")

	p.says(line("connections remove acme --as ann"), "would be removed")
	p.says(line("connections remove acme --as ann --yes"), "was removed")
	if out := p.says(line("connections list")); strings.Contains(out, "acme ") {
		t.Errorf("got\n%s\nwant no acme", out)
	}
}

func TestAConflictOfFileAndDatabaseIsReportedAndCanBeSolved(t *testing.T) {
	p := newProgram(t)
	acme := p.file("acme.xml", string(samltest.NewIdP(t, "https://idp.acme.example").Metadata()))
	p.says([]string{"connections", "add", "acme", "--domain", "acme.example", "--as", "ann", "--metadata-file", acme})
	t.Setenv("CONNECTIONS_FILE", p.file("connections.yaml", "connections:\n  - {slug: acme, domains: [acme.example], metadata_file: acme.xml}\n  - {slug: b, domains: [b.example], metadata_url: 'https://b.example/'}\n"))
	p.says([]string{"connections", "list"}, "acme  file", "acme  database", "PROBLEM connection acme is in CONNECTIONS_FILE and in the database", "b: PROBLEM metadata: it was not fetched yet")
	p.refuses([]string{"connections", "edit", "b", "--name", "B", "--as", "ann"}, "comes from CONNECTIONS_FILE")
	p.says([]string{"connections", "remove", "acme", "--as", "ann", "--yes"}, "was removed")
	p.says([]string{"connections", "list"}, "acme  file")
}
