package httpapi

import (
	"encoding/json"
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

// readable is a JSON text as its sender meant it. In GBK, Big5 and Shift JIS the
// second byte of a character may be a backslash, which JSON reads as the start of
// an escape. If the text is no JSON because of that, such backslashes are escaped.
func readable(text string) string {
	if json.Valid([]byte(text)) {
		return text
	}
	for _, paired := range []bool{true, false} {
		if escaped := escapeSecondBytes(text, paired); json.Valid([]byte(escaped)) {
			return escaped
		}
	}
	return text
}

const (
	leastLead   = 0x81 // of the bytes that begin a character of two
	leastSecond = 0x40 // of those that end it
)

// escapeSecondBytes escapes the backslashes that end a character of two bytes. If
// characters of one and of two bytes are mixed, only the byte before can be looked
// at: then nothing is paired.
func escapeSecondBytes(text string, paired bool) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		out.WriteByte(text[i])
		if text[i] < leastLead || i+1 == len(text) || text[i+1] < leastSecond {
			continue
		}
		if text[i+1] == '\\' {
			out.WriteString(`\\`)
			i++
		} else if paired {
			i++
			out.WriteByte(text[i])
		}
	}
	return out.String()
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
