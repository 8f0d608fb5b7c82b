// Package xmltree reads XML 1.0 with namespaces into a tree that keeps what
// canonicalisation needs, and writes the canonical forms.
//
// What it returns is well-formed, namespace-well-formed and small.
// Every limit is checked while reading, before memory is spent; a DTD is
// refused, so that no entity, no default attribute and no external reference
// can change what was read. Why encoding/xml does not do is written in
// docs/decisions/0016-saml-own-xml.md.
package xmltree

import "strings"

// XMLSpace is the namespace of the prefix xml.
const XMLSpace = "http://www.w3.org/XML/1998/namespace"

const xmlnsSpace = "http://www.w3.org/2000/xmlns/"

// Kind is what a [Node] is.
type Kind uint8

// The kinds of nodes. CDATA sections are text.
const (
	Element Kind = iota
	Text
	Comment
	Instruction
)

// Node is one node of a document.
type Node struct {
	Kind   Kind
	Prefix string
	Local  string // of an Instruction: its target
	Space  string // the namespace an element is in
	Text   string // of all kinds but Element
	Attrs  []Attr // without namespace declarations
	Decls  []Decl

	Parent, First, Last, Next *Node
}

// Attr is an attribute that declares no namespace.
type Attr struct{ Prefix, Local, Space, Value string }

// Decl binds a prefix ("" for the default) to a namespace.
type Decl struct{ Prefix, Space string }

// Is reports whether n is the element of that namespace and name.
func (n *Node) Is(space, local string) bool {
	return n.Kind == Element && n.Local == local && n.Space == space
}

// Attr is the value of an attribute in no namespace, which is where all of
// SAML's, XML Signature's and XML Encryption's own attributes are.
func (n *Node) Attr(local string) (string, bool) { return n.AttrIn("", local) }

// AttrIn is the value of an attribute of that namespace.
func (n *Node) AttrIn(space, local string) (string, bool) {
	for i := range n.Attrs {
		if n.Attrs[i].Local == local && n.Attrs[i].Space == space {
			return n.Attrs[i].Value, true
		}
	}
	return "", false
}

// Elements are the child elements.
func (n *Node) Elements() []*Node {
	var out []*Node
	for c := n.First; c != nil; c = c.Next {
		if c.Kind == Element {
			out = append(out, c)
		}
	}
	return out
}

// Children are the child elements of that namespace and name.
func (n *Node) Children(space, local string) []*Node {
	var out []*Node
	for c := n.First; c != nil; c = c.Next {
		if c.Is(space, local) {
			out = append(out, c)
		}
	}
	return out
}

// Content is all the text directly inside an element: a comment or a processing
// instruction within does not cut it short. It is false if there are elements.
func (n *Node) Content() (string, bool) {
	var first string
	var all *strings.Builder
	for c := n.First; c != nil; c = c.Next {
		switch {
		case c.Kind == Element:
			return "", false
		case c.Kind != Text || c.Text == "":
		case all != nil:
			all.WriteString(c.Text)
		case first == "":
			first = c.Text
		default:
			all = &strings.Builder{}
			all.WriteString(first)
			all.WriteString(c.Text)
		}
	}
	if all != nil {
		return all.String(), true
	}
	return first, true
}

// HasText reports whether there is more than white space between the child
// elements.
func (n *Node) HasText() bool {
	for c := n.First; c != nil; c = c.Next {
		if c.Kind == Text && strings.Trim(c.Text, White) != "" {
			return true
		}
	}
	return false
}

// White are the characters that XML takes for white space.
const White = " \t\r\n"

// InScope are the namespaces that n's children inherit, one for each prefix.
func (n *Node) InScope() []Decl {
	var out []Decl
	for e := n; e != nil; e = e.Parent {
	next:
		for _, d := range e.Decls {
			for _, o := range out {
				if o.Prefix == d.Prefix {
					continue next
				}
			}
			out = append(out, d)
		}
	}
	return out
}

// With is a copy of n with one child in the place of another, and that child in
// the copy. What lies below them is shared: it is for reading.
func (n *Node) With(old, replacement *Node) (copied, child *Node) {
	out := *n
	out.First, out.Last = nil, nil
	for c := n.First; c != nil; c = c.Next {
		one := *c
		if c == old {
			one = *replacement
		}
		one.Parent, one.Next = &out, nil
		if out.Last == nil {
			out.First = &one
		} else {
			out.Last.Next = &one
		}
		out.Last = &one
		if c == old {
			child = &one
		}
	}
	return &out, child
}

// Walk calls visit for n and all elements below it, in document order.
func (n *Node) Walk(visit func(*Node)) {
	if n.Kind != Element {
		return
	}
	visit(n)
	for c := n.First; c != nil; c = c.Next {
		c.Walk(visit)
	}
}
