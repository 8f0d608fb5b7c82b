package explain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/explain"
)

var at = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func situation(t *testing.T, p acsmove.Product) explain.Situation {
	t.Helper()
	via, err := connection.New(connection.Settings{Slug: "acme", Domains: []string{"acme.example"}})
	if err != nil {
		t.Fatal(err)
	}
	return explain.Situation{Via: via, Product: p, At: at, RequestedAt: at.Add(-time.Minute), Claim: explain.Claim{Issuer: "https://idp.test", IssuedAt: at}}
}

func failing(reason string) explain.Trace {
	return explain.Trace{Checks: []explain.Check{
		{Name: "document", Outcome: explain.Passed},
		{Name: "Recipient", Outcome: explain.Failed, Reason: reason, Expected: "https://gate.test/acs", Received: "https://gate.test/other"},
		{Name: "Audience", Outcome: explain.Skipped},
	}}
}

func TestCausesAreWordedForTheProduct(t *testing.T) {
	for _, c := range []struct {
		product acsmove.Product
		reason  string
		change  func(*explain.Trace, *explain.Situation)
		want    []string
	}{
		{acsmove.Okta, "recipient_is_legacy_acs", nil, []string{"Recipient is the legacy URL", "In Okta", "Single sign-on URL"}},
		{acsmove.Entra, "destination_mismatch", nil, []string{"https://gate.test/acs", "Reply URL"}},
		{acsmove.Google, "audience_mismatch", nil, []string{"In Google Workspace", `"Entity ID"`}},
		{acsmove.ADFS, "weak_signature_algorithm", nil, []string{"Secure hash algorithm", "--allow-weak"}},
		{acsmove.Unknown, "unknown_key", func(tr *explain.Trace, _ *explain.Situation) {
			tr.Metadata = explain.Metadata{FromURL: true, FetchedAt: at.Add(-3*24*time.Hour - time.Hour)}
		}, []string{"not in the metadata fetched 3 days before", "connections refresh acme", "In the identity provider"}},
		{acsmove.Keycloak, "unknown_key", nil, []string{"metadata document", "replace the metadata"}},
		{acsmove.Okta, "unknown_key", func(tr *explain.Trace, _ *explain.Situation) {
			tr.Metadata.EntityID = "https://other.test"
		}, []string{"By its Issuer", "https://idp.test", "https://other.test"}},
		{acsmove.Okta, "clock_ahead", func(_ *explain.Trace, s *explain.Situation) {
			s.Claim.IssuedAt = at.Add(4*time.Minute + 3*time.Second)
		}, []string{"clock is 4 minutes ahead", "NTP"}},
		{acsmove.Okta, "issued_before_request", func(_ *explain.Trace, s *explain.Situation) {
			s.Claim.IssuedAt = at.Add(-2 * time.Hour)
		}, []string{"clock is 119 minutes behind"}},
		{acsmove.Okta, "expired", func(_ *explain.Trace, s *explain.Situation) {
			s.RequestedAt, s.Claim.IssuedAt = at.Add(-2*time.Hour), at.Add(-time.Hour)
		}, []string{"came 60 minutes after it was issued"}},
		{acsmove.OneLogin, "email_missing", func(tr *explain.Trace, _ *explain.Situation) {
			tr.Verified.Attributes = []explain.Attribute{{Name: "Email.Address"}, {Name: "x\x1b[2Jy"}}
		}, []string{"Attribute names that came: Email.Address, x·[2Jy", "--email-attribute", "Parameters"}},
		{acsmove.Entra, "idp_denied", func(tr *explain.Trace, _ *explain.Situation) {
			tr.Checks[1].Received = "Responder: AADSTS50105"
		}, []string{"may not use", "Users and groups"}},
		{acsmove.Shibboleth, "idp_denied", func(tr *explain.Trace, _ *explain.Situation) {
			tr.Checks[1].Received = "Requester / InvalidNameIDPolicy"
		}, []string{"name_id_format", "saml-nameid.xml"}},
		{acsmove.Okta, "something_new", nil, []string{"Web Browser SSO profile"}},
	} {
		trace, s := failing(c.reason), situation(t, c.product)
		if c.reason == "issued_before_request" {
			s.RequestedAt = at.Add(-time.Minute)
		}
		if c.change != nil {
			c.change(&trace, &s)
		}
		got := trace.Causes(s)
		if len(got) != 1 {
			t.Errorf("%s of %s: got %q, want one cause", c.reason, c.product, got)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(strings.ReplaceAll(got[0], "  ", " "), part) {
				t.Errorf("%s of %s: got %q, want %q in it", c.reason, c.product, got[0], part)
			}
		}
	}
	if got := (explain.Trace{Checks: failing("").Checks[:1]}).Causes(situation(t, acsmove.Okta)); len(got) > 0 {
		t.Errorf("got %q, want no cause where nothing failed", got)
	}
}

func TestRedactingLeavesNoValue(t *testing.T) {
	trace := explain.Trace{Verified: explain.Verified{NameID: "alice", Attributes: []explain.Attribute{
		{Name: "mail", Values: []string{"alice@acme.example", "Alice <alice@acme.example>", "", "alice@"}},
	}}}
	got := trace.Redacted().Verified
	want := []string{"[5 characters]@acme.example", "[26 characters]", "", "[6 characters]"}
	for i, v := range got.Attributes[0].Values {
		if v != want[i] {
			t.Errorf("got %q, want %q", v, want[i])
		}
	}
	if got.NameID != "[5 characters]" || got.Attributes[0].Name != "mail" {
		t.Errorf("got %+v, want the name and no NameID", got)
	}
	if trace.Verified.Attributes[0].Values[0] != "alice@acme.example" {
		t.Error("got the trace itself changed by redacting, want a copy")
	}
}
