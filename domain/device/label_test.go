package device_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/device"
)

func TestALabelIsCleaned(t *testing.T) {
	for what, c := range map[string]struct{ sent, want string }{
		"plain":                        {"Alice's laptop", "Alice's laptop"},
		"blanks around it":             {" \t laptop\n ", "laptop"},
		"blanks inside":                {"my  laptop", "my  laptop"},
		"none":                         {"", "Dify CLI"},
		"only blanks":                  {" \u00a0\u3000 ", "Dify CLI"},
		"only control characters":      {"\x00\x1b\x7f\u0085", "Dify CLI"},
		"only direction marks":         {"\u202e\u2066\u200f", "Dify CLI"},
		"only invisible characters":    {"\u200b\u2060\ufeff\u3164", "Dify CLI"},
		"a terminal escape":            {"lap\x1b[31mtop", "lap[31mtop"},
		"line breaks":                  {"build\r\nserver\u2028\tseven\u2029", "build server seven"}, // F76
		"text reordered to look right": {"\u202egpj.exe\u202c", "gpj.exe"},
		"isolates":                     {"a\u2066b\u2069c\u061cd", "abcd"},
		"invalid UTF-8":                {"lap\xff\xfetop\xe2\x80", "laptop"},
		"an overlong NUL":              {"lap\xc0\x80top", "laptop"},
		"surrogates":                   {"lap\xed\xa0\x80top", "laptop"},
		"markup stays text":            {"<b>laptop</b>", "<b>laptop</b>"},
		"other scripts":                {"笔记本 לפטופ", "笔记本 לפטופ"},
		"joined emoji":                 {"👩\u200d💻", "👩\u200d💻"},
		"255 characters":               {strings.Repeat("x", 255), strings.Repeat("x", 255)},
		"256 characters":               {strings.Repeat("x", 256), strings.Repeat("x", 255)},
		"256 of several bytes":         {strings.Repeat("界", 256), strings.Repeat("界", 255)},
		"cut inside of a pair":         {strings.Repeat("x", 254) + "👩👩", strings.Repeat("x", 254) + "👩"},
		"cut before blanks":            {strings.Repeat("x", 250) + strings.Repeat(" ", 10) + "x", strings.Repeat("x", 250)},
	} {
		if got := device.ParseLabel(c.sent, difyctl).String(); got != c.want {
			t.Errorf("%s: %q became %q, want %q", what, c.sent, got, c.want)
		}
	}
}

func TestAnyLabelIsCleanedAndShortened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.OneOf(
			rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "bytes")) }),
			rapid.StringN(0, 400, -1),
		).Draw(t, "sent")
		got := device.ParseLabel(sent, difyctl).String()
		if got == "" || !utf8.ValidString(got) || utf8.RuneCountInString(got) > 255 || strings.TrimSpace(got) != got ||
			strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
			t.Errorf("got %q for %q, want 1 to 255 characters that can be shown", got, sent)
		}
		if again := device.ParseLabel(got, difyctl).String(); again != got {
			t.Errorf("got %q, then %q for %q, want the same twice", got, again, sent)
		}
	})
}

// codeForm is what clients are promised.
var codeForm = regexp.MustCompile(`^dc_[A-Za-z0-9_-]{32}$`)

func TestADeviceCodeIsTheClientsSecret(t *testing.T) {
	seen := map[string]bool{}
	for range 500 {
		c := device.NewCode()
		text := c.Reveal()
		if !codeForm.MatchString(text) || seen[text] || c.String() != "[device code]" {
			t.Fatalf("got %q, want a code that is new and not shown", text)
		}
		seen[text] = true
		if back := device.ParseCode(text); back.Digest() != c.Digest() {
			t.Fatalf("got another digest for %q parsed, want its own", text)
		}
	}
}
