package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
)

func TestConnectionsFile(t *testing.T) {
	for name, c := range map[string]struct{ file, setting, because string }{
		"a name that is not known":      {"connections:\n  - slug: acme\n    domain: [acme.example]\n", "CONNECTIONS_FILE", "unknown field"},
		"a connection without metadata": {"connections:\n  - slug: acme\n    domains: [acme.example]\n", "connection acme", "metadata_file"},
		"a connection without domains":  {"connections:\n  - slug: acme\n    metadata_url: https://idp.example/\n", "connection acme", "domains"},
		"metadata that is not there":    {"connections:\n  - slug: acme\n    domains: [acme.example]\n    metadata_file: none.xml\n", "connection acme", "no such file"},
		"metadata that is not any":      {"connections:\n  - {slug: acme, domains: [acme.example], metadata_file: bad.xml}\n", "connection acme", "no EntityDescriptor"},
		"metadata that is empty":        {"connections:\n  - {slug: acme, domains: [acme.example], metadata_file: empty.xml}\n", "connection acme", "is empty"},
		"metadata by no web address":    {"connections:\n  - {slug: acme, domains: [acme.example], metadata_url: 'ftp://u:hunter2@idp.example/'}\n", "connection acme", "http or https"},
		"an empty list of signers":      {"connections:\n  - {slug: acme, domains: [acme.example], metadata_url: 'https://idp.example/', metadata_signers: empty.xml}\n", "connection acme", "is empty"},
		"a value of another kind":       {"connections:\n  - {slug: acme, domains: [acme.example], metadata_url: 'https://idp.example/', public: perhaps}\n", "connection acme", "public: a bool is wanted, not a string"},
		"a connection without a slug":   {"connections:\n  - {domains: [acme.example], metadata_url: 'https://idp.example/'}\n", "connection #1", "slug"},
		"what is no connection":         {"connections:\n  - acme\n", "connection #1", "mapping is expected"},
		"a name beside connections":     {"connection: []\n", "CONNECTIONS_FILE", "unknown field \"connection\""},
		"what is no YAML":               {"connections: [", "CONNECTIONS_FILE", "not found"},
		"two of one entityID":           {"connections:\n  - {slug: acme, domains: [acme.example], entity_id: urn:idp, metadata_url: 'https://idp.example/'}\n  - {slug: beta, domains: [beta.example], entity_id: urn:idp, metadata_url: 'https://idp.example/'}\n", "connection beta", "entity_id: urn:idp is the identity provider of connection acme already"},
		"two of one slug":               {"connections:\n" + strings.Repeat("  - {slug: acme, domains: [acme.example], metadata_url: 'https://idp.example/'}\n", 2), "CONNECTIONS_FILE", "two of that slug"},
		"a broker without an address":   {"connections:\n  - {slug: acme, domains: ['*'], broker: enterprise}\n", "connection acme", "ENTERPRISE_API_URL"},
		"weakness without a name":       {"connections:\n  - {slug: acme, domains: ['*'], metadata_url: 'https://idp.example/', allow_weak: [md5]}\n", "connection acme", "md5"},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			_, err := Load(smallest("CONNECTIONS_FILE", connections(t, c.file)))
			if err == nil || !strings.Contains(err.Error(), c.setting) || !strings.Contains(err.Error(), c.because) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want the setting and the reason", err)
			}
		})
	}

	t.Run("nothing that is wrong hides anything else, and every line names the connection", func(t *testing.T) {
		_, err := Load(smallest("CONNECTIONS_FILE", connections(t, `
title: ours
typo: 1
connections:
  - {slug: one, domain: [a.example], metadata_file: bad.xml, sign_requests: often, colour: red}
  - {slug: two, domains: [b], metadata_file: none.xml, metadata_signers: bad.xml, allow_weak: [md5, md4], signed_assertions: maybe, name_id_format: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}
  - {slug: three, broker: enterprise, acs_mount: legacy}
  - {slug: two, domains: [c.example], metadata_url: 'https://idp.example/', public: perhaps}
`)))
		if err == nil {
			t.Fatal("got no error, want a refusal")
		}
		got := strings.Split(err.Error(), "\n")
		want := []string{
			`CONNECTIONS_FILE: "title"`, `CONNECTIONS_FILE: "typo"`,
			`connection one: "colour"`, `connection one: "domain"`, "connection one: sign_requests", "connection one: domains", "connection one: no EntityDescriptor",
			"connection two: domains", `connection two: "md5"`, `connection two: "md4"`, "connection two: none.xml", "connection two: signers",
			"connection two: transient", `connection two: "maybe"`,
			"connection three: domains", "connection three: ENTERPRISE_API_URL",
			"connection two: bool", "connection two: two of that slug",
		}
		if len(got) != len(want) {
			t.Errorf("got %d lines, want %d", len(got), len(want))
		}
		for _, w := range want {
			who, what, _ := strings.Cut(w, ": ")
			if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, who+": ") && strings.Contains(line, what) }) {
				t.Errorf("got no line with %s, want one of %s", what, who)
			}
		}
		if t.Failed() {
			t.Log("\n" + err.Error())
		}
	})

	t.Run("a domain belongs to one connection", func(t *testing.T) {
		_, err := Load(smallest("CONNECTIONS_FILE", connections(t, "connections:\n"+
			"  - {slug: one, domains: [a.example, '*'], metadata_url: 'https://one.example/'}\n"+
			"  - {slug: two, domains: [b.example, A.example, '*'], metadata_url: 'https://two.example/'}\n")))
		if err == nil || !strings.Contains(err.Error(), "connection two: domains: a.example belongs to connection one") || strings.Count(err.Error(), "belongs to") != 1 {
			t.Errorf("got %v, want a.example refused in connection two", err)
		}
	})

	t.Run("a file without end is refused", func(t *testing.T) {
		_, err := Load(smallest("CONNECTIONS_FILE", "/dev/zero"))
		if err == nil || !strings.Contains(err.Error(), "CONNECTIONS_FILE: /dev/zero is larger than 32 MiB") {
			t.Errorf("got %v, want it too large", err)
		}
	})

	t.Run("an anchor may be shared by connections", func(t *testing.T) {
		c, err := Load(smallest("CONNECTIONS_FILE", connections(t, "connections:\n"+
			"  - {slug: one, domains: [a.example], allow_weak: &w [sha1], metadata_url: 'https://one.example/'}\n"+
			"  - {slug: two, domains: [b.example], allow_weak: *w, metadata_url: 'https://two.example/'}\n")))
		if err != nil || len(c.Connections.All()) != 2 || !c.Connections.All()[1].Settings().SAML.AllowSHA1 {
			t.Errorf("got %v, %v, want both connections", c.Connections, err)
		}
	})

	t.Run("metadata that can be used is accepted, even if it has expired", func(t *testing.T) {
		c, err := Load(smallest("CONNECTIONS_FILE", connections(t, "connections:\n  - {slug: acme, domains: [acme.example], metadata_file: good.xml}\n")))
		if err != nil || len(c.Connections.All()[0].Settings().SAML.Metadata) == 0 {
			t.Errorf("got %v, want the metadata of the file", err)
		}
	})
}

// connections writes a connections file, and some metadata beside it.
func connections(t *testing.T, text string) (path string) {
	t.Helper()
	good := string(samltest.NewIdP(t, "https://idp.example").Metadata())
	dir := t.TempDir()
	for name, content := range map[string]string{
		"connections.yaml": text, "bad.xml": "<x/>", "empty.xml": "\n",
		"good.xml": strings.Replace(good, " entityID=", ` validUntil="2020-01-01T00:00:00Z" entityID=`, 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "connections.yaml")
}
