// Package deploy_test holds what stands in deploy/, compose.yaml and Dockerfile
// to the program.
package deploy_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/devicegate/devicegate/bootstrap/config"
)

// settings are the names that the program reads.
func settings() map[string]bool {
	known := map[string]bool{}
	for _, s := range (config.Variables{Values: map[string]string{}}).Effective() {
		known[s.Name] = true
		known[s.Name+"_FILE"] = s.Secret
	}
	return known
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

type composeFile struct {
	Services map[string]struct {
		Image       string            `yaml:"image"`
		Environment map[string]string `yaml:"environment"`
		Command     any               `yaml:"command"`
		ReadOnly    bool              `yaml:"read_only"`
		CapDrop     []string          `yaml:"cap_drop"`
		DependsOn   any               `yaml:"depends_on"`
		Grace       string            `yaml:"stop_grace_period"`
		Health      struct {
			StartPeriod string   `yaml:"start_period"`
			Test        []string `yaml:"test"`
		} `yaml:"healthcheck"`
	} `yaml:"services"`
	Volumes map[string]any `yaml:"volumes"`
}

func TestComposeSetsWhatIsRead(t *testing.T) {
	var file composeFile
	if err := yaml.Unmarshal([]byte(read(t, "../compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "valkey", "api", "worker", "idp"} {
		if _, has := file.Services[name]; !has {
			t.Errorf("got no service %s, want one", name)
		}
	}
	// The image makes the database on the first start, which took a slow machine longer
	// than the retries last.
	if start, err := time.ParseDuration(file.Services["postgres"].Health.StartPeriod); err != nil || start < 2*time.Minute {
		t.Errorf("postgres: got %q to start, want 2m or more", file.Services["postgres"].Health.StartPeriod)
	}
	known := settings()
	for _, name := range []string{"api", "worker"} {
		service := file.Services[name]
		for variable := range service.Environment {
			if !known[variable] {
				t.Errorf("%s: got %s, want only settings that are read", name, variable)
			}
		}
		if service.Environment["DATABASE_URL"] == "" || service.Environment["SECRET_KEY"] == "" {
			t.Errorf("%s: got %v, want a database and a key", name, service.Environment)
		}
		if !service.ReadOnly || len(service.CapDrop) == 0 {
			t.Errorf("%s: got a root file system that can be written, or capabilities, want neither", name)
		}
		// The engine's own ten seconds are what SHUTDOWN_DELAY takes.
		if grace, err := time.ParseDuration(service.Grace); err != nil || grace < 30*time.Second {
			t.Errorf("%s: got %q to stop, want 30s or more", name, service.Grace)
		}
	}
}

// The metadata is read at the start. If the identity provider began after the service,
// each first start would log that sign-ins fail.
func TestComposeStartsTheIdentityProviderFirst(t *testing.T) {
	var file composeFile
	if err := yaml.Unmarshal([]byte(read(t, "../compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	idp := file.Services["idp"]
	if idp.DependsOn != nil {
		t.Errorf("got an identity provider that waits for %v, want one that waits for nothing", idp.DependsOn)
	}
	if got := strings.Join(idp.Health.Test, " "); got != "CMD /devicegate healthcheck --path /metadata" || !slices.Contains(words(idp.Command), idp.Environment["LISTEN_ADDR"]) {
		t.Errorf("got the check %q of %q, want that its metadata is there, at the address of %v", got, idp.Environment["LISTEN_ADDR"], idp.Command)
	}
	for _, name := range []string{"api", "worker"} {
		on, _ := file.Services[name].DependsOn.(map[string]any)
		condition, _ := on["idp"].(map[string]any)
		if condition["condition"] != "service_healthy" {
			t.Errorf("%s: got %v of the identity provider, want that it is healthy", name, on["idp"])
		}
	}
}

// words are those of a command that is a list.
func words(command any) (all []string) {
	list, _ := command.([]any)
	for _, one := range list {
		all = append(all, fmt.Sprint(one))
	}
	return all
}

func TestTheImageRunsWithoutRootAndChecksItself(t *testing.T) {
	text := read(t, "../Dockerfile")
	_, final, _ := strings.Cut(text, "\nFROM scratch\n")
	for _, want := range []string{"USER 65532:65532", `HEALTHCHECK `, `CMD ["/devicegate", "healthcheck"]`, `ENTRYPOINT ["/devicegate"]`, `CMD ["serve"]`} {
		if !strings.Contains(final, want) {
			t.Errorf("the final stage has no %q", want)
		}
	}
	if !strings.Contains(text, "CGO_ENABLED=0") {
		t.Error("got a program with cgo, want a static one")
	}
	// Folders that the build needs and .dockerignore would leave out.
	ignored := read(t, "../.dockerignore")
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && isImported(t, e.Name()) != strings.Contains(ignored, "!"+e.Name()+"\n") {
			t.Errorf("%s: got it in the image's build %t, want %t", e.Name(), !isImported(t, e.Name()), isImported(t, e.Name()))
		}
	}
}

// isImported reports whether a folder of the module holds packages of the program.
func isImported(t *testing.T, folder string) bool {
	t.Helper()
	switch folder {
	case "e2e", "guard", "tools", "deploy":
		return false
	}
	found := false
	err := filepath.WalkDir(filepath.Join("..", folder), func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			found = true
			return fs.SkipAll
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found && !strings.HasPrefix(folder, ".")
}

var assignment = regexp.MustCompile(`(?m)^Environment=(.*)$`)

func TestUnitsAreWhatSystemdUnderstands(t *testing.T) {
	units, err := filepath.Glob("systemd/*.service")
	if err != nil || len(units) != 2 {
		t.Fatalf("got %v, %v, want two units", units, err)
	}
	known := settings()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("got no systemd-analyze, want it installed (package systemd): CI=true allows no skipping")
		}
		t.Skip("systemd-analyze is not on this machine")
	}
	for _, unit := range units {
		text := read(t, unit)
		for _, line := range assignment.FindAllStringSubmatch(text, -1) {
			for pair := range strings.FieldsSeq(line[1]) {
				if name, _, _ := strings.Cut(pair, "="); !known[name] {
					t.Errorf("%s: got %s, want only settings that are read", unit, name)
				}
			}
		}
		// The program need not be installed where this runs.
		copied := filepath.Join(t.TempDir(), filepath.Base(unit))
		if err := os.WriteFile(copied, []byte(strings.ReplaceAll(text, "/usr/bin/devicegate", "/bin/true")), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", copied).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: systemd-analyze verify: got %v, want no output\n%s", unit, err, out)
		}
		// Exposure in tenths, from 0 to 100. What is left is that a service on the
		// network needs the network.
		if out, err := exec.CommandContext(t.Context(), analyze, "security", "--no-pager", "--offline=true", "--threshold=20", copied).CombinedOutput(); err != nil {
			t.Errorf("%s: systemd-analyze security: got %v, want no error\n%s", unit, err, out)
		}
	}
}
