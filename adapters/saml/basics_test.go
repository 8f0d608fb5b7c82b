package saml_test

import (
	"testing"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
)

func TestSignatureOnResponseAssertionOrBoth(t *testing.T) { // S31
	b := newBench(t, samltest.NewIdP(t, idpID))
	for _, tc := range []struct {
		name                string
		response, assertion bool
		encrypt             bool
		reason              string
	}{
		{"response", true, false, false, ""},
		{"assertion", false, true, false, ""},
		{"both", true, true, false, ""},
		{"none", false, false, false, "unsigned"},
		{"response, encrypted", true, false, true, ""},
		{"assertion, encrypted", false, true, true, ""},
		{"both, encrypted", true, true, true, ""},
		{"none, encrypted", false, false, true, "unsigned"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw := b.with(t, func(m *samltest.Message) {
				m.SignResponse, m.SignAssertion = tc.response, tc.assertion
				if tc.encrypt {
					m.Encryption = &samltest.Encryption{}
				}
			})
			if tc.reason == "" {
				b.accepts(t, raw)
			} else {
				b.refuses(t, raw, tc.reason)
			}
		})
	}
}
