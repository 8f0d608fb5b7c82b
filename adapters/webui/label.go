package webui

import (
	"strings"
	"unicode"
)

// label is what a device calls itself, and so what whoever sent a link may have
// written: it is quoted, on few lines, and cannot paint over what is ours.
type label struct {
	Text string // cut to what a glance takes in
	Full string // the whole, if that is more
}

const (
	labelShown = 64
	// marksShown is as many combining marks as one character of any language
	// carries; more of them paint over the lines above and below.
	marksShown = 4
)

func labelOf(text string) label {
	full := tame(text)
	if runes := []rune(full); len(runes) > labelShown {
		return label{strings.TrimSpace(string(runes[:labelShown])) + "…", full}
	}
	return label{Text: full}
}

// tame makes every run of blanks one, and leaves out tags, which nobody sees,
// and the combining marks that are too many.
func tame(text string) string {
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
