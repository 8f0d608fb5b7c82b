package identity_test

import (
	"errors"
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/identity"
)

func TestAPlainAddressIsAnEmail(t *testing.T) {
	for text, want := range map[string]struct{ email, domain string }{
		"alice@acme.example":                    {"alice@acme.example", "acme.example"},
		"ALICE@Acme.Example":                    {"alice@acme.example", "acme.example"},
		"  alice@acme.example\n":                {"alice@acme.example", "acme.example"},
		"a.b+c@sub.acme.example":                {"a.b+c@sub.acme.example", "sub.acme.example"},
		"o'brien@acme.example":                  {"o'brien@acme.example", "acme.example"},
		"a@b":                                   {"a@b", "b"},
		"alice@xn--bcher-kva.example":           {"alice@xn--bcher-kva.example", "xn--bcher-kva.example"},
		"alice@bücher.example":                  {"alice@bücher.example", "bücher.example"},
		"ALICE@BÜCHER.example":                  {"alice@bücher.example", "bücher.example"},
		"ålïce@acme.example":                    {"ålïce@acme.example", "acme.example"},
		"用户@例子.example":                         {"用户@例子.example", "例子.example"},
		strings.Repeat("a", 243) + "@b.example": {strings.Repeat("a", 243) + "@b.example", "b.example"},
	} {
		e, err := identity.ParseEmail(text)
		if err != nil || e.String() != want.email || e.Domain() != want.domain || e.IsZero() {
			t.Errorf("got %q at %q, %v for %q, want %q at %q", e, e.Domain(), err, text, want.email, want.domain)
		}
	}
}

func TestInvalidEmailAddressesAreRefused(t *testing.T) {
	for what, text := range map[string]string{
		"nothing":                     "",
		"two characters":              "a@",
		"no at":                       "alice",
		"no local part":               "@acme.example",
		"no domain":                   "alice@",
		"two ats":                     "alice@evil.example@acme.example",
		"two addresses":               "alice@acme.example,bob@acme.example",
		"two addresses, spaced":       "alice@acme.example bob@acme.example",
		"a list":                      "alice@acme.example;bob@acme.example",
		"a display name":              "Alice <alice@acme.example>",
		"angle brackets":              "<alice@acme.example>",
		"a quoted local part":         `"alice@evil.example"@acme.example`,
		"a comment":                   "alice@acme.example (Alice)",
		"a comment inside":            "alice(x)@acme.example",
		"a comment in the domain":     "alice@(x)acme.example",
		"a group":                     "acme:alice@acme.example;",
		"blanks inside":               "alice @acme.example",
		"a line break inside":         "alice\n@acme.example",
		"a NUL":                       "alice\x00@acme.example",
		"a zero-width space":          "ali\u200bce@acme.example",
		"a direction mark":            "\u202ealice@acme.example",
		"a soft hyphen":               "al\u00adice@acme.example",
		"invalid UTF-8":               "al\xffice@acme.example",
		"a guest's user name":         "alice_acme.example#EXT#@host.example", // case S44
		"the same in lower case":      "alice_acme.example#ext#@host.example",
		"a domain with two dots":      "alice@acme..example",
		"a domain with a last dot":    "alice@acme.example.",
		"a local part with dots":      "alice.@acme.example",
		"an encoded word":             "=?utf-8?q?alice?= <alice@acme.example>",
		"a mailto":                    "mailto:alice@acme.example",
		"a Kelvin sign for k":         "\u212aate@acme.example",
		"a Kelvin sign in the domain": "alice@\u212aey.example",
		"a dotted capital I":          "al\u0130ce@acme.example",
		"256 characters":              strings.Repeat("a", 246) + "@b.example",
		"256 of several bytes":        strings.Repeat("ü", 246) + "@b.example",
	} {
		if e, err := identity.ParseEmail(text); !errors.Is(err, identity.ErrInvalidEmail) || !e.IsZero() {
			t.Errorf("%s: got %q, %v for %q, want %v", what, e, err, text, identity.ErrInvalidEmail)
		}
	}
}

// Two texts that are one person here were one person to the identity provider,
// capitals apart: lower-casing never turns one name into another.
func TestLowerCasingKeepsDistinctAddressesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		local := rapid.StringOfN(rapid.Rune(), 1, 20, -1).Draw(t, "local")
		text := local + "@acme.example"
		e, err := identity.ParseEmail(text)
		if err != nil {
			return
		}
		got := strings.TrimSuffix(e.String(), "@acme.example")
		for i, r := range []rune(strings.TrimSpace(local)) {
			folded := []rune(got)[i]
			if (r < utf8.RuneSelf) != (folded < utf8.RuneSelf) {
				t.Errorf("got %+q for %+q, want ASCII to stay ASCII and the rest not", e, text)
			}
		}
		if again, err := identity.ParseEmail(e.String()); err != nil || again != e {
			t.Errorf("got %q, then %q, %v for %q, want the same twice", e, again, err, text)
		}
	})
}

func TestAnyTextIsAnEmailOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes"))
		e, err := identity.ParseEmail(text)
		if (err == nil) == e.IsZero() || err != nil && !errors.Is(err, identity.ErrInvalidEmail) {
			t.Errorf("got %q, %v for %q, want an address or %v", e, err, text, identity.ErrInvalidEmail)
		}
	})
}

func email(t testing.TB, text string) identity.Email {
	t.Helper()
	e, err := identity.ParseEmail(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Plain addresses do not go through net/mail; the answer is the same.
func TestAPlainAddressIsOneForNetMail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-b0+._-]{0,4}@?[a-b0+._-]{0,4}@?[a-b0.]{0,3}`).Draw(t, "text")
		a, err := mail.ParseAddress(text)
		want := err == nil && a.Address == text && len(text) >= 3
		if e, err := identity.ParseEmail(text); (err == nil) != want || want && e.String() != text {
			t.Errorf("%q: got %q, %v, want it accepted: %v", text, e, err, want)
		}
	})
}

func TestASubjectIsAnEmailOfAnIssuer(t *testing.T) {
	alice := email(t, "alice@acme.example")
	s, err := identity.NewSubject(alice, "https://idp.acme.example/metadata", "a-1")
	if err != nil || s.Email() != alice || s.Issuer() != "https://idp.acme.example/metadata" || s.NameID() != "a-1" ||
		s.IsZero() || s.Type() != identity.ExternalSSO {
		t.Errorf("got %+v, %v, want alice of ACME", s, err)
	}
	if _, err := identity.NewSubject(identity.Email{}, "https://idp", ""); !errors.Is(err, identity.ErrInvalidEmail) {
		t.Errorf("without an address: got %v, want %v", err, identity.ErrInvalidEmail)
	}
	for what, issuer := range map[string]string{
		"nothing": "", "a blank": " ", "blanks before": " x", "blanks behind": "x\u00a0", "a line break": "x\ny",
		"256 characters": strings.Repeat("ü", 256), "invalid UTF-8": "x\xff",
	} {
		if s, err := identity.NewSubject(alice, issuer, ""); !errors.Is(err, identity.ErrInvalidIssuer) || !s.IsZero() {
			t.Errorf("%s: got %+v, %v, want %v", what, s, err, identity.ErrInvalidIssuer)
		}
	}
	for _, issuer := range []string{"x", strings.Repeat("ü", 255), "urn:example:idp", "spn:0000", "with blanks inside"} {
		if _, err := identity.NewSubject(alice, issuer, ""); err != nil {
			t.Errorf("%q: got %v, want it taken", issuer, err)
		}
	}
}

// D15: identity is (issuer, e-mail), whatever the NameID; two identity
// providers never share a subject.
func TestSubjectsAreEqualByIssuerAndEmail(t *testing.T) {
	of := func(address, issuer, nameID string) identity.Subject {
		s, err := identity.NewSubject(email(t, address), issuer, nameID)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	alice := of("alice@acme.example", "https://idp", "a")
	for what, c := range map[string]struct {
		other identity.Subject
		same  bool
	}{
		"herself":                   {alice, true},
		"in capitals":               {of("ALICE@acme.example", "https://idp", "a"), true},
		"under another NameID":      {of("alice@acme.example", "https://idp", "b"), true},
		"another person":            {of("bob@acme.example", "https://idp", "a"), false},
		"of another issuer":         {of("alice@acme.example", "https://other", "a"), false},
		"of the issuer and a slash": {of("alice@acme.example", "https://idp/", "a"), false},
		"of the issuer in capitals": {of("alice@acme.example", "HTTPS://idp", "a"), false},
		"no subject":                {identity.Subject{}, false},
	} {
		if alice.Same(c.other) != c.same || c.other.Same(alice) != c.same {
			t.Errorf("%s: got %v, want %v", what, alice.Same(c.other), c.same)
		}
	}
}

func TestASubjectIDStandsForOnePerson(t *testing.T) {
	email := func(text string) identity.Email {
		e, err := identity.ParseEmail(text)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	alice := email("alice@acme.example")
	// The value is on the wire for ever: APIs keep it.
	if got, want := identity.SubjectID(alice, "https://idp.example/acme"), "AO8lV92crydxhHkObsfGkeCbUA6i85lGqO7o60dsSAs"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if identity.SubjectID(email("Alice@ACME.example"), "https://idp.example/acme") != identity.SubjectID(alice, "https://idp.example/acme") {
		t.Error("got another id for the address in capitals, want the same")
	}
	seen := map[string]bool{}
	for _, id := range []string{
		identity.SubjectID(alice, "https://idp.example/acme"), identity.SubjectID(alice, "https://idp.example/beta"), identity.SubjectID(alice, ""),
		identity.SubjectID(email("bob@acme.example"), "https://idp.example/acme"), identity.SubjectID(email("e@acme.example"), "https://idp.example/acmealic"),
	} {
		if seen[id] || len(id) != 43 {
			t.Errorf("got %q again or not with 43 characters, want an id for each person", id)
		}
		seen[id] = true
	}
	if got := identity.SubjectID(identity.Email{}, "https://idp.example/acme"); got != "" {
		t.Errorf("got %q for no address, want nothing", got)
	}
}
