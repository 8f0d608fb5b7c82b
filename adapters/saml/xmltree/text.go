package xmltree

import (
	"strconv"
	"strings"
)

// text reads character data up to the next markup.
func (p *parser) text(parent *Node) error {
	end := strings.IndexByte(p.s[p.pos:], '<')
	if end < 0 {
		return p.malformed("the document ends inside an element")
	}
	raw := p.s[p.pos : p.pos+end]
	if strings.Contains(raw, "]]>") {
		return p.malformed("]]> in text")
	}
	text, err := p.references(lineEnds(raw))
	if err != nil {
		return err
	}
	n, err := p.add(parent, Text)
	if err != nil {
		return err
	}
	n.Text = text
	p.pos += end
	return nil
}

// value reads an attribute's value and normalises it (XML §3.3.3): literal
// white space becomes a blank, a reference to it stays what it is. That is the
// difference encoding/xml loses, and canonical XML depends on it.
func (p *parser) value() (string, error) {
	raw, err := p.quoted()
	if err != nil {
		return "", err
	}
	if strings.IndexByte(raw, '<') >= 0 {
		return "", p.malformed("< in an attribute")
	}
	if strings.ContainsAny(raw, "\t\r\n") {
		raw = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\t", " ").Replace(raw)
	}
	return p.references(raw)
}

// references replaces character references and the five predefined entities.
func (p *parser) references(s string) (string, error) {
	at := strings.IndexByte(s, '&')
	if at < 0 {
		return s, nil
	}
	var out strings.Builder
	out.Grow(len(s))
	for ; at >= 0; at = strings.IndexByte(s, '&') {
		out.WriteString(s[:at])
		s = s[at+1:]
		end := strings.IndexByte(s[:min(len(s), 16)], ';')
		if end < 0 {
			return "", p.malformed("an ampersand that begins no reference")
		}
		r, ok := reference(s[:end])
		if !ok {
			return "", p.malformed("an unknown reference")
		}
		out.WriteRune(r)
		s = s[end+1:]
	}
	out.WriteString(s)
	return out.String(), nil
}

func reference(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, base := strings.TrimPrefix(name, "#"), 10
	if digits == name {
		return 0, false
	}
	if hex := strings.TrimPrefix(digits, "x"); hex != digits {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || strings.ContainsAny(digits, "_+-") || !isChar(rune(n)) || n > 0x10FFFF {
		return 0, false
	}
	return rune(n), true
}

func (p *parser) comment() (string, error) {
	p.pos += 4
	end := strings.Index(p.s[p.pos:], "--")
	if end < 0 || !strings.HasPrefix(p.s[p.pos+end:], "-->") {
		return "", p.malformed("-- in a comment, or no end of it")
	}
	text := lineEnds(p.s[p.pos : p.pos+end])
	p.pos += end + 3
	return text, nil
}

func (p *parser) instruction() (target, text string, err error) {
	p.pos += 2
	prefix, target, err := p.qname()
	if err != nil {
		return "", "", err
	}
	if prefix != "" || strings.EqualFold(target, "xml") {
		return "", "", p.malformed("a processing instruction of that name")
	}
	blanks := p.blanks()
	end := strings.Index(p.s[p.pos:], "?>")
	if end < 0 || blanks == 0 && end != 0 {
		return "", "", p.malformed("a processing instruction that does not end")
	}
	text = lineEnds(p.s[p.pos : p.pos+end])
	p.pos += end + 2
	return target, text, nil
}
