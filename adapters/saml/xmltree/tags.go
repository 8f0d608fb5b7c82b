package xmltree

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
