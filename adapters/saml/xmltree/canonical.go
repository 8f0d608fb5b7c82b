package xmltree

import (
	"slices"
	"strings"
)

// Form is a canonical form of XML.
type Form struct {
	Exclusive bool     // Exclusive XML Canonicalization 1.0; else inclusive
	Version11 bool     // inclusive only: Canonical XML 1.1 instead of 1.0
	Comments  bool     // keep comments
	Prefixes  []string // exclusive only: InclusiveNamespaces, "" for #default
}

// Canonical writes n with all below it, but without the element left out (nil:
// none), as octets of that form.
func Canonical(n *Node, form Form, without *Node) []byte {
	w := writer{form: form, without: without, out: make([]byte, 0, 8<<10)}
	w.element(n, true)
	return w.out
}

type writer struct {
	form     Form
	without  *Node
	out      []byte
	rendered []Decl // by the elements around this one
	pending  []Decl // of this element
	scope    []Decl // what is bound, where Prefixes asks for it
}

func (w *writer) element(n *Node, apex bool) {
	rendered, scope := len(w.rendered), len(w.scope)
	w.pending = w.pending[:0]
	if w.form.Exclusive {
		w.exclusive(n, apex)
	} else {
		w.inclusive(n, apex)
	}
	slices.SortFunc(w.pending, func(a, b Decl) int { return strings.Compare(a.Prefix, b.Prefix) })

	w.out = append(w.out, '<')
	w.name(n.Prefix, n.Local)
	for _, d := range w.pending {
		w.out = append(w.out, " xmlns"...)
		if d.Prefix != "" {
			w.out = append(append(w.out, ':'), d.Prefix...)
		}
		w.quoted(d.Space)
	}
	w.rendered = append(w.rendered, w.pending...)
	for _, a := range w.attributes(n, apex) {
		w.out = append(w.out, ' ')
		w.name(a.Prefix, a.Local)
		w.quoted(a.Value)
	}
	w.out = append(w.out, '>')

	for c := n.First; c != nil; c = c.Next {
		switch {
		case c == w.without:
		case c.Kind == Element:
			w.element(c, false)
		case c.Kind == Text:
			w.text(c.Text)
		case c.Kind == Comment && w.form.Comments:
			w.out = append(append(append(w.out, "<!--"...), c.Text...), "-->"...)
		case c.Kind == Instruction:
			w.out = append(append(w.out, "<?"...), c.Local...)
			if c.Text != "" {
				w.out = append(append(w.out, ' '), c.Text...)
			}
			w.out = append(w.out, "?>"...)
		}
	}
	w.out = append(w.out, "</"...)
	w.name(n.Prefix, n.Local)
	w.out = append(w.out, '>')
	w.rendered, w.scope = w.rendered[:rendered], w.scope[:scope]
}

// exclusive renders the namespaces that the element itself uses (Exclusive XML
// Canonicalization §3), and those of the prefix list as the inclusive form
// would.
func (w *writer) exclusive(n *Node, apex bool) {
	w.render(Decl{n.Prefix, n.Space})
	for _, a := range n.Attrs {
		if a.Prefix != "" {
			w.render(Decl{a.Prefix, a.Space})
		}
	}
	if len(w.form.Prefixes) == 0 {
		return
	}
	if apex {
		w.scope = n.InScope()
		slices.Reverse(w.scope)
	} else {
		w.scope = append(w.scope, n.Decls...)
	}
	for _, prefix := range w.form.Prefixes {
		for _, d := range slices.Backward(w.scope) {
			if d.Prefix == prefix {
				w.render(d)
				break
			}
		}
	}
}

// inclusive renders every namespace that is new here (Canonical XML §2.3).
func (w *writer) inclusive(n *Node, apex bool) {
	decls := n.Decls
	if apex {
		decls = n.InScope()
	}
	for _, d := range decls {
		w.render(d)
	}
}

// render notes a declaration unless the output says it already.
func (w *writer) render(d Decl) {
	if d.Prefix == "xml" {
		return
	}
	for _, p := range w.pending {
		if p.Prefix == d.Prefix {
			return
		}
	}
	for _, r := range slices.Backward(w.rendered) {
		if r.Prefix == d.Prefix {
			if r.Space != d.Space {
				w.pending = append(w.pending, d)
			}
			return
		}
	}
	if d.Prefix != "" || d.Space != "" { // xmlns="" only undoes something
		w.pending = append(w.pending, d)
	}
}

// attributes are in the order of namespace and name. In the inclusive forms the
// apex inherits attributes of the prefix xml from the elements around it:
// Canonical XML 1.0 §2.4 all of them, 1.1 §2.4 xml:lang and xml:space. The 1.1
// rule that joins xml:base values is not implemented: SAML has no xml:base, and
// a signature that depends on it fails its digest.
func (w *writer) attributes(n *Node, apex bool) []Attr {
	attrs := n.Attrs
	if apex && !w.form.Exclusive {
		attrs = slices.Clone(attrs)
		for e := n.Parent; e != nil; e = e.Parent {
			for _, a := range e.Attrs {
				if a.Space != XMLSpace || w.form.Version11 && a.Local != "lang" && a.Local != "space" {
					continue
				}
				if !slices.ContainsFunc(attrs, func(b Attr) bool { return b.Space == XMLSpace && b.Local == a.Local }) {
					attrs = append(attrs, a)
				}
			}
		}
	}
	order := func(a, b Attr) int {
		if c := strings.Compare(a.Space, b.Space); c != 0 {
			return c
		}
		return strings.Compare(a.Local, b.Local)
	}
	if slices.IsSortedFunc(attrs, order) {
		return attrs
	}
	attrs = slices.Clone(attrs)
	slices.SortFunc(attrs, order)
	return attrs
}

func (w *writer) name(prefix, local string) {
	if prefix != "" {
		w.out = append(append(w.out, prefix...), ':')
	}
	w.out = append(w.out, local...)
}

func (w *writer) quoted(s string) {
	w.out = append(w.out, `="`...)
	w.escape(s, "&<\"\t\n\r")
	w.out = append(w.out, '"')
}

func (w *writer) text(s string) { w.escape(s, "&<>\r") }

func (w *writer) escape(s, special string) {
	for {
		i := strings.IndexAny(s, special)
		if i < 0 {
			w.out = append(w.out, s...)
			return
		}
		w.out = append(w.out, s[:i]...)
		switch s[i] {
		case '&':
			w.out = append(w.out, "&amp;"...)
		case '<':
			w.out = append(w.out, "&lt;"...)
		case '>':
			w.out = append(w.out, "&gt;"...)
		case '"':
			w.out = append(w.out, "&quot;"...)
		case '\t':
			w.out = append(w.out, "&#x9;"...)
		case '\n':
			w.out = append(w.out, "&#xA;"...)
		case '\r':
			w.out = append(w.out, "&#xD;"...)
		}
		s = s[i+1:]
	}
}
