package bootstrap

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/connection"
)

var heading = regexp.MustCompile(`(?m)^## (.+)$`)

func TestEveryProductHasItsPage(t *testing.T) {
	dir := filepath.Join("..", "docs", "idps")
	index, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"What to enter", "The e-mail address", "A second callback", "The certificate's end", "When it fails"}
	names := []string{"lemonldap"} // which has no instructions of its own for the move
	for _, p := range acsmove.Products() {
		if acsmove.Product(p) != acsmove.Unknown {
			names = append(names, p)
		}
	}
	for _, name := range names {
		page, err := os.ReadFile(filepath.Join(dir, name+".md"))
		if err != nil {
			t.Errorf("%s: got %v, want a page", name, err)
			continue
		}
		var got []string
		for _, m := range heading.FindAllStringSubmatch(string(page), -1) {
			got = append(got, m[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got the headings %q, want %q", name, got, want)
		}
		if !strings.Contains(string(index), "("+name+".md)") {
			t.Errorf("%s: got no link in README.md, want one", name)
		}
		if !strings.Contains(string(page), "PUBLIC_URL/saml/metadata") || !strings.Contains(string(page), "devicegate connections add") {
			t.Errorf("%s: got a page without our metadata or the command, want both", name)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(files) != len(names)+1 {
		t.Errorf("got %d pages, %v, want %d and the index", len(files), err, len(names))
	}
	if !strings.Contains(string(index), "PUBLIC_URL"+connection.Canonical.ACSPath()) {
		t.Error("got an index without the canonical callback, want it there")
	}
}
