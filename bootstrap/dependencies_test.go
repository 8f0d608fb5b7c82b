package bootstrap_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// fixed names the first versions without a known hole that concerns us. The
// module graph may only go up from there. Case S27: a library's newest release
// can still ask for a broken version of another.
var fixed = map[string]string{
	"github.com/russellhaering/goxmldsig": "v1.6.1",  // CVE-2026-33487: signature of another element accepted
	"github.com/beevik/etree":             "v1.8.0",  // what goxmldsig 1.6.1 is tested with
	"github.com/crewjam/saml":             "v0.4.14", // CVE-2023-48308, CVE-2023-28119, CVE-2022-41912
	"github.com/golang-jwt/jwt/v5":        "v5.2.2",  // CVE-2025-30204: memory for a header full of dots
	"github.com/jackc/pgx/v5":             "v5.9.2",  // CVE-2026-33815, CVE-2026-33816, GHSA-j88v-2chj-qfwx
	"github.com/go-chi/chi/v5":            "v5.2.2",  // GHSA-vrw8-fxc6-2r93: redirect to the Host header
	"golang.org/x/crypto":                 "v0.45.0", // CVE-2025-47914, CVE-2025-58181
	"golang.org/x/net":                    "v0.38.0", // CVE-2025-22872
	"golang.org/x/oauth2":                 "v0.27.0", // CVE-2025-22868
}

func TestNoDependencyIsOlderThanItsKnownFixes(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	// go.mod lists every module that a package of ours comes from, with the
	// version that the graph selects.
	selected := map[string]string{}
	for line := range strings.Lines(string(mod)) {
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(words) > 0 && words[0] == "replace" {
			t.Errorf("got %q in go.mod, want no replacement: this test would not see it", line)
		}
		if len(words) > 1 && strings.HasPrefix(words[1], "v") {
			selected[words[0]] = words[1]
		}
	}
	for module, version := range fixed {
		switch got, ok := selected[module]; {
		case !ok:
			t.Errorf("got no %s in go.mod, want it, or its line taken off the list here", module)
		case older(got, version):
			t.Errorf("got %s %s, want %s at least: older versions have known vulnerabilities", module, got, version)
		}
	}
}

// older compares versions of the form v1.2.3; what follows a hyphen is ignored.
func older(a, b string) bool {
	return numbers(a) < numbers(b)
}

func numbers(version string) (n int) {
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "v"), "-")
	for _, part := range strings.SplitN(version, ".", 3) {
		i, err := strconv.Atoi(part)
		if err != nil {
			return 0
		}
		n = n*10_000 + i
	}
	return n
}

func TestVersionsAreComparedAsNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"v1.6.0", "v1.6.1", true},
		{"v1.6.1", "v1.6.1", false},
		{"v1.10.0", "v1.9.9", false},
		{"v0.9.0", "v0.45.0", true},
		{"v2.0.0", "v1.99.99", false},
		{"v1.6.1-0.20260101000000-abcdefabcdef", "v1.6.2", true},
		{"nonsense", "v0.0.1", true},
	} {
		if got := older(c.a, c.b); got != c.want {
			t.Errorf("%s older than %s: got %t, want %t", c.a, c.b, got, c.want)
		}
	}
}
