package saml_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/explain"
	"github.com/devicegate/devicegate/ports"
)

// agrees makes sure that an explanation has the verdict of the verifier, and that
// its first failed check is the reason. Every message that a test lets the verifier
// judge comes through here.
func (b *bench) agrees(t testing.TB, what ports.Response, assertion approval.VerifiedAssertion, refused error) {
	t.Helper()
	trace, err := b.broker.Explain(t.Context(), b.via, what)
	if reason(err) != reason(refused) || (err == nil) != (refused == nil) {
		t.Errorf("explained: got %v, want %v", err, refused)
	}
	for _, sentinel := range []error{approval.ErrDeniedByIdP, approval.ErrNoEmail, connection.ErrForeignDomain, approval.ErrInvalidAssertion} {
		if errors.Is(err, sentinel) != errors.Is(refused, sentinel) {
			t.Errorf("explained: got %v, want %v for the browser", err, refused)
		}
	}
	var failed []explain.Check
	for _, c := range trace.Checks {
		if c.Outcome == explain.Failed {
			failed = append(failed, c)
		}
	}
	switch {
	case refused == nil && len(failed) > 0:
		t.Errorf("explained: got %+v, want no failed check of %s", failed, assertion.Subject.Email())
	case refused != nil && (len(failed) == 0 || failed[0].Reason != reason(refused)):
		t.Errorf("explained: got failed checks %+v, want %v first", failed, refused)
	}
	s := explain.Situation{Via: b.via, Product: acsmove.Okta, At: what.At, RequestedAt: what.RequestedAt}
	if got := trace.Causes(s); (len(got) > 0) != (refused != nil) {
		t.Errorf("explained: got causes %q, want some for a refusal and none otherwise", got)
	}
}

func TestExplanationsShowEveryCheckThatCanBeMade(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	raw := b.with(t, func(m *samltest.Message) {
		m.Destination = publicURL + connection.Legacy.ACSPath()
		m.Conditions = samltest.Part(`<saml:Conditions NotOnOrAfter="%s">%s</saml:Conditions>`, samltest.Stamp(samltest.Epoch.Add(-time.Hour)), samltest.AudienceRestriction("https://other.test"))
		m.Mail = "no address"
	})
	what := ports.Response{Raw: raw, RequestID: requestID, RequestedAt: samltest.Epoch, ReceivedOn: connection.Canonical, At: samltest.Epoch}
	trace, err := b.broker.Explain(t.Context(), b.via, what)
	if reason(err) != "destination_is_legacy_acs" {
		t.Errorf("got %v, want destination_is_legacy_acs", err)
	}
	got := map[string]string{}
	for _, c := range trace.Checks {
		got[c.Name] = string(c.Outcome) + " " + c.Reason
	}
	for name, want := range map[string]string{
		"signature of the Assertion": "pass ", "Destination": "fail destination_is_legacy_acs", "Audience": "fail audience_mismatch",
		"period of the Conditions": "fail expired", "SubjectConfirmation": "pass ", "NameID": "pass ", "e-mail address": "fail email_missing",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	if len(trace.Verified.Attributes) != 1 || trace.Verified.Attributes[0].Values[0] != "no address" || trace.Verified.NameID != "alice" {
		t.Errorf("got %+v, want the attribute and the NameID", trace.Verified)
	}
	if r := trace.Redacted(); strings.Contains(strings.Join(r.Verified.Attributes[0].Values, "")+r.Verified.NameID, "a") && r.Verified.NameID == "alice" {
		t.Errorf("got %+v, want values that are redacted", r.Verified)
	}
	if trace.Verified.NameID != "alice" {
		t.Errorf("got the NameID %q in the trace after redacting a copy, want alice", trace.Verified.NameID)
	}
}

func TestNothingUnverifiedIsExplained(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	raw := b.with(t, func(m *samltest.Message) { m.Signing.Key = samltest.RSAKey(t, 1) })
	trace, err := b.broker.Explain(t.Context(), b.via, ports.Response{Raw: raw, RequestID: requestID, RequestedAt: samltest.Epoch, ReceivedOn: connection.Canonical, At: samltest.Epoch})
	if err == nil || len(trace.Verified.Attributes) > 0 || trace.Verified.NameID != "" {
		t.Errorf("got %v with %+v, want a refusal and nothing of the assertion", err, trace.Verified)
	}
	skipped := 0
	for _, c := range trace.Checks {
		if c.Outcome == explain.Skipped {
			skipped++
		}
	}
	if skipped < 5 {
		t.Errorf("got %d checks told as skipped, want those after the signature", skipped)
	}
}

func TestPeekReadsWhatAResponseSaysOfItself(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	claim, err := b.broker.Peek(b.with(t))
	want := explain.Claim{Issuer: idpID, Destination: publicURL + connection.Canonical.ACSPath(), RequestID: requestID, IssuedAt: samltest.Epoch}
	if err != nil || claim != want {
		t.Errorf("got %+v, %v, want %+v", claim, err, want)
	}
	claim, err = b.broker.Peek(b.with(t, func(m *samltest.Message) {
		m.AfterSigning = func(s string) string {
			return strings.Replace(strings.Replace(s, ` Destination="`+want.Destination+`"`, "", 1), "<saml:Issuer>"+idpID+"</saml:Issuer>", "", 1)
		}
	}))
	if err != nil || claim != want {
		t.Errorf("of the assertion: got %+v, %v, want %+v", claim, err, want)
	}
	for _, raw := range []string{"", "!", samltest.Encode("<a/>"), samltest.Encode(`<!DOCTYPE a [<!ENTITY x "y">]><a/>`), strings.Repeat("A", 2<<20)} {
		if _, err := b.broker.Peek(raw); reason(err) == "" {
			t.Errorf("%.20q: got %v, want a refusal", raw, err)
		}
	}
}

func TestCapturesOfAllForms(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	document := b.message().Document()
	raw := samltest.Encode(document)
	form := "RelayState=x%26y&SAMLResponse=" + strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(raw)
	at := time.Date(2026, 11, 25, 12, 0, 3, 0, time.UTC)
	har := func(data string) string {
		return `{"log":{"version":"1.2","entries":[
			{"startedDateTime":"2026-11-25T11:00:00Z","request":{"method":"POST","url":"https://gate.test/old","postData":{"text":"SAMLResponse=old"}}},
			{"startedDateTime":"2026-11-25T13:00:03+01:00","request":{"method":"POST","url":"https://gate.test/acs?x=1","postData":` + data + `}},
			{"startedDateTime":"2026-11-25T12:00:09Z","request":{"method":"GET","url":"https://gate.test/device"}}]}}`
	}
	for name, c := range map[string]struct {
		text string
		want saml.Capture
	}{
		"base64":                  {raw, saml.Capture{Response: raw}},
		"base64 with a line end":  {"  " + raw + "\r\n", saml.Capture{Response: raw}},
		"base64 with a BOM":       {"\ufeff" + raw, saml.Capture{Response: raw}},
		"escaped base64":          {strings.NewReplacer("+", "%2B", "=", "%3D").Replace(raw), saml.Capture{Response: raw}},
		"XML":                     {document, saml.Capture{Response: raw}},
		"XML with a BOM":          {"\ufeff" + document, saml.Capture{Response: raw}},
		"a form's body":           {form, saml.Capture{Response: raw}},
		"a request":               {"POST /acs HTTP/1.1\r\nHost: gate.test\r\n\r\n" + form, saml.Capture{Response: raw}},
		"a page":                  {`<!DOCTYPE html><form><input name="SAMLResponse" type="hidden" value="` + strings.ReplaceAll(raw, "+", "&#x2B;") + `"></form>`, saml.Capture{Response: raw}},
		"a page, value first":     {`<html><input value='` + raw + `' name='SAMLResponse'>`, saml.Capture{Response: raw}},
		"a recording":             {har(`{"text":"` + form + `"}`), saml.Capture{Response: raw, PostedTo: "https://gate.test/acs", At: at}},
		"a recording with fields": {har(`{"params":[{"name":"SAMLResponse","value":"` + raw + `"}]}`), saml.Capture{Response: raw, PostedTo: "https://gate.test/acs", At: at}},
	} {
		got, err := saml.ReadCapture([]byte(c.text))
		if err != nil || got.Response != c.want.Response || got.PostedTo != c.want.PostedTo || !got.At.Equal(c.want.At) {
			t.Errorf("%s: got %.60q from %s at %s, %v, want %.60q", name, got.Response, got.PostedTo, got.At, err, c.want.Response)
		}
	}
	for name, text := range map[string]string{
		"nothing":                      "",
		"blanks":                       " \n\t",
		"a page without the field":     "<!DOCTYPE html><form><input name=\"user\"></form>",
		"a page that ends in the tag":  "<html><input name=\"SAMLResponse\" value=\"abc",
		"a recording of something":     `{"log":{"entries":[]}}`,
		"JSON":                         `{"a":`,
		"a form with an empty field":   "SAMLResponse=&RelayState=x",
		"a form with a broken escape":  "SAMLResponse=%zz",
		"a recording with odd entries": `{"log":{"entries":[{"request":{"postData":{"text":"SAMLResponse=%zz"}}}]}}`,
		"more than the bound":          strings.Repeat("A", saml.CaptureMax+1),
	} {
		if got, err := saml.ReadCapture([]byte(text)); err == nil {
			t.Errorf("%s: got %.40q, want an error", name, got.Response)
		}
	}
}
