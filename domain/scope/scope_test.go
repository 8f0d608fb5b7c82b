package scope_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/scope"
)

func TestAScopeParameterIsASetOfScopeTokens(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, "  ": nil, "apps:run": {"apps:run"}, "full": {"full"},
		" apps:run  apps:read:permitted-external ": {"apps:run", "apps:read:permitted-external"},
		"apps:run apps:run":                        {"apps:run"},
		"orders:read apps:run":                     {"orders:read", "apps:run"}, // which exist is for the client to say
	} {
		got, err := scope.Parse(text)
		if err != nil || !slices.Equal(got.Names(), want) || got.IsZero() != (want == nil) {
			t.Errorf("%q: got %q, %v, want %q", text, got.Names(), err, want)
		}
	}
	for _, text := range []string{`a"b`, "apps:run a\\b", "ä", "a\x00b", "a\u200bb", strings.Repeat("x", 65)} {
		if got, err := scope.Parse(text); !errors.Is(err, scope.ErrInvalid) || !got.IsZero() {
			t.Errorf("%q: got %q, %v, want invalid_scope", text, got.Names(), err)
		}
	}
}

func TestIntersectionHoldsScopesOfBothSets(t *testing.T) {
	words := []string{scope.Full, scope.AppsRun, scope.AppsReadPermittedOnly}
	sets := rapid.Custom(func(t *rapid.T) scope.Set {
		s, err := scope.Parse(strings.Join(rapid.SliceOf(rapid.SampledFrom(words)).Draw(t, "words"), " "))
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		asked, limit := sets.Draw(t, "asked"), sets.Draw(t, "limit")
		got := asked.Within(limit)
		for _, word := range words {
			if got.Contains(word) != (asked.Contains(word) && limit.Contains(word)) {
				t.Errorf("%q within %q: got %q, want what is in both", asked, limit, got)
			}
		}
		if again, err := scope.Parse(got.String()); err != nil || again != got {
			t.Errorf("got %q, %v for %q parsed again, want the same", again, err, got)
		}
	})
}
