package xmltree

import (
	"unicode/utf8"
)

// isChar is XML §2.2, production 2.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// qname reads a name with at most one colon (Namespaces in XML §4).
func (p *parser) qname() (prefix, local string, err error) {
	first, err := p.ncname()
	if err != nil {
		return "", "", err
	}
	if !p.take(":") {
		return "", first, nil
	}
	second, err := p.ncname()
	return first, second, err
}

func (p *parser) ncname() (string, error) {
	n := nameLength(p.s[p.pos:])
	if n == 0 {
		return "", p.malformed("no name where one has to be")
	}
	name := p.s[p.pos : p.pos+n]
	p.pos += n
	return name, nil
}

// IsNCName reports whether the whole text is a name without a colon, which is
// what an xs:ID has to be.
func IsNCName(text string) bool { return text != "" && nameLength(text) == len(text) }

func nameLength(s string) int {
	i := 0
	for i < len(s) {
		c := s[i]
		if c < utf8.RuneSelf {
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.')) {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !isNameStart(r) && !(i > 0 && (r == 0xB7 || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040)) {
			return i
		}
		i += size
	}
	return i
}

// isNameStart is the part of XML §2.3, production 4, that is not ASCII.
func isNameStart(r rune) bool {
	return r >= 0xC0 && r <= 0xD6 || r >= 0xD8 && r <= 0xF6 || r >= 0xF8 && r <= 0x2FF || r >= 0x370 && r <= 0x37D ||
		r >= 0x37F && r <= 0x1FFF || r == 0x200C || r == 0x200D || r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF ||
		r >= 0x3001 && r <= 0xD7FF || r >= 0xF900 && r <= 0xFDCF || r >= 0xFDF0 && r <= 0xFFFD || r >= 0x10000 && r <= 0xEFFFF
}
