package xmltree_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

var limits = xmltree.Limits{Bytes: 1 << 20, Depth: 50, Elements: 10_000, Attributes: 64, Namespaces: 64}

func TestTextFollowsXML(t *testing.T) {
	for document, want := range map[string]string{
		`<a>x</a>`:                              "x",
		`<a/>`:                                  "",
		"<a>1\r\n2\r3\n4</a>":                   "1\n2\n3\n4",
		`<a>1&#13;2</a>`:                        "1\r2",
		`<a>&lt;&gt;&amp;&quot;&apos;</a>`:      `<>&"'`,
		`<a>&#228;&#xE4;&#x1D11E;</a>`:          "ää𝄞",
		`<a>1<!-- 2 -->3<?p 4?>5</a>`:           "135",
		`<a>1<![CDATA[<&]]>2<![CDATA[]]>3</a>`:  "1<&23",
		"<a><![CDATA[1\r\n2]]></a>":             "1\n2",
		`<a>]] > ]></a>`:                        "]] > ]>",
		"\uFEFF<?xml version='1.0'?>\n<a>x</a>": "x",
		`<?xml version="1.0" encoding="utf-8" standalone="yes" ?><a>ä</a>`:     "ä",
		"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe4\xa4</a>":       "ä¤",
		"<?xml version=\"1.0\" encoding=\"iso-8859-15\"?><a>\xe4\xa4</a>":      "ä€",
		"<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>\xe4\x80\x9f</a>": "ä€Ÿ",
		"<?xml version=\"1.0\" encoding=\"US-ASCII\"?><a>&#228;</a>":           "ä",
		"\xff\xfe<\x00a\x00>\x00\xe4\x00<\x00/\x00a\x00>\x00":                  "ä",
		"\xfe\xff\x00<\x00a\x00>\x00\xe4\x00<\x00/\x00a\x00>":                  "ä",
		`<ä.-1>x</ä.-1>`: "x",
	} {
		root, err := xmltree.Parse([]byte(document), limits)
		if err != nil {
			t.Errorf("%q: got %v, want no error", document, err)
			continue
		}
		if got, ok := root.Content(); !ok || got != want {
			t.Errorf("%q: %q, want %q", document, got, want)
		}
	}
}

func TestAttributesAreNormalised(t *testing.T) {
	root, err := xmltree.Parse([]byte("<a b='1\t2\n3\r\n4\r5' c='&#9;&#10;&#13;' d = \"'&quot;>\"\n/>"), limits)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"b": "1 2 3 4 5", "c": "\t\n\r", "d": `'">`} {
		if got, _ := root.Attr(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestNamespacesAreResolved(t *testing.T) {
	root, err := xmltree.Parse([]byte(`<a xmlns="u:1" xmlns:p="u:2" p:x="1" x="2" xml:lang="de"><p:b xmlns:p="u:3" xmlns=""><c/></p:b><d/></a>`), limits)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	root.Walk(func(n *xmltree.Node) { got = append(got, n.Space+" "+n.Local) })
	if want := "u:1 a, u:3 b,  c, u:1 d"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	in, _ := root.AttrIn("u:2", "x")
	out, _ := root.Attr("x")
	lang, _ := root.AttrIn(xmltree.XMLSpace, "lang")
	if in != "1" || out != "2" || lang != "de" {
		t.Errorf("got the attributes %+v, want in, out and lang", root.Attrs)
	}
}

func TestFragmentInheritsNamespaces(t *testing.T) {
	root, err := xmltree.Parse([]byte(`<p:a><b/></p:a>`), limits, xmltree.Decl{Prefix: "p", Space: "u:1"}, xmltree.Decl{Space: "u:2"})
	if err != nil {
		t.Fatal(err)
	}
	if !root.Is("u:1", "a") || !root.Elements()[0].Is("u:2", "b") {
		t.Errorf("got %+v, want the namespaces of the prefixes", root)
	}
	if got := string(xmltree.Canonical(root, xmltree.Form{Exclusive: true}, nil)); got != `<p:a xmlns:p="u:1"><b xmlns="u:2"></b></p:a>` {
		t.Errorf("got the canonical form %s, want the prefixes kept", got)
	}
}

func TestInvalidXMLIsRefused(t *testing.T) {
	for document, want := range map[string]string{
		"":                       xmltree.Malformed,
		"  ":                     xmltree.Malformed,
		"x":                      xmltree.Malformed,
		"<a>":                    xmltree.Malformed,
		"<a":                     xmltree.Malformed,
		"<a></b>":                xmltree.Malformed,
		"<a></a ":                xmltree.Malformed,
		"<a></ab>":               xmltree.Malformed,
		"</a>":                   xmltree.Malformed,
		"<a/>x":                  xmltree.TextAfterRoot,
		"<a/><b/>":               xmltree.TwoRoots,
		"<![CDATA[x]]><a/>":      xmltree.Malformed,
		"<!ELEMENT a><a/>":       xmltree.HasDTD,
		"<a/><![CDATA[x]]>":      xmltree.TwoRoots,
		"<!DOCTYPE a><a/>":       xmltree.HasDTD,
		"<a><!ENTITY x 'y'></a>": xmltree.HasDTD,
		"<a>&x;</a>":             xmltree.Malformed,
		"<a>&;</a>":              xmltree.Malformed,
		"<a>& </a>":              xmltree.Malformed,
		"<a>&#0;</a>":            xmltree.Malformed,
		"<a>&#xD800;</a>":        xmltree.Malformed,
		"<a>&#x110000;</a>":      xmltree.Malformed,
		"<a>&#4294967361;</a>":   xmltree.Malformed,
		"<a>&#+65;</a>":          xmltree.Malformed,
		"<a>&#X41;</a>":          xmltree.Malformed,
		"<a>&#1_0;</a>":          xmltree.Malformed,
		"<a>]]></a>":             xmltree.Malformed,
		"<a>\x00</a>":            xmltree.Malformed,
		"<a>\x0b</a>":            xmltree.Malformed,
		"<a>\uFFFE</a>":          xmltree.Malformed,
		"<a>\xff</a>":            xmltree.UnknownEncoding,
		"<a>\xed\xa0\x80</a>":    xmltree.UnknownEncoding,
		"<a b=1/>":               xmltree.Malformed,
		"<a b/>":                 xmltree.Malformed,
		"<a b='1'c='2'/>":        xmltree.Malformed,
		"<a b='<'/>":             xmltree.Malformed,
		"<a b='1' b='2'/>":       xmltree.Malformed,
		"<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>": xmltree.Malformed,
		"<a xmlns:p='u' xmlns:p='u'/>":               xmltree.Malformed,
		"<p:a/>":                                     xmltree.Malformed,
		"<a p:b=''/>":                                xmltree.Malformed,
		"<a:b:c xmlns:a='u'/>":                       xmltree.Malformed,
		"<:a/>":                                      xmltree.Malformed,
		"<a:/>":                                      xmltree.Malformed,
		"<1/>":                                       xmltree.Malformed,
		"< a/>":                                      xmltree.Malformed,
		"<a / >":                                     xmltree.Malformed,
		"<a xmlns:p=''/>":                            xmltree.Malformed,
		"<a xmlns:xml='u'/>":                         xmltree.Malformed,
		"<a xmlns:xmlns='u'/>":                       xmltree.Malformed,
		"<a xmlns:p='http://www.w3.org/2000/xmlns/'/>":        xmltree.Malformed,
		"<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>": xmltree.Malformed,
		"<xmlns:a/>":                                   xmltree.Malformed,
		"<a><!-- -- --></a>":                           xmltree.Malformed,
		"<a><!-- ---></a>":                             xmltree.Malformed,
		"<a><!-- </a>":                                 xmltree.Malformed,
		"<a><![CDATA[</a>":                             xmltree.Malformed,
		"<a><?xml version='1.0'?></a>":                 xmltree.Malformed,
		"<a><?p:q x?></a>":                             xmltree.Malformed,
		"<a><?p x></a>":                                xmltree.Malformed,
		" <?xml version='1.0'?><a/>":                   xmltree.Malformed,
		"<?xml?><a/>":                                  xmltree.Malformed,
		"<?xml version='1.1'?><a/>":                    xmltree.Malformed,
		"<?xml encoding='utf-8'?><a/>":                 xmltree.Malformed,
		"<?xml version='1.0' standalone='maybe'?><a/>": xmltree.Malformed,
		"<?xml version='1.0' encoding='EBCDIC'?><a/>":  xmltree.UnknownEncoding,
		"<?xml version='1.0' encoding=''?><a/>":        xmltree.Malformed,
		"<?xml version='1.0' encoding='1x'?><a/>":      xmltree.Malformed,
		"<?xml version='1.0' encoding=' utf-8'?><a/>":  xmltree.Malformed,
		"<?xml version='1.0' encoding='utf*8'?><a/>":   xmltree.Malformed,
		"\xff\xfe<\x00a":                               xmltree.UnknownEncoding,
		strings.Repeat("<a>", 51):                      xmltree.TooDeep,
		"<a>" + strings.Repeat("<b/>", 10_000):         xmltree.TooManyElements,
		"<a>" + strings.Repeat("x<!---->", 6_000):      xmltree.TooManyElements,
		strings.Repeat(" ", 1<<20) + "<a/>":            xmltree.TooLarge,
	} {
		_, err := xmltree.Parse([]byte(document), limits)
		var e *xmltree.Error
		if !errors.As(err, &e) || e.Reason != want {
			t.Errorf("%.60q: got %v, want %s", document, err, want)
		}
	}
	for n, want := range map[int]string{64: "", 65: xmltree.TooManyAttributes} {
		var attrs strings.Builder
		for i := range n {
			fmt.Fprintf(&attrs, " a%d=''", i)
		}
		_, err := xmltree.Parse([]byte("<a"+attrs.String()+"/>"), limits)
		var e *xmltree.Error
		if errors.As(err, &e) != (want != "") || e != nil && e.Reason != want {
			t.Errorf("%d attributes: got %v, want a refusal above the limit", n, err)
		}
	}
}

// What is accepted here means the same to encoding/xml, except where
// encoding/xml is known to be wrong.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`<a xmlns="u" xmlns:p="v" p:b="1&#10;2"><p:c>x<!-- y --><?p q?><![CDATA[z]]></p:c></a>`,
		"<?xml version='1.0' encoding='UTF-8'?>\r\n<a\tb='&lt;'>&#x41;</a>\n<!-- end -->", `<a><b/></a>`, `<!DOCTYPE a><a/>`, `<a xmlns:p=""/>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		root, err := xmltree.Parse(document, limits)
		if err != nil {
			return
		}
		for _, form := range []xmltree.Form{{Exclusive: true}, {Exclusive: true, Comments: true, Prefixes: []string{"", "p"}}, {}, {Comments: true, Version11: true}} {
			octets := xmltree.Canonical(root, form, nil)
			wide := limits
			wide.Bytes *= 16
			again, err := xmltree.Parse(octets, wide)
			if err != nil {
				t.Fatalf("Parse(%q), canonical form of %q: got %v, want no error", octets, document, err)
			}
			if twice := xmltree.Canonical(again, form, nil); !bytes.Equal(octets, twice) {
				t.Fatalf("got the canonical form %q of the canonical form of %q, want %q", twice, document, octets)
			}
			if ours, theirs := meaning(again), meaningToOthers(t, octets); ours != theirs {
				t.Fatalf("meaning(%q) = %q, want %q as encoding/xml reads it", octets, ours, theirs)
			}
		}
		if !bytes.HasPrefix(document, []byte("<?xml")) && !bytes.HasPrefix(document, []byte("\xff\xfe")) && !bytes.HasPrefix(document, []byte("\xfe\xff")) && !bytes.Contains(document, []byte{'\xef', '\xbb', '\xbf'}) {
			if ours, theirs := blankless(meaning(root)), blankless(meaningToOthers(t, document)); ours != theirs {
				t.Fatalf("meaning(%q) = %q, want %q as encoding/xml reads it", document, ours, theirs)
			}
		}
	})
}

// blankless forgets the one known difference: encoding/xml does not normalise
// white space in attributes.
func blankless(s string) string {
	return strings.NewReplacer(" ", "", "\\t", "", "\\n", "", "\\r", "").Replace(s)
}

func meaning(root *xmltree.Node) string {
	var out strings.Builder
	var visit func(n *xmltree.Node)
	visit = func(n *xmltree.Node) {
		fmt.Fprintf(&out, "<%q %q", n.Space, n.Local)
		for _, a := range n.Attrs {
			fmt.Fprintf(&out, " %q %q=%q", a.Space, a.Local, a.Value)
		}
		var text string
		for c := n.First; c != nil; c = c.Next {
			switch c.Kind {
			case xmltree.Text:
				text += c.Text
			case xmltree.Element:
				visit(c)
			}
		}
		fmt.Fprintf(&out, "%q>", text)
	}
	visit(root)
	return out.String()
}

func meaningToOthers(t *testing.T, document []byte) string {
	t.Helper()
	type frame struct{ text string }
	var stack []frame
	var out strings.Builder
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		if err != nil && strings.Contains(err.Error(), "invalid XML name") {
			t.Skip("encoding/xml has the names of XML's fourth edition")
		}
		if err != nil {
			t.Fatalf("got %v from encoding/xml for %q, want it read", err, document)
		}
		switch token := token.(type) {
		case xml.StartElement:
			stack = append(stack, frame{})
			fmt.Fprintf(&out, "<%q %q", token.Name.Space, token.Name.Local)
			for _, a := range token.Attr {
				if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
					continue
				}
				space := a.Name.Space
				if space == "xml" {
					space = xmltree.XMLSpace
				}
				fmt.Fprintf(&out, " %q %q=%q", space, a.Name.Local, a.Value)
			}
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text += string(token)
			}
		case xml.EndElement:
			fmt.Fprintf(&out, "%q>", stack[len(stack)-1].text)
			stack = stack[:len(stack)-1]
		}
	}
}
