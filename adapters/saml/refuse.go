package saml

import (
	"errors"
	"strings"
	"unicode"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/domain/approval"
)

// refuse makes a refusal with values that may be logged.
func refuse(reason, expected, received string) *approval.Refusal {
	return approval.Refuse(reason, sanitized(expected), sanitized(received))
}

// refusal turns the errors of xmltree and xmlsec into refusals.
func refusal(err error) error {
	var r *approval.Refusal
	if errors.As(err, &r) {
		return r
	}
	var x *xmltree.Error
	if errors.As(err, &x) {
		return refuse(x.Reason, "", x.Detail)
	}
	var s *xmlsec.Error
	if errors.As(err, &s) {
		return refuse(s.Reason, s.Expected, s.Received)
	}
	return refuse("internal_error", "", "an error of a kind that was not expected")
}

const maxSanitized = 200

// sanitized bounds and cleans text from outside, so that it can neither fill a
// log nor forge a line in it.
func sanitized(s string) string { return sanitizedTo(s, maxSanitized) }

func sanitizedTo(s string, longest int) string {
	var out strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > longest {
			out.WriteRune('…')
			break
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			r = '·'
		}
		out.WriteRune(r)
	}
	return out.String()
}
