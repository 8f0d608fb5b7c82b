package device

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/client"
)

const labelMax = 255

var lineBreaks = regexp.MustCompile(`[\t\n\v\f\r\x{85}\x{2028}\x{2029}]+`)

// Label names a device for the person who approves it. It is at most 255
// characters, without control characters or any that reorder text; a line break
// is a blank.
type Label struct{ text string }

// ParseLabel cleans what a client calls its device; nothing left that can be
// seen means the client's own name.
func ParseLabel(text string, of client.Client) Label {
	if isPlain(text) { // as most are
		return Label{text}
	}
	text = lineBreaks.ReplaceAllString(text, " ")
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	if r := []rune(text); len(r) > labelMax {
		text = strings.TrimSpace(string(r[:labelMax]))
	}
	if !strings.ContainsFunc(text, isVisible) {
		text = of.DefaultLabel()
	}
	return Label{text}
}

// isPlain reports whether nothing has to be cleaned: ASCII without control
// characters, and no blank at either end.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= labelMax && text[0] != ' ' && text[len(text)-1] != ' '
}

func isVisible(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.In(r, invisible...)
}

func (l Label) String() string { return l.text }
