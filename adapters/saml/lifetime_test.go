package saml_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/spkeys"
)

func TestExpiresAtIsWhenTheAssertionIsRefused(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	raw := b.with(t)
	until := b.accepts(t, raw).ExpiresAt
	if want := samltest.Epoch.Add(8 * time.Minute); !until.Equal(want) {
		t.Fatalf("got until %s, want %s", until, want)
	}
	b.at = until.Add(-time.Second)
	b.accepts(t, raw)
	b.at = until
	b.refuses(t, raw, "expired")
}

func TestExpiresAtIsBoundedForAssertionsWithoutEnd(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	raw := b.with(t, func(m *samltest.Message) {
		m.Conditions = samltest.Part(`<saml:Conditions>%s</saml:Conditions>`, samltest.AudienceRestriction(entityID))
		m.BeforeSigning = samltest.Replace(`<saml:SubjectConfirmationData NotOnOrAfter="`+samltest.Stamp(samltest.Epoch.Add(5*time.Minute)), `<saml:SubjectConfirmationData NotOnOrAfter="9999-12-31T23:59:59Z`)
	})
	if until := b.accepts(t, raw).ExpiresAt; until.After(samltest.Epoch.Add(25 * time.Hour)) {
		t.Errorf("got until %s, want a day and the skew at most", until)
	}
}

func TestClockSkewIsConfigurableAndSymmetric(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID), change{config: func(c *saml.Config) { c.ClockSkew = 10 * time.Second }})
	b.requestedAt = samltest.Epoch.Add(-10 * time.Minute)
	at := func(d time.Duration) string {
		return b.with(t, func(m *samltest.Message) { m.Request.At = samltest.Epoch.Add(d) })
	}
	b.accepts(t, at(10*time.Second))
	b.refuses(t, at(11*time.Second), "clock_ahead")
	b.accepts(t, at(-5*time.Minute-9*time.Second))
	b.refuses(t, at(-5*time.Minute-10*time.Second), "expired")
}

func TestClockSkewOfZero(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID), change{config: func(c *saml.Config) { c.ClockSkew = 0 }})
	b.requestedAt = samltest.Epoch.Add(-10 * time.Minute)
	at := func(d time.Duration) string {
		return b.with(t, func(m *samltest.Message) { m.Request.At = samltest.Epoch.Add(d) })
	}
	b.accepts(t, at(0))
	b.refuses(t, at(time.Second), "clock_ahead")
	b.accepts(t, at(-5*time.Minute+time.Second))
	b.refuses(t, at(-5*time.Minute), "expired")
}

// F41, contract section 10 item 16.
func TestIssueInstantIsNotBeforeTheRequest(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID), change{config: func(c *saml.Config) { c.ClockSkew = 10 * time.Second }})
	b.requestedAt = samltest.Epoch.Add(-time.Minute + 700*time.Millisecond)
	issued := func(response, assertion time.Duration) string {
		was := `IssueInstant="` + samltest.Stamp(samltest.Epoch) + `"`
		instant := func(d time.Duration) string { return `IssueInstant="` + samltest.Stamp(samltest.Epoch.Add(d)) + `"` }
		return b.with(t, func(m *samltest.Message) {
			m.BeforeSigning = func(s string) string {
				s = samltest.Replace(was, "@@")(s)
				s = samltest.Replace(was, instant(assertion))(s)
				return samltest.Replace("@@", instant(response))(s)
			}
		})
	}
	earliest := -time.Minute - 10*time.Second
	b.accepts(t, issued(0, 0))
	b.accepts(t, issued(earliest, earliest))
	b.refuses(t, issued(earliest-time.Second, 0), "issued_before_request")
	b.refuses(t, issued(0, earliest-time.Second), "issued_before_request")
	b.refuses(t, issued(-24*time.Hour, 0), "issued_before_request")
	b.refuses(t, issued(10*time.Second+time.Second, 0), "clock_ahead")
	b.requestedAt = time.Time{}
	b.refuses(t, issued(0, 0), "internal_error")
}

func TestConnectionCanRequireSignedOrEncryptedAssertions(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	strict := newBench(t, idp, change{source: func(s *connection.SAMLSettings) { s.Signed = connection.SignedRequired }})
	strict.accepts(t, strict.with(t))
	strict.refuses(t, strict.with(t, func(m *samltest.Message) { m.SignAssertion, m.SignResponse = false, true }), "unsigned")
	secret := newBench(t, idp, change{source: func(s *connection.SAMLSettings) { s.RequireEncryption = true }})
	secret.accepts(t, secret.with(t, encrypted(samltest.Encryption{})))
	secret.refuses(t, secret.with(t), "not_encrypted")
}

func TestEveryConfiguredKeyDecrypts(t *testing.T) {
	old, next, none := pair(t, 0), pair(t, 1), spkeys.Pair{}
	for name, keys := range map[string]spkeys.Set{
		"next":     keySet(t, pair(t, 2), old, none),
		"active":   keySet(t, old, next, none),
		"previous": keySet(t, next, none, old),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, samltest.NewIdP(t, idpID), change{keys: keys})
			b.accepts(t, b.with(t, encrypted(samltest.Encryption{})))
		})
	}
	gone := newBench(t, samltest.NewIdP(t, idpID), change{keys: keySet(t, next, none, none)})
	gone.refuses(t, gone.with(t, encrypted(samltest.Encryption{})), "decryption_failed")
}

func TestAssertionInANewResponseKeepsItsID(t *testing.T) { // S24
	b := newBench(t, samltest.NewIdP(t, idpID))
	first := b.accepts(t, b.with(t))
	again := b.accepts(t, b.with(t, func(m *samltest.Message) { m.AfterSigning = samltest.Replace(`ID="_response"`, `ID="_another"`) }))
	if first.ID != again.ID || first.Subject.Issuer() != again.Subject.Issuer() {
		t.Errorf("got the IDs %s and %s, want the same", first.ID, again.ID)
	}
}
