package xmltree

import (
	"encoding/binary"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var declared = regexp.MustCompile(`^<\?xml[ \t\r\n][^>]*?encoding[ \t\r\n]*=[ \t\r\n]*["']([^"'>]*)["']`)

// encodingName is EncName (XML §4.3.3).
var encodingName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)

// decode makes text of the document's octets (XML §4.3.3): UTF-8 and UTF-16,
// which every processor has to read, and the one-octet encodings that metadata
// still comes in. What is no character of XML is refused here, once.
func decode(doc []byte) (string, error) {
	text, err := transcode(doc)
	if err != nil {
		return "", err
	}
	if !utf8.ValidString(text) {
		return "", &Error{Reason: UnknownEncoding, Detail: "octets that are not in the document's encoding"}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c < 0x20 && c != '\n' && c != '\t' && c != '\r' || c == 0xEF && strings.HasPrefix(text[i:], "\uFFFE") || c == 0xEF && strings.HasPrefix(text[i:], "\uFFFF") {
			return "", &Error{Reason: Malformed, Detail: "a character that XML does not have", Offset: i}
		}
	}
	return text, nil
}

func transcode(doc []byte) (string, error) {
	if len(doc) >= 2 && (doc[0] == 0xFE && doc[1] == 0xFF || doc[0] == 0xFF && doc[1] == 0xFE) {
		return fromUTF16(doc)
	}
	text := strings.TrimPrefix(string(doc), "\uFEFF")
	m := declared.FindStringSubmatch(text[:min(len(text), 256)])
	if m == nil {
		return text, nil
	}
	if !encodingName.MatchString(m[1]) {
		return "", &Error{Reason: Malformed, Detail: "an encoding that has no name"}
	}
	switch strings.ToLower(m[1]) {
	case "utf-8", "utf8":
		return text, nil
	case "us-ascii", "ascii":
		if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
			break
		}
		return text, nil
	case "iso-8859-1", "latin1", "iso8859-1", "iso-8859-15", "windows-1252":
		return fromLatin(text, strings.ToLower(m[1])), nil
	}
	return "", &Error{Reason: UnknownEncoding, Detail: "the encoding " + m[1]}
}

func fromUTF16(doc []byte) (string, error) {
	if len(doc)%2 != 0 {
		return "", &Error{Reason: UnknownEncoding, Detail: "half a UTF-16 unit"}
	}
	var order binary.ByteOrder = binary.LittleEndian
	if doc[0] == 0xFE {
		order = binary.BigEndian
	}
	units := make([]uint16, 0, len(doc)/2)
	for i := 2; i < len(doc); i += 2 {
		units = append(units, order.Uint16(doc[i:]))
	}
	return string(utf16.Decode(units)), nil
}

// The places where these two differ from ISO-8859-1.
var (
	latin9      = map[byte]rune{0xA4: '€', 0xA6: 'Š', 0xA8: 'š', 0xB4: 'Ž', 0xB8: 'ž', 0xBC: 'Œ', 0xBD: 'œ', 0xBE: 'Ÿ'}
	windows1252 = []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")
)

func fromLatin(text, encoding string) string {
	var out strings.Builder
	out.Grow(len(text) + len(text)/8)
	for i := range len(text) {
		r := rune(text[i])
		switch {
		case encoding == "iso-8859-15" && latin9[text[i]] != 0:
			r = latin9[text[i]]
		case encoding == "windows-1252" && r >= 0x80 && r < 0xA0:
			r = windows1252[r-0x80]
		}
		out.WriteRune(r)
	}
	return out.String()
}
