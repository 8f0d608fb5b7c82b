package deviceclient

import (
	"strings"
	"unicode"
)

// Printable returns text from a server as it may be written to a terminal:
// without control characters, which could move the cursor or recolour the
// screen, and without marks that change the reading direction.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
}
