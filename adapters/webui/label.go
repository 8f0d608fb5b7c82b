package webui

import (
	"strings"
	"unicode"
)

// label is the name that a device gives itself. The sender of a link may have
// chosen it, so it is quoted, kept short, and cannot cover other text.
type label struct {
	Text string // cut to what a glance takes in
	Full string // the whole, if that is more
}

const (
	labelShown = 64
	// marksShown is as many combining marks as one character of any language
	// carries; more of them cover the lines above and below.
	marksShown = 4
)

func labelOf(text string) label {
	full := sanitizeLabel(text)
	if runes := []rune(full); len(runes) > labelShown {
		return label{strings.TrimSpace(string(runes[:labelShown])) + "…", full}
	}
	return label{Text: full}
}

// sanitizeLabel joins every run of blanks into one, and drops tag characters,
// which are invisible, and surplus combining marks.
func sanitizeLabel(text string) string {
	marks := 0
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > marksShown {
				return -1
			}
			return r
		case unicode.IsSpace(r) || unicode.Is(unicode.Zs, r) || r == '\u2800' || r == '\u3164' || r == '\uffa0':
			r = ' '
		case r >= 0xE0000 && r <= 0xE007F:
			return -1
		}
		marks = 0
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
