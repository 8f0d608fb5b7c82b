package tokenform_test

import (
	"testing"

	"github.com/devicegate/devicegate/guard/internal/tokenform"
)

// The second token was made by the service: both know the same form.
func TestTokensHaveFormAndChecksum(t *testing.T) {
	for _, text := range []string{tokenform.New(), "dfoe_y39F7Ca8TbTuJvoUrbVEs9a62ep7tjLpbG9x8BIT7HN"} {
		if !tokenform.Valid(text) || !tokenform.ChecksumHolds(text) {
			t.Errorf("%s: got form %v, checksum %v, want both", text, tokenform.Valid(text), tokenform.ChecksumHolds(text))
		}
		other := text[:len(text)-1] + "!"
		if tokenform.Valid(other) || tokenform.ChecksumHolds(other) {
			t.Errorf("%s was accepted", other)
		}
	}
	if tokenform.ChecksumHolds("") {
		t.Error("an empty text has a checksum")
	}
}
