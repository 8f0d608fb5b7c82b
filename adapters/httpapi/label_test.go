package httpapi

import "testing"

func TestLabelsAreUnescapedAsFarAsTheyCanBe(t *testing.T) { // F24
	for raw, want := range map[string]string{
		"Ann+100%+PC": "Ann 100% PC", "50%zz": "50%zz", "%": "%", "a%4": "a%4", "B%C3%BCro+5%": "Büro 5%",
		"%FC%zz": "ü%zz", "a;b": "a;b", "%2B+%25+%": "+ % %", "%%41": "%A", "plain": "plain",
	} {
		if got := decodeLabel(unescapeLabel(raw)); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}
