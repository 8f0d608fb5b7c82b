package httpapi

import (
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// In each of these texts the second byte of a character is a backslash.
func TestJSONOfAnotherEncodingIsReadWhateverItsLabel(t *testing.T) { // F24
	for name, c := range map[string]struct {
		in     encoding.Encoding
		labels []string
	}{
		"GBK":       {simplifiedchinese.GBK, []string{"乗", "電乗", "乗\\\"電", "\\\"電\\\"乗"}},
		"Big5":      {traditionalchinese.Big5, []string{"功", "功能", "電腦\\\"功"}},
		"Shift JIS": {japanese.ShiftJIS, []string{"表", "日本\\\"表", "ｱ表", "表ｱ\\x"}},
	} {
		for _, label := range c.labels {
			text, err := c.in.NewEncoder().String(`{"client_id":"difyctl","device_label":"` + label + `","scope":"a"}`)
			if err != nil {
				t.Fatal(err)
			}
			p, err := parseJSON(text)
			if err != nil || p["client_id"].text != "difyctl" || p["scope"].text != "a" || p[labelParam].text == "" {
				t.Errorf("%s, %s: got %v, %v, want the parameters and some label", name, label, p, err)
			}
		}
	}
}

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
