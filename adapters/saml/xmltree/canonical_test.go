package xmltree_test

import (
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

const document = `<?xml version="1.0"?>
<r:root xmlns:r="urn:r" xmlns="urn:d" xmlns:unused="urn:u" xml:lang="de" xml:base="urn:b">
  <!-- outside -->
  <apex r:b="2" c="1" a="&lt;&quot;&#9;&#10;&#13;&gt;" xmlns:z="urn:z" z:a="3"><!-- inside --><empty/>
    <r:x xmlns:r="urn:r2" xmlns="">t&amp;&lt;&gt;"&#13;<y/><?p  q ?></r:x><sig>gone</sig><![CDATA[<cdata>]]></apex>
</r:root>`

func apex(t testing.TB) (n, without *xmltree.Node) {
	t.Helper()
	root, err := xmltree.Parse([]byte(document), limits)
	if err != nil {
		t.Fatal(err)
	}
	n = root.Elements()[0]
	return n, n.Children("urn:d", "sig")[0]
}

// These octets are what libxml2 makes of the same.
func TestCanonicalForms(t *testing.T) {
	const attrs = ` a="&lt;&quot;&#x9;&#xA;&#xD;>" c="1"`
	for name, tc := range map[string]struct {
		form xmltree.Form
		want string
	}{
		"exclusive": {
			xmltree.Form{Exclusive: true},
			`<apex xmlns="urn:d" xmlns:r="urn:r" xmlns:z="urn:z"` + attrs + ` r:b="2" z:a="3"><empty></empty>
    <r:x xmlns:r="urn:r2">t&amp;&lt;&gt;"&#xD;<y xmlns=""></y><?p q ?></r:x>&lt;cdata&gt;</apex>`,
		},
		"exclusive with comments": {
			xmltree.Form{Exclusive: true, Comments: true},
			`<apex xmlns="urn:d" xmlns:r="urn:r" xmlns:z="urn:z"` + attrs + ` r:b="2" z:a="3"><!-- inside --><empty></empty>
    <r:x xmlns:r="urn:r2">t&amp;&lt;&gt;"&#xD;<y xmlns=""></y><?p q ?></r:x>&lt;cdata&gt;</apex>`,
		},
		"exclusive with a prefix list": {
			xmltree.Form{Exclusive: true, Prefixes: []string{"unused", "", "nowhere"}},
			`<apex xmlns="urn:d" xmlns:r="urn:r" xmlns:unused="urn:u" xmlns:z="urn:z"` + attrs + ` r:b="2" z:a="3"><empty></empty>
    <r:x xmlns="" xmlns:r="urn:r2">t&amp;&lt;&gt;"&#xD;<y></y><?p q ?></r:x>&lt;cdata&gt;</apex>`,
		},
		"inclusive 1.0": {
			xmltree.Form{},
			`<apex xmlns="urn:d" xmlns:r="urn:r" xmlns:unused="urn:u" xmlns:z="urn:z"` + attrs + ` xml:base="urn:b" xml:lang="de" r:b="2" z:a="3"><empty></empty>
    <r:x xmlns="" xmlns:r="urn:r2">t&amp;&lt;&gt;"&#xD;<y></y><?p q ?></r:x>&lt;cdata&gt;</apex>`,
		},
		"inclusive 1.1": {
			xmltree.Form{Version11: true},
			`<apex xmlns="urn:d" xmlns:r="urn:r" xmlns:unused="urn:u" xmlns:z="urn:z"` + attrs + ` xml:lang="de" r:b="2" z:a="3"><empty></empty>
    <r:x xmlns="" xmlns:r="urn:r2">t&amp;&lt;&gt;"&#xD;<y></y><?p q ?></r:x>&lt;cdata&gt;</apex>`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, without := apex(t)
			if got := string(xmltree.Canonical(n, tc.form, without)); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

// goxmldsig and we agree on documents without the traits that it gets wrong
// (white space in attributes, a prefix list that names an undeclared prefix).
func TestCanonicalFormsEqualGoxmldsigs(t *testing.T) {
	for _, text := range []string{
		`<a><b/></a>`,
		`<p:a xmlns:p="u" xmlns:q="v"><q:b q:c="1" d="2"/><c xmlns="w"/></p:a>`,
		`<a xmlns="u"><b xmlns="v"><c xmlns="u">x &amp; y</c></b><!-- c --></a>`,
		`<p:a xmlns:p="u"><p:b xmlns:p="v"/><p:b/></p:a>`,
	} {
		root, err := xmltree.Parse([]byte(text), limits)
		if err != nil {
			t.Fatal(err)
		}
		for form, theirs := range map[*xmltree.Form]dsig.Canonicalizer{
			{Exclusive: true}:                 dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(""),
			{Exclusive: true, Comments: true}: dsig.MakeC14N10ExclusiveWithCommentsCanonicalizerWithPrefixList(""),
			{}:                                dsig.MakeC14N10RecCanonicalizer(),
			{Version11: true}:                 dsig.MakeC14N11Canonicalizer(),
		} {
			doc := etree.NewDocument()
			if err := doc.ReadFromString(text); err != nil {
				t.Fatal(err)
			}
			want, err := theirs.Canonicalize(doc.Root())
			if err != nil {
				t.Fatal(err)
			}
			if got := xmltree.Canonical(root, *form, nil); string(got) != string(want) {
				t.Errorf("%+v of %s: %s, goxmldsig %s", *form, text, got, want)
			}
		}
	}
}
