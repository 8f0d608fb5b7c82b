package saml

import (
	"slices"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
)

// expectation is what a response is checked against.
type expectation struct {
	at          time.Time
	skew        time.Duration
	requestedAt time.Time        // IssueInstant of our AuthnRequest
	requestID   string           // its ID
	on          connection.Mount // where the response was posted to
	acs         func(connection.Mount) string
	entityID    string // ours
	issuer      string // the identity provider's entityID
	policy      policy
}

// lifetime bounds how long an assertion's ID has to be stored. The transaction that
// it answers ends long before.
const lifetime = 24 * time.Hour

// validate checks a message against the Web Browser SSO profile (SAML profiles §4.1.4.2
// and §4.1.4.3, core §2.5.1). It returns until when the assertion could be
// accepted.
func validate(m message, want expectation) (time.Time, error) {
	if err := want.response(m); err != nil {
		return time.Time{}, err
	}
	if m.assertion == nil {
		return time.Time{}, refuse("no_assertion", "one Assertion or EncryptedAssertion", "none")
	}
	if want.policy.Signed == connection.SignedRequired && !m.assertion.signed {
		return time.Time{}, refuse("unsigned", "a signature on the Assertion itself", "one on the Response")
	}
	if want.policy.RequireEncryption && !m.encrypted {
		return time.Time{}, refuse("not_encrypted", "an EncryptedAssertion", "an Assertion")
	}
	return want.assertion(m.assertion)
}

// response checks the outer message against core §3.2.2 and §3.3.3 and bindings
// §3.5.5.2. A denial is reported last, and only for a response to our request.
func (w expectation) response(m message) error {
	denied := m.status.codes[0] != statusSuccess
	switch {
	case m.version != "2.0":
		return refuse("version_mismatch", "Version 2.0 of the Response", m.version)
	case !xmltree.IsNCName(m.id):
		return refuse("invalid_id", "an ID of the Response that is an xs:ID", m.id)
	case m.destination != nil && *m.destination != w.acs(w.on):
		return w.elsewhere("destination", *m.destination)
	case m.destination == nil && m.signed:
		return refuse("destination_missing", w.acs(w.on), "none on a signed Response")
	case m.inResponseTo == "" && !denied:
		return refuse("unsolicited", "InResponseTo "+w.requestID, "none")
	case m.inResponseTo != "" && m.inResponseTo != w.requestID:
		return refuse("in_response_to_mismatch", w.requestID, m.inResponseTo)
	case m.issuer == nil && (m.signed || m.encrypted):
		return refuse("issuer_missing", w.issuer, "no Issuer of the Response")
	}
	if m.issuer != nil {
		if err := w.from(*m.issuer); err != nil {
			return err
		}
	}
	if err := w.issued(m.issuedAt, "the Response"); err != nil {
		return err
	}
	if denied {
		codes := make([]string, len(m.status.codes))
		for i, c := range m.status.codes {
			codes[i] = strings.TrimPrefix(c, "urn:oasis:names:tc:SAML:2.0:status:")
		}
		received := strings.Join(codes, " / ")
		if m.status.message != "" {
			received += ": " + strings.Join(strings.Fields(m.status.message), " ")
		}
		return approval.RefuseAs(approval.ErrDeniedByIdP, "idp_denied", w.expectedStatus(codes), sanitized(received))
	}
	return nil
}

// expectedStatus names the setting that helps, where there is one.
func (w expectation) expectedStatus(codes []string) string {
	if !slices.Contains(codes, "InvalidNameIDPolicy") {
		return "Success"
	}
	asked := "NameID format " + w.policy.nameIDFormat()
	if w.policy.nameIDFormat() == "" {
		asked = "no NameID format"
	}
	return sanitized("Success (the request asks for " + asked + "; set name_id_format of the connection to one that the identity provider offers, or to none)")
}

// elsewhere refuses a URL that is not the one the response was posted to.
func (w expectation) elsewhere(what, received string) error {
	for _, m := range []connection.Mount{connection.Canonical, connection.Legacy} {
		if m != w.on && received == w.acs(m) {
			return refuse(what+"_is_"+string(m)+"_acs", w.acs(w.on), received)
		}
	}
	return refuse(what+"_mismatch", w.acs(w.on), received)
}

// from checks an Issuer against core §2.2.5 and profiles §4.1.4.2.
func (w expectation) from(i issuer) error {
	if i.format != "" && i.format != formatEntity {
		return refuse("issuer_format", formatEntity, i.format)
	}
	if i.value != w.issuer {
		return refuse("issuer_mismatch", w.issuer, i.value)
	}
	return nil
}

// issued checks an IssueInstant: what answers a request is issued after it and
// before now, each within the skew. Some identity providers write whole seconds.
func (w expectation) issued(at time.Time, what string) error {
	switch {
	case at.After(w.at.Add(w.skew)):
		return refuse("clock_ahead", what+" issued by "+timestamp(w.at.Add(w.skew)), timestamp(at))
	case w.requestedAt.IsZero():
		return refuse("internal_error", "the time of the request", "none")
	case at.Before(w.requestedAt.Truncate(time.Second).Add(-w.skew)):
		return refuse("issued_before_request", what+" issued after "+timestamp(w.requestedAt.Add(-w.skew)), timestamp(at))
	}
	return nil
}

func (w expectation) assertion(a *assertion) (time.Time, error) {
	switch {
	case a.version != "2.0":
		return time.Time{}, refuse("version_mismatch", "Version 2.0 of the Assertion", a.version)
	case !xmltree.IsNCName(a.id):
		return time.Time{}, refuse("invalid_id", "an ID of the Assertion that is an xs:ID", a.id)
	case a.issuer == nil:
		return time.Time{}, refuse("issuer_missing", w.issuer, "no Issuer of the Assertion")
	}
	if !a.hasSubject {
		return time.Time{}, refuse("subject_missing", "a Subject", "none")
	}
	if err := w.from(*a.issuer); err != nil {
		return time.Time{}, err
	}
	if err := w.issued(a.issuedAt, "the Assertion"); err != nil {
		return time.Time{}, err
	}
	until, err := w.conditions(a.conditions)
	if err != nil {
		return time.Time{}, err
	}
	bearer, err := w.bearer(a.confirmations)
	if err != nil {
		return time.Time{}, err
	}
	if err := w.logins(a.logins); err != nil {
		return time.Time{}, err
	}
	if until.IsZero() || bearer.Before(until) {
		until = bearer
	}
	if latest := w.at.Add(lifetime); until.After(latest) {
		until = latest
	}
	return until.Add(w.skew), nil
}

// within checks a period against the clock, which may be off by the skew either way
// (core §2.5.1.2). A zero bound is none.
func (w expectation) within(notBefore, notOnOrAfter time.Time, what string) error {
	switch {
	case !notBefore.IsZero() && !notOnOrAfter.IsZero() && !notBefore.Before(notOnOrAfter):
		return refuse("invalid_period", what+" that ends after it begins", timestamp(notBefore)+" to "+timestamp(notOnOrAfter))
	case !notBefore.IsZero() && w.at.Add(w.skew).Before(notBefore):
		return refuse("clock_ahead", what+" valid by "+timestamp(w.at.Add(w.skew)), "NotBefore "+timestamp(notBefore))
	case !notOnOrAfter.IsZero() && !w.at.Add(-w.skew).Before(notOnOrAfter):
		return refuse("expired", what+" valid after "+timestamp(w.at.Add(-w.skew)), "NotOnOrAfter "+timestamp(notOnOrAfter))
	}
	return nil
}

// conditions checks Conditions against core §2.5.1: all have to be understood and to
// hold; each AudienceRestriction has to name us.
func (w expectation) conditions(c *conditions) (time.Time, error) {
	if c == nil || len(c.audiences) == 0 {
		return time.Time{}, refuse("audience_missing", w.entityID, "no AudienceRestriction")
	}
	if c.unknown != "" {
		return time.Time{}, refuse("unknown_condition", "conditions of SAML 2.0", c.unknown)
	}
	for _, any := range c.audiences {
		if !slices.Contains(any, w.entityID) {
			return time.Time{}, refuse("audience_mismatch", w.entityID, strings.Join(any, " "))
		}
	}
	return c.notOnOrAfter, w.within(c.notBefore, c.notOnOrAfter, "Conditions")
}

// bearer finds a SubjectConfirmation that holds; one is enough (profiles
// §4.1.4.3, errata E26). The refusal is that of the first bearer.
func (w expectation) bearer(all []confirmation) (time.Time, error) {
	var latest time.Time
	var refused error
	for _, c := range all {
		if c.method != methodBearer {
			continue
		}
		if err := w.confirmed(c.data); err == nil && c.data.notOnOrAfter.After(latest) {
			latest = c.data.notOnOrAfter
		} else if refused == nil {
			refused = err
		}
	}
	switch {
	case !latest.IsZero():
		return latest, nil
	case refused != nil:
		return time.Time{}, refused
	case len(all) > 0:
		return time.Time{}, refuse("confirmation_method", methodBearer, all[0].method)
	}
	return time.Time{}, refuse("confirmation_missing", "a bearer SubjectConfirmation", "none")
}

func (w expectation) confirmed(d *confirmationData) error {
	switch {
	case d == nil:
		return refuse("confirmation_missing", "SubjectConfirmationData", "none")
	case d.recipient == "":
		return refuse("recipient_missing", w.acs(w.on), "none")
	case d.recipient != w.acs(w.on):
		return w.elsewhere("recipient", d.recipient)
	case d.notOnOrAfter.IsZero():
		return refuse("confirmation_without_end", "NotOnOrAfter of the bearer", "none")
	case !d.notBefore.IsZero():
		return refuse("confirmation_not_before", "no NotBefore of the bearer", timestamp(d.notBefore))
	case d.inResponseTo == "":
		return refuse("unsolicited", "InResponseTo "+w.requestID+" of the bearer", "none")
	case d.inResponseTo != w.requestID:
		return refuse("in_response_to_mismatch", w.requestID, d.inResponseTo)
	}
	return w.within(time.Time{}, d.notOnOrAfter, "the bearer")
}

// logins checks every AuthnStatement against core §2.7.2; the profile wants one.
func (w expectation) logins(all []login) error {
	if len(all) == 0 {
		return refuse("no_authn_statement", "an AuthnStatement", "none")
	}
	for _, l := range all {
		if l.at.After(w.at.Add(w.skew)) {
			return refuse("clock_ahead", "AuthnInstant by "+timestamp(w.at.Add(w.skew)), timestamp(l.at))
		}
		if end := l.sessionNotOnOrAfter; !end.IsZero() && !w.at.Add(-w.skew).Before(end) {
			return refuse("session_expired", "a session after "+timestamp(w.at.Add(-w.skew)), "SessionNotOnOrAfter "+timestamp(end))
		}
	}
	return nil
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
