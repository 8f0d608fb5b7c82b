package saml

import (
	"fmt"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// message holds the fields of a Response (SAML core §3.2.2).
type message struct {
	signed       bool
	id, version  string
	issuedAt     time.Time
	destination  *string
	inResponseTo string
	issuer       *issuer
	status       status
	encrypted    bool
	assertion    *assertion
}

type issuer struct{ value, format string }

type status struct {
	codes   []string // the outer one first
	message string
}

// assertion holds the fields of an Assertion (SAML core §2.3.3) that the Web SSO
// profile needs.
type assertion struct {
	id, version   string
	issuedAt      time.Time
	signed        bool
	hasSubject    bool // there is a Subject
	issuer        *issuer
	nameID        *nameID
	confirmations []confirmation
	conditions    *conditions
	logins        []login
	attributes    []attribute
	unopened      int // EncryptedAttributes that none of our keys opens
}

type nameID struct{ value, format string }

type confirmation struct {
	method string
	data   *confirmationData
}

type confirmationData struct {
	notBefore, notOnOrAfter time.Time // zero where absent
	recipient, inResponseTo string
}

type conditions struct {
	notBefore, notOnOrAfter time.Time
	audiences               [][]string // every restriction has to be met, by one of its audiences
	unknown                 string     // a condition that is not understood
}

type login struct{ at, sessionNotOnOrAfter time.Time }

type attribute struct {
	name, friendlyName string
	values             []string
}

// decode reads the verified trees by the schema: elements of SAML's namespaces,
// each as often as it may be there, and nothing that SAML does not put there.
// Attributes are those in no namespace. What the schema leaves open (extensions,
// advice, attribute values, foreign attributes) is not read. The order of
// elements is not checked: some identity providers put the signature last. Encrypted
// identifiers and attributes are read as what open finds.
func decode(v verified, encrypted bool, open opener) (message, error) {
	d := decoder{open: open}
	m := d.response(v.response)
	m.signed, m.encrypted = v.responseSigned, encrypted
	if v.assertion != nil {
		m.assertion = d.assertion(v.assertion)
		m.assertion.signed = v.assertionSigned
	}
	return m, d.err
}

// decoder keeps the first refusal.
type decoder struct {
	open   opener
	opened int // EncryptedAttributes
	err    error
}

// opener opens an encrypted element of SAML's, in which one of the given name
// has to be.
type opener func(n *xmltree.Node, local string) (*xmltree.Node, error)

func (d *decoder) refuse(reason, expected, received string) {
	if d.err == nil {
		d.err = refuse(reason, expected, received)
	}
}

// shape is what may stand inside an element: how often at most, 0 for any
// number of times.
type shape map[name]int

type name struct{ space, local string }

func saml(local string) name { return name{nsAssertion, local} }

var (
	responseShape = shape{
		saml("Issuer"): 1, {xmlsec.Signature, "Signature"}: 1, {nsProtocol, "Extensions"}: 1, {nsProtocol, "Status"}: 1,
		saml("Assertion"): 1, saml("EncryptedAssertion"): 1,
	}
	statusShape     = shape{{nsProtocol, "StatusCode"}: 1, {nsProtocol, "StatusMessage"}: 1, {nsProtocol, "StatusDetail"}: 1}
	statusCodeShape = shape{{nsProtocol, "StatusCode"}: 1}
	assertionShape  = shape{
		saml("Issuer"): 1, {xmlsec.Signature, "Signature"}: 1, saml("Subject"): 1, saml("Conditions"): 1, saml("Advice"): 1,
		saml("Statement"): 0, saml("AuthnStatement"): 0, saml("AuthzDecisionStatement"): 0, saml("AttributeStatement"): 0,
	}
	subjectShape      = shape{saml("BaseID"): 1, saml("NameID"): 1, saml("EncryptedID"): 1, saml("SubjectConfirmation"): 0}
	confirmationShape = shape{saml("BaseID"): 1, saml("NameID"): 1, saml("EncryptedID"): 1, saml("SubjectConfirmationData"): 1}
	conditionsShape   = shape{saml("Condition"): 0, saml("AudienceRestriction"): 0, saml("OneTimeUse"): 1, saml("ProxyRestriction"): 1}
	audienceShape     = shape{saml("Audience"): 0}
	loginShape        = shape{saml("SubjectLocality"): 1, saml("AuthnContext"): 1}
	statementShape    = shape{saml("Attribute"): 0, saml("EncryptedAttribute"): 0}
	attributeShape    = shape{saml("AttributeValue"): 0}
)

// children are n's child elements, checked against a shape.
func (d *decoder) children(n *xmltree.Node, s shape) []*xmltree.Node {
	if n.HasText() {
		d.refuse("unexpected_text", "only elements in "+n.Local, "text")
	}
	all := n.Elements()
	for i, c := range all {
		if d.err != nil {
			return nil
		}
		most, known := s[name{c.Space, c.Local}]
		if !known {
			d.refuse("unexpected_element", "what SAML puts into "+n.Local, c.Local+" of "+c.Space)
			continue
		}
		if most == 0 {
			continue
		}
		for _, b := range all[:i] {
			if b.Is(c.Space, c.Local) {
				d.refuse("unexpected_element", "at most one "+c.Local+" in "+n.Local, "two")
			}
		}
	}
	return all
}

func (d *decoder) response(n *xmltree.Node) message {
	m := message{id: attr(n, "ID"), version: attr(n, "Version"), issuedAt: d.instant(n, "IssueInstant", true), inResponseTo: attr(n, "InResponseTo")}
	if to, ok := n.Attr("Destination"); ok {
		to = strings.Trim(to, xmltree.White)
		m.destination = &to
	}
	for _, c := range d.children(n, responseShape) {
		switch c.Local {
		case "Issuer":
			m.issuer = d.issuer(c)
		case "Status":
			m.status = d.status(c)
		}
	}
	return m
}

func (d *decoder) issuer(n *xmltree.Node) *issuer {
	return &issuer{d.text(n), attr(n, "Format")}
}

func (d *decoder) status(n *xmltree.Node) status {
	var s status
	for _, c := range d.children(n, statusShape) {
		switch c.Local {
		case "StatusCode":
			for code := c; code != nil && len(s.codes) < 8; {
				s.codes = append(s.codes, attr(code, "Value"))
				inner := d.children(code, statusCodeShape)
				code = nil
				if len(inner) > 0 {
					code = inner[0]
				}
			}
		case "StatusMessage":
			s.message, _ = c.Content()
		}
	}
	if len(s.codes) == 0 || s.codes[0] == "" {
		d.refuse("status_missing", "a StatusCode", "none")
	}
	return s
}

func (d *decoder) assertion(n *xmltree.Node) *assertion {
	a := &assertion{id: attr(n, "ID"), version: attr(n, "Version"), issuedAt: d.instant(n, "IssueInstant", true)}
	for _, c := range d.children(n, assertionShape) {
		switch c.Local {
		case "Issuer":
			a.issuer = d.issuer(c)
		case "Subject":
			d.subject(a, c)
		case "Conditions":
			a.conditions = d.conditions(c)
		case "AuthnStatement":
			d.authnContext(c)
			a.logins = append(a.logins, login{d.instant(c, "AuthnInstant", true), d.instant(c, "SessionNotOnOrAfter", false)})
		case "AttributeStatement":
			for _, e := range d.children(c, statementShape) {
				if e.Local == "EncryptedAttribute" {
					if e = d.encryptedAttribute(e); e == nil {
						a.unopened++
						continue
					}
				}
				a.attributes = append(a.attributes, d.attribute(e))
			}
		}
	}
	return a
}

func (d *decoder) subject(a *assertion, n *xmltree.Node) {
	a.hasSubject = true
	identified := 0
	for _, c := range d.children(n, subjectShape) {
		switch c.Local {
		case "NameID":
			identified++
			a.nameID = d.nameID(c)
		case "EncryptedID":
			identified++
			a.nameID = d.encryptedID(c)
		case "SubjectConfirmation":
			a.confirmations = append(a.confirmations, d.confirmation(c))
		default:
			identified++
			d.refuse("name_id_unreadable", "a NameID", c.Local)
		}
	}
	if identified > 1 {
		d.refuse("unexpected_element", "one identifier in Subject", fmt.Sprint(identified))
	}
}

func (d *decoder) nameID(n *xmltree.Node) *nameID {
	return &nameID{d.text(n), attr(n, "Format")}
}

func (d *decoder) encryptedID(n *xmltree.Node) *nameID {
	if d.err != nil { // decryption is expensive
		return nil
	}
	plain, err := d.open(n, "NameID")
	if err != nil {
		d.err = err
		return nil
	}
	return d.nameID(plain)
}

func (d *decoder) confirmation(n *xmltree.Node) confirmation {
	c := confirmation{method: attr(n, "Method")}
	for _, e := range d.children(n, confirmationShape) {
		if e.Local != "SubjectConfirmationData" {
			continue // an identifier of the confirming party, which a bearer is not checked against
		}
		c.data = &confirmationData{
			notBefore: d.instant(e, "NotBefore", false), notOnOrAfter: d.instant(e, "NotOnOrAfter", false),
			recipient: attr(e, "Recipient"), inResponseTo: attr(e, "InResponseTo"),
		}
	}
	return c
}

func (d *decoder) conditions(n *xmltree.Node) *conditions {
	c := &conditions{notBefore: d.instant(n, "NotBefore", false), notOnOrAfter: d.instant(n, "NotOnOrAfter", false)}
	for _, e := range d.children(n, conditionsShape) {
		switch e.Local {
		case "AudienceRestriction":
			var any []string
			for _, audience := range d.children(e, audienceShape) {
				any = append(any, d.text(audience))
			}
			c.audiences = append(c.audiences, any)
		case "Condition":
			c.unknown, _ = e.AttrIn("http://www.w3.org/2001/XMLSchema-instance", "type")
			c.unknown = "Condition " + c.unknown
		}
	}
	return c
}

// authnContext requires an AuthnContext with any content.
func (d *decoder) authnContext(login *xmltree.Node) {
	for _, c := range d.children(login, loginShape) {
		if c.Local == "AuthnContext" && len(c.Elements()) > 0 {
			return
		}
	}
	d.refuse("no_authn_context", "an AuthnContext in AuthnStatement", "none")
}

// maxEncryptedAttributes bounds what is opened of one message.
const maxEncryptedAttributes = 8

// encryptedAttribute is the Attribute inside, or nil for one that none of our keys
// opens: the sign-in can go on without it.
func (d *decoder) encryptedAttribute(n *xmltree.Node) *xmltree.Node {
	if d.err != nil || d.opened >= maxEncryptedAttributes {
		return nil
	}
	d.opened++
	plain, err := d.open(n, "Attribute")
	if err != nil {
		return nil
	}
	return plain
}

func (d *decoder) attribute(n *xmltree.Node) attribute {
	if attr(n, "Name") == "" {
		d.refuse("attribute_without_name", "a Name", "none")
	}
	a := attribute{name: attr(n, "Name"), friendlyName: attr(n, "FriendlyName")}
	for _, c := range d.children(n, attributeShape) {
		if value, ok := c.Content(); ok { // a value of elements is no text
			a.values = append(a.values, value)
		}
	}
	return a
}

// text is the whole text of an element that has nothing else, without the
// blanks around it that indenting leaves.
func (d *decoder) text(n *xmltree.Node) string {
	text, ok := n.Content()
	if !ok {
		d.refuse("unexpected_element", "only text in "+n.Local, "elements")
	}
	return strings.Trim(text, xmltree.White)
}

func attr(n *xmltree.Node, local string) string {
	value, _ := n.Attr(local)
	return strings.Trim(value, xmltree.White)
}

// instant reads an xs:dateTime attribute, in UTC (SAML core §1.3.3) or with its
// offset said.
func (d *decoder) instant(n *xmltree.Node, local string, required bool) time.Time {
	text := attr(n, local)
	if _, there := n.Attr(local); !there {
		if required {
			d.refuse("invalid_time", local+" of "+n.Local, "none")
		}
		return time.Time{}
	}
	t, ok := parseInstant(text)
	if !ok {
		d.refuse("invalid_time", local+" of "+n.Local+" as xs:dateTime", text)
	}
	return t
}
