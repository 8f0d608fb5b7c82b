package xmltree

import (
	"fmt"
	"strings"
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

func (p *parser) has(token string) bool { return strings.HasPrefix(p.s[p.pos:], token) }

func (p *parser) take(token string) bool {
	if !p.has(token) {
		return false
	}
	p.pos += len(token)
	return true
}

// blanks skips white space and returns how much there was.
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
