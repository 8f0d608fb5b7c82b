package files

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/setting"
)

const smallPNG = "\x89PNG\r\n\x1a\n\x00"

func writeFiles(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "clients.yaml")
}

const wholeClient = `clients:
  - id: difyctl
    name: Dify CLI
    publisher: Dify
    icon_file: icon.png
    home_page: https://example.com/
    grants: [device_code]
    scopes: [apps:run, orders:read]
    scope_texts:
      orders:read: {en: see your orders, de: Ihre Bestellungen sehen}
    token_ttl: 36h
    device_label: A terminal
    connections: [acme]
    suspended: true
  - id: tv
`

func TestAClientsFileIsRead(t *testing.T) {
	all, err := ReadClients(writeFiles(t, t.TempDir(), map[string]string{"clients.yaml": wholeClient, "icon.png": smallPNG}))
	if err != nil {
		t.Fatal(err)
	}
	c, err := all.Find("difyctl")
	s := c.Settings()
	if err != nil || s.Name != "Dify CLI" || s.Publisher != "Dify" || string(s.Icon.Bytes()) != smallPNG || s.HomePage != "https://example.com/" ||
		len(s.Grants) != 1 || s.Scopes.String() != "apps:run orders:read" || c.ScopeText("orders:read", "de") != "Ihre Bestellungen sehen" ||
		s.TokenLife != 36*time.Hour || s.Label != "A terminal" || c.MayConnect("other") || !s.Suspended || s.Source != client.File {
		t.Errorf("Find(difyctl) = %+v, %v, want it as the file has it", s, err)
	}
	if c, err := all.Find("tv"); err != nil || c.Name() != "tv" || c.CheckUsable() != nil {
		t.Errorf("Find(tv) = %+v, %v, want a usable client named tv", c, err)
	}
}

func TestEverythingThatIsWrongInAClientsFileIsNamedAtOnce(t *testing.T) {
	path := writeFiles(t, t.TempDir(), map[string]string{"clients.yaml": `clients:
  - id: a
    nmae: x
    token_ttl: -3h
    icon_file: script.svg
  - id: b
    name: "<b>x</b>"
    publisher: "x\u202Ey"
    grants: [password]
    token_ttl: soon
  - id: b
    scopes: ["apps:run full", ""]
    icon_file: gone.png
  - name: nobody
  - id: c
    suspended: {a: b}
  - just text
  - id: d
    scopes: apps:run
colour: red
`, "script.svg": `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`})
	_, err := ReadClients(path)
	for _, want := range []string{
		`client a: unknown field "nmae"`, "client a: token_ttl: -3h0m0s", `client a: icon_file: script.svg: SVG: the element "script"`,
		`client b: name: "<b>x</b>": contains markup`, "client b: publisher: ", "client b: grants: ", `client b: token_ttl: "soon"`,
		"client b: there are two of that id", `client b: scopes: "apps:run full": write one scope`, `client b: scopes: ""`, "client b: icon_file: open",
		"client #4: id: ", "client c: suspended: a bool is wanted", "client #6: ", "client d: [19:13] string was used", `CLIENTS_FILE: ` + path + `: unknown field "colour"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
	for _, one := range setting.Split(err) {
		if _, is := one.(setting.Problem); !is {
			t.Errorf("got %v, want an error that names its field", one)
		}
	}
}

func TestAClientsFileThatIsNotRightChangesNothing(t *testing.T) {
	dir, logs := t.TempDir(), new(bytes.Buffer)
	path := writeFiles(t, dir, map[string]string{"clients.yaml": wholeClient, "icon.png": smallPNG})
	c, err := OpenClients(path, slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]map[string]string{
		"a mistyped field":             {"clients.yaml": "clients:\n  - id: tv\n    nmae: x\n"},
		"two of one id":                {"clients.yaml": "clients:\n  - id: tv\n  - id: tv\n"},
		"an icon that became a script": {"clients.yaml": wholeClient, "icon.png": "<script>"},
	} {
		writeFiles(t, dir, change)
		c.Reload(t.Context())
		if !c.Get().Has("difyctl") || c.Current() {
			t.Errorf("%s: got %v, current %t, want the last good clients", name, c.Get().All(), c.Current())
		}
	}
	if !strings.Contains(logs.String(), "clients file not taken up; the last good state is served") {
		t.Errorf("got the log %s, want the refused file in it", logs)
	}
	writeFiles(t, dir, map[string]string{"clients.yaml": "clients:\n  - id: tv\n"})
	c.Reload(t.Context())
	if c.Get().Has("difyctl") || !c.Get().Has("tv") || !c.Current() {
		t.Errorf("got %v, want the new clients", c.Get().All())
	}
}
