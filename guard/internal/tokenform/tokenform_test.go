package tokenform_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/devicegate/devicegate/guard/internal/tokenform"
)

// The service, which issues the tokens, is held to the same vectors.
func TestTokensHaveFormAndChecksum(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
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
		if got := tokenform.Valid(v.Text); got != v.Form {
			t.Errorf("%q: got form %t, want %t", v.Text, got, v.Form)
		}
		if got := tokenform.ChecksumHolds(v.Text); got != v.Checksum {
			t.Errorf("%q: got checksum %t, want %t", v.Text, got, v.Checksum)
		}
	}
}

func TestNewTokensHaveFormAndChecksum(t *testing.T) {
	if text := tokenform.New(); !tokenform.Valid(text) || !tokenform.ChecksumHolds(text) {
		t.Errorf("%s: got form %t, checksum %t, want both", text, tokenform.Valid(text), tokenform.ChecksumHolds(text))
	}
}
