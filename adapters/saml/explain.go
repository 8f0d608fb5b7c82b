package saml

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/explain"
	"github.com/devicegate/devicegate/ports"
)

// laterChecks are those after the signatures. They are told as skipped where the
// response was not verified.
var laterChecks = []string{"Destination", "InResponseTo of the Response", "Issuer of the Response", "Audience", "SubjectConfirmation", "NameID", "e-mail address"}

// Explain implements [ports.Explainer].
func (b *Broker) Explain(ctx context.Context, via connection.Connection, what ports.Response) (trace explain.Trace, err error) {
	defer func() {
		if p := recover(); p != nil {
			b.log.Error("saml verification panicked", "connection", via.Slug(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = refuse("internal_error", "", "a panic")
		}
	}()
	c := &checks{trace: &trace}
	s, ok := b.served.Load().sources[via.Slug()]
	if !ok {
		return trace, c.step("metadata", nil, nil, refuse("no_metadata", "metadata of the connection", "none"))
	}
	trace.Metadata = s.provenance()
	from, err := s.current()
	if err != nil {
		return trace, c.step("metadata", nil, nil, refuse("no_metadata", "metadata that can be used", err.Error()))
	}
	trace.Metadata.EntityID, trace.Metadata.Keys = from.entityID, len(from.keys)
	c.check("metadata", "metadata that can be used", fmt.Sprintf("that of %s with %d keys", from.entityID, len(from.keys)), nil)
	_, err = b.accept(ctx, c, via, what, from, s.policy)
	if last := trace.Checks[len(trace.Checks)-1]; last.Outcome == explain.Failed && last.Name != "e-mail address" {
		seen := map[string]bool{}
		for _, k := range trace.Checks {
			seen[k.Name] = true
		}
		for _, name := range laterChecks {
			if !seen[name] {
				c.skipped(name)
			}
		}
	}
	return trace, err
}

// provenance says where the metadata comes from.
func (s *source) provenance() explain.Metadata {
	s.mu.Lock()
	defer s.mu.Unlock()
	return explain.Metadata{FromURL: s.policy.MetadataURL != "", FetchedAt: s.fetched}
}

// Peek implements [ports.Explainer].
func (b *Broker) Peek(raw string) (explain.Claim, error) {
	root, err := readDocument(raw)
	if err != nil {
		return explain.Claim{}, err
	}
	if !root.Is(nsProtocol, "Response") {
		return explain.Claim{}, refuse("not_a_response", "Response of "+nsProtocol, root.Local+" of "+root.Space)
	}
	claim := explain.Claim{Destination: attr(root, "Destination"), RequestID: attr(root, "InResponseTo")}
	claim.IssuedAt, _ = parseInstant(attr(root, "IssueInstant"))
	claim.Issuer = issuerOf(root)
	for _, assertion := range root.Children(nsAssertion, "Assertion") {
		if claim.Issuer == "" {
			claim.Issuer = issuerOf(assertion)
		}
		if claim.Destination == "" {
			claim.Destination = recipientOf(assertion)
		}
	}
	return claim, nil
}

func recipientOf(assertion *xmltree.Node) (recipient string) {
	assertion.Walk(func(n *xmltree.Node) {
		if n.Is(nsAssertion, "SubjectConfirmationData") && recipient == "" {
			recipient = strings.Trim(attr(n, "Recipient"), xmltree.White)
		}
	})
	return recipient
}

func factsOf(m message) explain.Verified {
	facts := explain.Verified{Encrypted: m.encrypted}
	if m.assertion == nil {
		return facts
	}
	if n := m.assertion.nameID; n != nil {
		facts.NameID, facts.NameIDFormat = n.value, n.format
	}
	for _, a := range m.assertion.attributes {
		facts.Attributes = append(facts.Attributes, explain.Attribute{Name: a.name, FriendlyName: a.friendlyName, Values: a.values})
	}
	return facts
}
