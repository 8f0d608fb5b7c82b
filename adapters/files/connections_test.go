package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/setting"
	"github.com/devicegate/devicegate/ports/porttest"
)

// refusesBad is a [Check] that refuses metadata that says so.
func refusesBad(via connection.Connection) error {
	if strings.Contains(string(via.Settings().SAML.Metadata), "bad") {
		return errors.New("metadata is bad")
	}
	return nil
}

// folder holds a connections file.
type folder struct {
	t    *testing.T
	dir  string
	logs bytes.Buffer
}

func newFolder(t *testing.T, slugs ...string) *folder {
	f := &folder{t: t, dir: t.TempDir()}
	f.write("idp.xml", "good")
	f.connections(slugs...)
	return f
}

func (f *folder) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) connections(slugs ...string) {
	text := "connections:\n"
	for _, slug := range slugs {
		text += fmt.Sprintf("  - {slug: %s, domains: [%s.example], metadata_file: idp.xml}\n", slug, slug)
	}
	f.write("connections.yaml", text)
}

func (f *folder) open() *Connections {
	f.t.Helper()
	cfg := Config{Path: filepath.Join(f.dir, "connections.yaml"), Check: refusesBad}
	c, err := Open(cfg, slog.New(slog.NewTextHandler(&f.logs, nil)))
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func served(t *testing.T, c *Connections) string {
	t.Helper()
	d, err := c.Connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, via := range d.All() {
		all = append(all, via.Slug()+"="+string(via.Settings().SAML.Metadata))
	}
	return strings.Join(all, " ")
}

func TestConnections(t *testing.T) {
	porttest.Connections(t, func(t *testing.T) porttest.ConnectionsUnderTest {
		f := newFolder(t)
		c := f.open()
		return porttest.ConnectionsUnderTest{Connections: c, Replace: func(slugs ...string) {
			f.connections(slugs...)
			c.Reload(t.Context())
		}}
	})
}

func TestChangesAreTakenUpByTheSecondReading(t *testing.T) { // contract §10.17
	for name, change := range map[string]struct {
		make func(*folder)
		want string
	}{
		"the connections file": {func(f *folder) { f.connections("a", "b") }, "a=good b=good"},
		"a metadata file":      {func(f *folder) { f.write("idp.xml", "good, too") }, "a=good, too"}, // F44
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, "a")
			c := f.open()
			c.poll(t.Context())
			change.make(f)
			c.poll(t.Context())
			if got := served(t, c); got != "a=good" {
				t.Errorf("got %q after one reading, want the file to settle first", got)
			}
			c.poll(t.Context())
			if got := served(t, c); got != change.want {
				t.Errorf("got %q, want %q", got, change.want)
			}
		})
	}
}

func TestRunTakesUpChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFolder(t, "a")
		c := f.open()
		ctx, stop := context.WithCancel(t.Context())
		go c.Run(ctx)
		f.connections("b")
		for range 3 {
			time.Sleep(pollInterval) // of the bubble's clock
			synctest.Wait()
		}
		if got := served(t, c); got != "b=good" {
			t.Errorf("got %q, want b", got)
		}
		stop()
		synctest.Wait()
	})
}

// Kubernetes puts files into a folder that a symbolic link names, and swaps it.
func TestASwappedSymbolicLinkIsAChange(t *testing.T) {
	old, next := newFolder(t, "a"), newFolder(t, "b")
	mounted := &folder{t: t, dir: t.TempDir()}
	link := filepath.Join(mounted.dir, "..data")
	for file, to := range map[string]string{"..data": old.dir, "connections.yaml": "..data/connections.yaml", "idp.xml": "..data/idp.xml"} {
		if err := os.Symlink(to, filepath.Join(mounted.dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	c := mounted.open()
	if err := os.Symlink(next.dir, link+"_tmp"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+"_tmp", link); err != nil {
		t.Fatal(err)
	}
	c.poll(t.Context())
	c.poll(t.Context())
	if got := served(t, c); got != "b=good" {
		t.Errorf("got %q, want b", got)
	}
}

func TestInvalidFilesChangeNothing(t *testing.T) {
	for name, harm := range map[string]func(*folder){
		"no YAML":                    func(f *folder) { f.write("connections.yaml", "connections: [") },
		"an unknown name":            func(f *folder) { f.write("connections.yaml", "connection: []\n") },
		"one bad connection of two":  func(f *folder) { f.connections("b", "NO") },
		"metadata that is refused":   func(f *folder) { f.write("idp.xml", "bad") },
		"metadata that is empty":     func(f *folder) { f.write("idp.xml", "") },
		"metadata that is gone":      func(f *folder) { _ = os.Remove(filepath.Join(f.dir, "idp.xml")) },
		"a connections file is gone": func(f *folder) { _ = os.Remove(filepath.Join(f.dir, "connections.yaml")) },
		"two of one slug":            func(f *folder) { f.connections("b", "b") },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, "a")
			c := f.open()
			c.OnChange(func(connection.Directory) error {
				t.Error("got the directory applied, want it refused before")
				return nil
			})
			harm(f)
			for range 5 {
				c.poll(t.Context())
			}
			if got := served(t, c); got != "a=good" || c.Current() {
				t.Errorf("got %q, current %t, want a=good, not current", got, c.Current())
			}
			if n := strings.Count(f.logs.String(), "level=ERROR"); n != 1 {
				t.Errorf("got %d errors logged, want 1:\n%s", n, &f.logs)
			}
			f.logs.Reset()
			c.Reload(t.Context())
			if !strings.Contains(f.logs.String(), "level=ERROR") {
				t.Errorf("got the log %s, want the error again after an explicit reload", &f.logs)
			}
		})
	}
}

func TestAFileThatIsMendedIsTakenUp(t *testing.T) {
	f := newFolder(t, "a")
	c := f.open()
	f.write("connections.yaml", "connections: [")
	c.Reload(t.Context())
	f.connections("a", "b")
	c.poll(t.Context())
	c.poll(t.Context())
	if got := served(t, c); got != "a=good b=good" || !c.Current() {
		t.Errorf("got %q, current %t, want a and b, current", got, c.Current())
	}
}

func TestConnectionsThatCannotBeAppliedAreNotServed(t *testing.T) {
	f := newFolder(t, "a")
	c := f.open()
	c.OnChange(func(d connection.Directory) error {
		if _, err := d.Find("b"); err == nil {
			return errors.New("no room for b")
		}
		return nil
	})
	f.connections("b")
	c.Reload(t.Context())
	if got := served(t, c); got != "a=good" || c.Current() || !strings.Contains(f.logs.String(), "no room for b") {
		t.Errorf("got %q, current %t, want a=good, not current, and the reason in\n%s", got, c.Current(), &f.logs)
	}
	f.connections("c")
	c.Reload(t.Context())
	if got := served(t, c); got != "c=good" || !c.Current() {
		t.Errorf("got %q, current %t, want c", got, c.Current())
	}
}

func TestErrorsNameTheConnection(t *testing.T) {
	f := newFolder(t)
	f.write("connections.yaml", "connections:\n  - {slug: a, domains: [a.example]}\n  - {domains: [b.example], metadata_file: idp.xml}\n")
	_, err := Read(filepath.Join(f.dir, "connections.yaml"), refusesBad)
	var names []string
	for _, one := range setting.Split(err) {
		var wrong setting.Problem
		if !errors.As(one, &wrong) {
			t.Fatalf("got %v, want an error that names its connection", one)
		}
		names = append(names, wrong.Field)
	}
	if got := strings.Join(names, ", "); got != "connection a, connection #2" {
		t.Errorf("got the fields %s in %v, want connection a, connection #2", got, err)
	}
}
