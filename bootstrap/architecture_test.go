package bootstrap_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/devicegate/devicegate/"

// layers says what the packages under a folder may import: of this module the
// listed folders, and of other modules anything or, without that word, the
// standard library. The longest folder that fits is a package's layer. Packages
// under one adapter may import each other, and any of them those that are shared.
var layers = map[string][]string{
	"domain":            {"domain"},
	"ports":             {"domain", "ports"},
	"application":       {"domain", "ports", "application"},
	"migrations":        {},
	"docs":              {},
	"adapters":          adapter("anything"),
	"adapters/adminapi": adapter("application", "anything"),
	"adapters/acsui":    adapter("application", "anything"),
	"adapters/httpapi":  adapter("application", "docs", "anything"),
	"adapters/webui":    adapter("application", "anything"),
	"adapters/jobs":     adapter("application", "anything"),
	"adapters/database": adapter("migrations", "anything"),
	"bootstrap":         {"domain", "ports", "application", "adapters", "migrations", "bootstrap", "anything"},
	"e2e":               {"bootstrap", "e2e", "anything"},
	"guard":             {"guard"},     // a module of its own, for APIs
	"tools":             {"anything"},  // a module of its own, for developers and CI
	"":                  {"bootstrap"}, // the program
}

// adapter is the layer of an adapter that may import more than each of them may.
func adapter(more ...string) []string {
	return append([]string{
		"domain", "ports", "adapters/batching", "adapters/deadline", "adapters/httpserver", "adapters/lastgood", "adapters/lifecycle", "adapters/outbound", "adapters/tracing",
	}, more...)
}

func TestDependenciesPointInwards(t *testing.T) {
	files := 0
	// The files are opened here, not by a child, so that the test cache notices
	// when they change.
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() != ".." && (d.Name() == "testdata" || strings.ContainsAny(d.Name()[:1], "._")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files++
		from, err := filepath.Rel("..", filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			folder := strings.TrimPrefix(filepath.ToSlash(from), ".")
			if !allowed(folder, to) {
				t.Errorf("%s: got an import of %s, want none there", path, to)
			}
			if isContainer(to) && !mayWire(folder, filepath.Base(path)) {
				t.Errorf("%s: got an import of %s, want it in module.go files and bootstrap alone", path, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("got %d files, want at least 50", files)
	}
}

// allowed says so for code that is not a test. Tests import freely, and so do
// the packages that only tests use, whose names end in "test".
func allowed(from, to string) bool {
	inside, ours := strings.CutPrefix(to, module)
	switch {
	case strings.HasSuffix(from, "test"):
		return true
	case ours && strings.HasSuffix(inside, "test"):
		return false
	case !ours && !strings.Contains(strings.Split(to, "/")[0], "."):
		return true
	case !ours:
		inside = "anything"
	}
	if parts := strings.SplitN(from, "/", 3); parts[0] == "adapters" && under(inside, "adapters/"+parts[1]) {
		return true
	}
	own := ""
	for folder := range layers {
		if under(from, folder) && len(folder) > len(own) {
			own = folder
		}
	}
	return slices.ContainsFunc(layers[own], func(folder string) bool { return under(inside, folder) })
}

// isContainer reports whether a package is that of the container, fx, or of what
// it is built on.
func isContainer(to string) bool { return under(to, "go.uber.org/fx") || under(to, "go.uber.org/dig") }

// mayWire reports whether a file may use the container. Everything else can be
// built without it.
func mayWire(folder, file string) bool {
	return under(folder, "bootstrap") || under(folder, "adapters") && file == "module.go" || strings.HasSuffix(folder, "test")
}

func under(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func TestImportRules(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"domain/device", "time", true},
		{"domain/device", module + "domain/token", true},
		{"domain/device", module + "ports", false},
		{"domain/device", "github.com/uptrace/bun", false},
		{"ports", module + "domain/device", true},
		{"ports", module + "application", false},
		{"ports/porttest", module + "ports", true},
		{"ports", module + "ports/porttest", false},
		{"adapters/database/databasetest", module + "e2e/services", true},
		{"adapters/database", module + "adapters/database/databasetest", false},
		{"adapters/database", module + "e2e/services", false},
		{"application", module + "ports", true},
		{"application", module + "adapters/redis", false},
		{"application", "github.com/redis/rueidis", false},
		{"adapters/redis", "github.com/redis/rueidis", true},
		{"adapters/redis", module + "ports", true},
		{"adapters/redis", module + "adapters/memory", false},
		{"adapters/redis", module + "application", false},
		{"adapters/redis", module + "migrations", false},
		{"adapters/redistribution", module + "adapters/redis", false},
		{"adapters/saml", module + "adapters/saml/xmltree", true},
		{"adapters/saml/xmltree", module + "adapters/saml/verify", true},
		{"adapters/database", module + "migrations", true},
		{"adapters/httpapi", module + "application", true},
		{"adapters/httpapi", module + "adapters/httpserver", true},
		{"adapters/httpapi", module + "adapters/webui", false},
		{"adapters/adminapi", module + "application", true},
		{"adapters/adminapi", module + "adapters/httpapi", false},
		{"adapters/httpserver", module + "adapters/httpapi", false},
		{"adapters/memory", module + "bootstrap", false},
		{"bootstrap", module + "adapters/redis", true},
		{"bootstrap", module + "e2e", false},
		{"bootstrap/demo", module + "adapters/demoidp", true},
		{"migrations", module + "domain/device", false},
		{"e2e", module + "adapters/redis", false},
		{"e2e/services", "github.com/testcontainers/testcontainers-go", true},
		{"guard/internal/toyapi", module + "guard", true},
		{"guard", module + "domain/token", false},
		{"guard", "golang.org/x/sync/singleflight", false},
		{"bootstrap", module + "guard", false},
		{"", module + "bootstrap", true},
		{"", module + "adapters/database", false},
	} {
		if got := allowed(c.from, c.to); got != c.want {
			t.Errorf("%q may import %s: got %t, want %t", c.from, c.to, got, c.want)
		}
	}
	for _, c := range []struct {
		folder, file, to string
		want             bool
	}{
		{"adapters/redis", "module.go", "go.uber.org/fx", true},
		{"adapters/redis", "limiter.go", "go.uber.org/fx", false},
		{"adapters/redis", "limiter.go", "go.uber.org/fx/fxevent", false},
		{"adapters/redis", "limiter.go", "go.uber.org/dig", false},
		{"adapters/redis", "limiter.go", "go.uber.org/zap", true},
		{"application", "module.go", "go.uber.org/fx", false},
		{"bootstrap/commands", "serve.go", "go.uber.org/fx", true},
		{"e2e/bench", "service.go", "go.uber.org/fx", false},
	} {
		if got := !isContainer(c.to) || mayWire(c.folder, c.file); got != c.want {
			t.Errorf("%s/%s may import %s: got %t, want %t", c.folder, c.file, c.to, got, c.want)
		}
	}
}
