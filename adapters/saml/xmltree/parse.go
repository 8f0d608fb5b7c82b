package xmltree

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits bound what [Parse] reads.
type Limits struct {
	Bytes      int // of the document
	Depth      int // of elements in one another
	Elements   int // and other nodes
	Attributes int // of one element, declarations included
	Namespaces int // in scope at one place
}

// Error says why a text is not read.
type Error struct {
	Reason string // one word in snake case
	Detail string
	Offset int
}

func (e *Error) Error() string { return fmt.Sprintf("%s at byte %d: %s", e.Reason, e.Offset, e.Detail) }

// The reasons an [Error] can have. Malformed is every violation of XML itself.
const (
	Malformed         = "xml_malformed"
	UnknownEncoding   = "xml_encoding"
	HasDTD            = "xml_dtd"
	TextAfterRoot     = "xml_text_after_root"
	TwoRoots          = "xml_two_roots"
	TooLarge          = "xml_too_large"
	TooDeep           = "xml_too_deep"
	TooManyElements   = "xml_too_many_elements"
	TooManyAttributes = "xml_too_many_attributes"
	TooManyNamespaces = "xml_too_many_namespaces"
)

// Parse reads one document and returns its root element. The outer namespaces
// are those of the place that a fragment was cut from; they hang on a parent of
// the root that is not part of the document.
func Parse(doc []byte, limits Limits, outer ...Decl) (*Node, error) {
	if len(doc) > limits.Bytes {
		return nil, &Error{Reason: TooLarge, Detail: fmt.Sprintf("%d bytes, at most %d are read", len(doc), limits.Bytes)}
	}
	text, err := decode(doc)
	if err != nil {
		return nil, err
	}
	p := parser{s: text, limits: limits, scope: make([]Decl, 0, 16+len(outer))}
	p.scope = append(append(p.scope, Decl{"xml", XMLSpace}), outer...)
	if len(outer) > 0 {
		p.context = &Node{Decls: outer}
	}
	return p.document()
}

type parser struct {
	s       string
	pos     int
	limits  Limits
	context *Node // what the root hangs on
	scope   []Decl
	depth   int
	nodes   int
	slab    []Node
	attrs   []Attr // the slab attributes are cut from
	raw     []rawAttr
}

type rawAttr struct{ prefix, local, value string }

func (p *parser) fail(reason, format string, args ...any) error {
	return &Error{Reason: reason, Detail: fmt.Sprintf(format, args...), Offset: p.pos}
}

func (p *parser) malformed(format string, args ...any) error {
	return p.fail(Malformed, format, args...)
}

func (p *parser) document() (*Node, error) {
	if err := p.declaration(); err != nil {
		return nil, err
	}
	var root *Node
	for {
		p.blanks()
		switch {
		case p.pos == len(p.s):
			if root == nil {
				return nil, p.malformed("no root element")
			}
			return root, nil
		case p.has("<!--"):
			if _, err := p.comment(); err != nil {
				return nil, err
			}
		case p.has("<?"):
			if _, _, err := p.instruction(); err != nil {
				return nil, err
			}
		case p.has("<!DOCTYPE"):
			return nil, p.fail(HasDTD, "a document type declaration")
		case p.has("</"), p.has("<![") && root == nil:
			return nil, p.malformed("markup that belongs inside an element")
		case root == nil && p.has("<"):
			var err error
			if root, err = p.root(); err != nil {
				return nil, err
			}
		case root != nil && p.has("<"):
			return nil, p.fail(TwoRoots, "a second root element")
		case root != nil:
			return nil, p.fail(TextAfterRoot, "text after the root element")
		default:
			return nil, p.malformed("text before the root element")
		}
	}
}

// declaration reads <?xml version="1.0" encoding="…" standalone="…"?>; what the
// encoding says was obeyed before.
func (p *parser) declaration() error {
	if !p.has("<?xml") || len(p.s) < 6 || strings.IndexByte(White, p.s[5]) < 0 {
		return nil
	}
	p.pos += 5
	for i, name := range []string{"version", "encoding", "standalone"} {
		at := p.pos
		if p.blanks() == 0 || !p.has(name) {
			p.pos = at
			if i == 0 {
				return p.malformed("an XML declaration without version")
			}
			continue
		}
		p.pos += len(name)
		p.blanks()
		if !p.take("=") {
			return p.malformed("an XML declaration without %s", name)
		}
		p.blanks()
		value, err := p.quoted()
		if err != nil {
			return err
		}
		if name == "version" && value != "1.0" {
			return p.malformed("XML version %.10q", value)
		}
		if name == "standalone" && value != "yes" && value != "no" {
			return p.malformed("standalone %.10q", value)
		}
	}
	p.blanks()
	if !p.take("?>") {
		return p.malformed("an XML declaration that does not end")
	}
	return nil
}

func (p *parser) quoted() (string, error) {
	if p.pos == len(p.s) || p.s[p.pos] != '"' && p.s[p.pos] != '\'' {
		return "", p.malformed("a value without quotes")
	}
	end := strings.IndexByte(p.s[p.pos+1:], p.s[p.pos])
	if end < 0 {
		return "", p.malformed("a value that does not end")
	}
	value := p.s[p.pos+1 : p.pos+1+end]
	p.pos += end + 2
	return value, nil
}

// root reads the root element and everything in it.
func (p *parser) root() (*Node, error) {
	type frame struct {
		name  string // as written
		scope int    // how many namespaces were in scope outside
	}
	var open []frame
	var root, at *Node
	for {
		switch {
		case p.pos == len(p.s):
			return nil, p.malformed("the document ends inside an element")
		case p.s[p.pos] != '<':
			if err := p.text(at); err != nil {
				return nil, err
			}
		case p.has("</"):
			p.pos += 2
			f := open[len(open)-1]
			if !p.take(f.name) {
				return nil, p.malformed("an end tag that fits no start tag")
			}
			p.blanks()
			if !p.take(">") {
				return nil, p.malformed("an end tag that does not end")
			}
			p.scope, open, p.depth = p.scope[:f.scope], open[:len(open)-1], p.depth-1
			if len(open) == 0 {
				return root, nil
			}
			at = at.Parent
		case p.has("<!--"):
			text, err := p.comment()
			if err != nil {
				return nil, err
			}
			n, err := p.add(at, Comment)
			if err != nil {
				return nil, err
			}
			n.Text = text
		case p.has("<![CDATA["):
			end := strings.Index(p.s[p.pos:], "]]>")
			if end < 0 {
				return nil, p.malformed("a CDATA section that does not end")
			}
			n, err := p.add(at, Text)
			if err != nil {
				return nil, err
			}
			n.Text = lineEnds(p.s[p.pos+9 : p.pos+end])
			p.pos += end + 3
		case p.has("<!"):
			return nil, p.fail(HasDTD, "a declaration inside the document")
		case p.has("<?"):
			target, text, err := p.instruction()
			if err != nil {
				return nil, err
			}
			n, err := p.add(at, Instruction)
			if err != nil {
				return nil, err
			}
			n.Local, n.Text = target, text
		default:
			if p.depth++; p.depth > p.limits.Depth {
				return nil, p.fail(TooDeep, "more than %d elements in one another", p.limits.Depth)
			}
			scope := len(p.scope)
			n, name, empty, err := p.start(at)
			if err != nil {
				return nil, err
			}
			if root == nil {
				root = n
				n.Parent = p.context
			}
			if !empty {
				open, at = append(open, frame{name, scope}), n
				continue
			}
			p.scope, p.depth = p.scope[:scope], p.depth-1
			if len(open) == 0 {
				return root, nil
			}
		}
	}
}

// add hangs a new node under parent.
func (p *parser) add(parent *Node, kind Kind) (*Node, error) {
	if p.nodes++; p.nodes > p.limits.Elements {
		return nil, p.fail(TooManyElements, "more than %d nodes", p.limits.Elements)
	}
	if len(p.slab) == 0 {
		p.slab = make([]Node, min(max(32, p.nodes), 1024))
	}
	n := &p.slab[0]
	p.slab = p.slab[1:]
	n.Kind, n.Parent = kind, parent
	if parent != nil {
		if parent.Last == nil {
			parent.First = n
		} else {
			parent.Last.Next = n
		}
		parent.Last = n
	}
	return n, nil
}

// start reads a start tag or an empty-element tag.
func (p *parser) start(parent *Node) (n *Node, name string, empty bool, err error) {
	p.pos++
	from := p.pos
	prefix, local, err := p.qname()
	if err != nil {
		return nil, "", false, err
	}
	name = p.s[from:p.pos]
	if n, err = p.add(parent, Element); err != nil {
		return nil, "", false, err
	}
	n.Prefix, n.Local = prefix, local
	if empty, err = p.attributes(); err != nil {
		return nil, "", false, err
	}
	if err = p.declare(n); err != nil {
		return nil, "", false, err
	}
	if err = p.resolve(n); err != nil {
		return nil, "", false, err
	}
	return n, name, empty, nil
}

// attributes reads up to the end of the tag into p.raw.
func (p *parser) attributes() (empty bool, err error) {
	p.raw = p.raw[:0]
	for {
		blanks := p.blanks()
		if p.take("/>") {
			return true, nil
		}
		if p.take(">") {
			return false, nil
		}
		if blanks == 0 {
			return false, p.malformed("no white space before an attribute")
		}
		if len(p.raw) == p.limits.Attributes {
			return false, p.fail(TooManyAttributes, "more than %d attributes in one element", p.limits.Attributes)
		}
		prefix, local, err := p.qname()
		if err != nil {
			return false, err
		}
		p.blanks()
		if !p.take("=") {
			return false, p.malformed("an attribute without value")
		}
		p.blanks()
		value, err := p.value()
		if err != nil {
			return false, err
		}
		p.raw = append(p.raw, rawAttr{prefix, local, value})
	}
}

// declare takes the namespace declarations out of the raw attributes
// (Namespaces in XML §3).
func (p *parser) declare(n *Node) error {
	for _, a := range p.raw {
		prefix := a.local
		switch {
		case a.prefix == "" && a.local == "xmlns":
			prefix = ""
		case a.prefix != "xmlns":
			continue
		}
		switch {
		case prefix == "xmlns" || a.value == xmlnsSpace:
			return p.malformed("the prefix xmlns is not to be bound")
		case (prefix == "xml") != (a.value == XMLSpace):
			return p.malformed("the prefix xml belongs to its namespace alone")
		case prefix != "" && a.value == "":
			return p.malformed("the prefix %.30q is bound to nothing", prefix)
		}
		for _, d := range n.Decls {
			if d.Prefix == prefix {
				return p.malformed("the prefix %.30q is bound twice", prefix)
			}
		}
		if len(p.scope) > p.limits.Namespaces {
			return p.fail(TooManyNamespaces, "more than %d namespaces in scope", p.limits.Namespaces)
		}
		d := Decl{prefix, a.value}
		n.Decls, p.scope = append(n.Decls, d), append(p.scope, d)
	}
	return nil
}

// resolve gives the element and its attributes their namespaces.
func (p *parser) resolve(n *Node) error {
	var bound bool
	if n.Space, bound = p.lookup(n.Prefix); !bound && n.Prefix != "" {
		return p.malformed("the prefix %.30q is not bound", n.Prefix)
	}
	count := len(p.raw) - len(n.Decls)
	if count == 0 {
		return nil
	}
	if len(p.attrs) < count {
		p.attrs = make([]Attr, max(64, count))
	}
	n.Attrs, p.attrs = p.attrs[:0:count], p.attrs[count:]
	for _, a := range p.raw {
		if a.prefix == "xmlns" || a.prefix == "" && a.local == "xmlns" {
			continue
		}
		var space string
		if a.prefix != "" {
			if space, bound = p.lookup(a.prefix); !bound {
				return p.malformed("the prefix %.30q is not bound", a.prefix)
			}
		}
		if _, twice := n.AttrIn(space, a.local); twice {
			return p.malformed("the attribute %.30q stands there twice", a.local)
		}
		n.Attrs = append(n.Attrs, Attr{a.prefix, a.local, space, a.value})
	}
	return nil
}

func (p *parser) lookup(prefix string) (string, bool) {
	for i := len(p.scope) - 1; i >= 0; i-- {
		if p.scope[i].Prefix == prefix {
			return p.scope[i].Space, true
		}
	}
	return "", false
}

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

func (p *parser) has(token string) bool { return strings.HasPrefix(p.s[p.pos:], token) }

func (p *parser) take(token string) bool {
	if !p.has(token) {
		return false
	}
	p.pos += len(token)
	return true
}

// blanks skips white space and tells how much there was.
func (p *parser) blanks() int {
	from := p.pos
	for p.pos < len(p.s) && (p.s[p.pos] == ' ' || p.s[p.pos] == '\n' || p.s[p.pos] == '\t' || p.s[p.pos] == '\r') {
		p.pos++
	}
	return p.pos - from
}

// lineEnds makes every line end a line feed (XML §2.11).
func lineEnds(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
