package token_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/devicegate/devicegate/domain/token"
)

// The guard knows the form of tokens too, in a module of its own. Both are held to
// one set of vectors.
func TestTheFormIsThatOfTheGuard(t *testing.T) {
	text, err := os.ReadFile("../../guard/internal/tokenform/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Text           string
		Form, Checksum bool
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("got %d vectors, %v, want some", len(vectors), err)
	}
	for _, v := range vectors {
		parsed, err := token.ParseSecret(v.Text)
		if got := err == nil; got != v.Form {
			t.Errorf("%q: got form %t, want %t", v.Text, got, v.Form)
		}
		if got := parsed.ChecksumHolds(); v.Form && got != v.Checksum {
			t.Errorf("%q: got checksum %t, want %t", v.Text, got, v.Checksum)
		}
	}
}
