package httpapi

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// labelParam is the one parameter that decides nothing: it only helps a person to
// know their device. A label in another encoding must not end the login, so it
// is read as far as that can be done; all other parameters are strict.
const labelParam = "device_label"

// decodeLabel reads text that is UTF-8 or, failing that, Windows-1252, the
// default of many Windows consoles. What is neither becomes U+FFFD.
func decodeLabel(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	decoded, err := charmap.Windows1252.NewDecoder().String(text)
	if err != nil {
		return strings.ToValidUTF8(text, string(utf8.RuneError))
	}
	return decoded
}

// unescapeLabel reads the value of a form. A percent sign that begins no escape
// stands for itself: "100% PC" is what a shell sends.
func unescapeLabel(raw string) string {
	if text, err := url.QueryUnescape(raw); err == nil {
		return text
	}
	before, after, _ := strings.Cut(raw, "%")
	label := strings.ReplaceAll(before, "+", " ")
	for part := range strings.SplitSeq(after, "%") {
		text, err := url.QueryUnescape("%" + part)
		if err != nil {
			text = "%" + strings.ReplaceAll(part, "+", " ")
		}
		label += text
	}
	return label
}
