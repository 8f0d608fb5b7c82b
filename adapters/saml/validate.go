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
	moment      time.Time // when it came
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
func validate(c *checks, m message, want expectation) time.Time {
	want.response(c, m)
	a := m.assertion
	c.that("Assertion", "no_assertion", a != nil, "one Assertion or EncryptedAssertion", func() string {
		if a == nil {
			return "none"
		}
		return "one"
	})
	if a == nil || c.done() {
		return time.Time{}
	}
	if want.policy.Signed == connection.SignedRequired {
		c.that("signed_assertions", "unsigned", a.signed, "a signature on the Assertion itself", either(a.signed, "one", "one on the Response"))
	}
	if want.policy.RequireEncryption {
		c.that("require_encryption", "not_encrypted", m.encrypted, "an EncryptedAssertion", either(m.encrypted, "one", "an Assertion"))
	}
	return want.assertion(c, a)
}

func either(first bool, one, other string) string {
	if first {
		return one
	}
	return other
}

// response checks the outer message against core §3.2.2 and §3.3.3 and bindings
// §3.5.5.2. A denial is reported last, and only for a response to our request.
func (w expectation) response(c *checks, m message) {
	denied := m.status.codes[0] != statusSuccess
	c.that("Version of the Response", "version_mismatch", m.version == "2.0", "Version 2.0 of the Response", m.version)
	c.that("ID of the Response", "invalid_id", xmltree.IsNCName(m.id), "an ID of the Response that is an xs:ID", m.id)
	switch {
	case m.destination == nil && m.signed:
		c.that("Destination", "destination_missing", false, w.acs(w.on), "none on a signed Response")
	case m.destination == nil:
		c.that("Destination", "", true, w.acs(w.on), "none, which an unsigned Response may leave out")
	default:
		c.check("Destination", w.acs(w.on), *m.destination, w.at("destination", *m.destination))
	}
	switch {
	case m.inResponseTo == "":
		c.that("InResponseTo of the Response", "unsolicited", denied, "InResponseTo "+w.requestID, "none")
	default:
		c.that("InResponseTo of the Response", "in_response_to_mismatch", m.inResponseTo == w.requestID, w.requestID, m.inResponseTo)
	}
	switch {
	case m.issuer != nil:
		c.check("Issuer of the Response", w.issuer, m.issuer.value, w.from(*m.issuer))
	default:
		c.that("Issuer of the Response", "issuer_missing", !m.signed && !m.encrypted, w.issuer, "no Issuer of the Response")
	}
	c.check("IssueInstant of the Response", w.period, m.issuedAt, w.issued(m.issuedAt, "the Response"))
	if !denied {
		c.that("Status", "", true, "Success", "Success")
		return
	}
	if c.done() {
		return
	}
	codes := make([]string, len(m.status.codes))
	for i, code := range m.status.codes {
		codes[i] = strings.TrimPrefix(code, "urn:oasis:names:tc:SAML:2.0:status:")
	}
	received := strings.Join(codes, " / ")
	if m.status.message != "" {
		received += ": " + strings.Join(strings.Fields(m.status.message), " ")
	}
	c.check("Status", nil, nil, approval.RefuseAs(approval.ErrDeniedByIdP, "idp_denied", w.expectedStatus(codes), sanitized(received)))
}

// period says between when a response has to be issued.
func (w expectation) period() string {
	return timestamp(w.requestedAt.Add(-w.skew)) + " to " + timestamp(w.moment.Add(w.skew))
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

// at refuses a URL that is not the one the response was posted to.
func (w expectation) at(what, received string) error {
	if received == w.acs(w.on) {
		return nil
	}
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
	case at.After(w.moment.Add(w.skew)):
		return refuse("clock_ahead", what+" issued by "+timestamp(w.moment.Add(w.skew)), timestamp(at))
	case w.requestedAt.IsZero():
		return refuse("internal_error", "the time of the request", "none")
	case at.Before(w.requestedAt.Truncate(time.Second).Add(-w.skew)):
		return refuse("issued_before_request", what+" issued after "+timestamp(w.requestedAt.Add(-w.skew)), timestamp(at))
	}
	return nil
}

func (w expectation) assertion(c *checks, a *assertion) time.Time {
	c.that("Version of the Assertion", "version_mismatch", a.version == "2.0", "Version 2.0 of the Assertion", a.version)
	c.that("ID of the Assertion", "invalid_id", xmltree.IsNCName(a.id), "an ID of the Assertion that is an xs:ID", a.id)
	if a.issuer == nil {
		c.that("Issuer of the Assertion", "issuer_missing", false, w.issuer, "no Issuer of the Assertion")
	}
	c.that("Subject", "subject_missing", a.hasSubject, "a Subject", either(a.hasSubject, "one", "none"))
	if a.issuer != nil {
		c.check("Issuer of the Assertion", w.issuer, a.issuer.value, w.from(*a.issuer))
	}
	c.check("IssueInstant of the Assertion", w.period, a.issuedAt, w.issued(a.issuedAt, "the Assertion"))
	until := w.conditions(c, a.conditions)
	bearer := w.bearer(c, a.confirmations)
	if c.done() {
		return time.Time{}
	}
	w.logins(c, a.logins)
	if until.IsZero() || bearer.Before(until) {
		until = bearer
	}
	if latest := w.moment.Add(lifetime); until.After(latest) {
		until = latest
	}
	return until.Add(w.skew)
}

// within checks a period against the clock, which may be off by the skew either way
// (core §2.5.1.2). A zero bound is none.
func (w expectation) within(notBefore, notOnOrAfter time.Time, what string) error {
	switch {
	case !notBefore.IsZero() && !notOnOrAfter.IsZero() && !notBefore.Before(notOnOrAfter):
		return refuse("invalid_period", what+" that ends after it begins", timestamp(notBefore)+" to "+timestamp(notOnOrAfter))
	case !notBefore.IsZero() && w.moment.Add(w.skew).Before(notBefore):
		return refuse("clock_ahead", what+" valid by "+timestamp(w.moment.Add(w.skew)), "NotBefore "+timestamp(notBefore))
	case !notOnOrAfter.IsZero() && !w.moment.Add(-w.skew).Before(notOnOrAfter):
		return refuse("expired", what+" valid after "+timestamp(w.moment.Add(-w.skew)), "NotOnOrAfter "+timestamp(notOnOrAfter))
	}
	return nil
}

// conditions checks Conditions against core §2.5.1: all have to be understood and to
// hold; each AudienceRestriction has to name us.
func (w expectation) conditions(c *checks, given *conditions) time.Time {
	if given == nil || len(given.audiences) == 0 {
		c.that("Audience", "audience_missing", false, w.entityID, "no AudienceRestriction")
	}
	if given == nil || c.done() {
		return time.Time{}
	}
	c.that("Conditions", "unknown_condition", given.unknown == "", "conditions of SAML 2.0", either(given.unknown == "", "no others", given.unknown))
	for _, any := range given.audiences {
		c.that("Audience", "audience_mismatch", slices.Contains(any, w.entityID), w.entityID, any)
	}
	c.check("period of the Conditions", func() string { return timestamp(w.moment) + " within it" },
		func() string { return shown(given.notBefore) + " to " + shown(given.notOnOrAfter) },
		w.within(given.notBefore, given.notOnOrAfter, "Conditions"))
	return given.notOnOrAfter
}

// bearer finds a SubjectConfirmation that holds; one is enough (profiles
// §4.1.4.3, errata E26). The refusal is that of the first bearer.
func (w expectation) bearer(c *checks, all []confirmation) time.Time {
	if c.done() {
		return time.Time{}
	}
	var latest time.Time
	var held *confirmationData
	var refused error
	for _, one := range all {
		if one.method != methodBearer {
			continue
		}
		if err := w.confirmed(one.data); err == nil && one.data.notOnOrAfter.After(latest) {
			latest, held = one.data.notOnOrAfter, one.data
		} else if refused == nil {
			refused = err
		}
	}
	switch {
	case held != nil:
		c.check("SubjectConfirmation", func() string { return "Recipient " + w.acs(w.on) + " after " + timestamp(w.moment.Add(-w.skew)) },
			func() string { return "Recipient " + held.recipient + ", NotOnOrAfter " + timestamp(held.notOnOrAfter) }, nil)
	case refused != nil:
		c.check("SubjectConfirmation", nil, nil, refused)
	case len(all) > 0:
		c.that("SubjectConfirmation", "confirmation_method", false, methodBearer, all[0].method)
	default:
		c.that("SubjectConfirmation", "confirmation_missing", false, "a bearer SubjectConfirmation", "none")
	}
	return latest
}

func (w expectation) confirmed(d *confirmationData) error {
	switch {
	case d == nil:
		return refuse("confirmation_missing", "SubjectConfirmationData", "none")
	case d.recipient == "":
		return refuse("recipient_missing", w.acs(w.on), "none")
	case d.recipient != w.acs(w.on):
		return w.at("recipient", d.recipient)
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

// signedInAt is the earliest AuthnInstant: of several statements it promises least.
// It is zero if that cannot be right.
func (a *assertion) signedInAt() (earliest time.Time) {
	for _, l := range a.logins {
		if earliest.IsZero() || l.at.Before(earliest) {
			earliest = l.at
		}
	}
	if earliest.Before(time.Unix(0, 0)) { // which not every store can keep
		return time.Time{}
	}
	return earliest.UTC().Truncate(time.Microsecond)
}

// logins checks every AuthnStatement against core §2.7.2; the profile wants one.
func (w expectation) logins(c *checks, all []login) {
	if len(all) == 0 {
		c.that("AuthnStatement", "no_authn_statement", false, "an AuthnStatement", "none")
	}
	for _, l := range all {
		c.check("AuthnStatement", func() string { return "AuthnInstant by " + timestamp(w.moment.Add(w.skew)) }, l.at, w.login(l))
	}
}

func (w expectation) login(l login) error {
	if l.at.After(w.moment.Add(w.skew)) {
		return refuse("clock_ahead", "AuthnInstant by "+timestamp(w.moment.Add(w.skew)), timestamp(l.at))
	}
	if end := l.sessionNotOnOrAfter; !end.IsZero() && !w.moment.Add(-w.skew).Before(end) {
		return refuse("session_expired", "a session after "+timestamp(w.moment.Add(-w.skew)), "SessionNotOnOrAfter "+timestamp(end))
	}
	return nil
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
