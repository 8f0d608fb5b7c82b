package device_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/device"
)

const alphabet = "ABCDEFGHJKLMNPQRSTUVWXY3456789"

func TestAUserCodeHasTheReferencesForm(t *testing.T) {
	seen := map[string]bool{}
	for range 2000 {
		c := device.NewUserCode()
		text := c.String()
		if len(text) != 9 || text[4] != '-' || strings.Trim(text[:4]+text[5:], alphabet) != "" || c.IsZero() {
			t.Fatalf("got %q, want two times four characters of the alphabet", text)
		}
		for _, r := range text[:4] + text[5:] {
			seen[string(r)] = true
		}
		if back, err := device.ParseUserCode(text); err != nil || back != c {
			t.Fatalf("got %v, %v for %q, want the code itself", back, err, text)
		}
	}
	if len(seen) != len(alphabet) {
		t.Errorf("got %d characters in use, want all %d", len(seen), len(alphabet))
	}
	if zero := (device.UserCode{}); !zero.IsZero() || zero.String() != "" {
		t.Errorf("got the code %q for the zero code, want none", zero)
	}
}

// Case D16, and every spelling that the contract (§2) names.
func TestAUserCodeMatchesHoweverItIsTyped(t *testing.T) {
	want, err := device.ParseUserCode("ABCD-EFGH")
	if err != nil {
		t.Fatal(err)
	}
	for what, typed := range map[string]string{
		"as shown":                     "ABCD-EFGH",
		"in lower case":                "abcd-efgh",
		"in mixed case":                "aBcD-EfGh",
		"without a hyphen":             "ABCDEFGH",
		"spaced":                       "A B C D E F G H",
		"with a blank for the hyphen":  "ABCD EFGH",
		"blanks around the hyphen":     "ABCD - EFGH",
		"blanks around it":             "  ABCD-EFGH  ",
		"with a tab":                   "ABCD\tEFGH",
		"with a no-break space":        "ABCD\u00a0EFGH",
		"with a thin space":            "ABCD\u2009EFGH",
		"with an ideographic space":    "ABCD\u3000EFGH",
		"with a trailing newline":      "ABCD-EFGH\n",
		"with a trailing CRLF":         "ABCD-EFGH\r\n",
		"on two lines":                 "ABCD\nEFGH",
		"with an en dash":              "ABCD–EFGH",
		"with an em dash":              "ABCD—EFGH",
		"with a figure dash":           "ABCD‒EFGH",
		"with a horizontal bar":        "ABCD―EFGH",
		"with a hyphen proper":         "ABCD\u2010EFGH",
		"with a non-breaking hyphen":   "ABCD\u2011EFGH",
		"with a soft hyphen":           "ABCD\u00adEFGH",
		"with a minus":                 "ABCD\u2212EFGH",
		"with a hyphen bullet":         "ABCD\u2043EFGH",
		"with a small hyphen":          "ABCD\ufe63EFGH",
		"with a full-width hyphen":     "ABCD－EFGH",
		"with a katakana long mark":    "ABCDーEFGH",
		"with a half-width long mark":  "ABCDｰEFGH",
		"with a wave dash":             "ABCD〜EFGH",
		"with a box-drawing line":      "ABCD─EFGH",
		"with a superscript minus":     "ABCD⁻EFGH",
		"with a heavy minus":           "ABCD➖EFGH",
		"with an underscore":           "ABCD_EFGH",
		"with a middle dot":            "ABCD·EFGH",
		"with two hyphens":             "ABCD--EFGH",
		"with hyphens everywhere":      "-A-B-C-D-E-F-G-H-",
		"in full-width letters":        "ＡＢＣＤ－ＥＦＧＨ",
		"in full-width lower case":     "ａｂｃｄｅｆｇｈ",
		"with a zero-width space":      "ABCD\u200bEFGH",
		"with a zero-width joiner":     "ABCD\u200dEFGH",
		"with a zero-width non-joiner": "ABCD\u200cEFGH",
		"with a word joiner":           "ABCD\u2060EFGH",
		"with a byte order mark":       "\ufeffABCD-EFGH",
		"with a left-to-right mark":    "\u200eABCD-EFGH\u200f",
		"inside directional isolates":  "\u2066ABCD-EFGH\u2069",
		"with a combining joiner":      "ABCD\u034fEFGH",
		"with a variation selector":    "ABCD\ufe0fEFGH",
		"with a Hangul filler":         "ABCD\u3164EFGH",
		"with a Braille blank":         "ABCD\u2800EFGH",
		"with a NUL":                   "ABCD-EFGH\x00",
	} {
		if got, err := device.ParseUserCode(typed); err != nil || got != want {
			t.Errorf("%s (%+q): got %v, %v, want %v", what, typed, got, err, want)
		}
	}
}

func TestDigitsMatchInFullWidthToo(t *testing.T) {
	want, _ := device.ParseUserCode("3456-789A")
	if got, err := device.ParseUserCode("３４５６７８９ａ"); err != nil || got != want || want.IsZero() {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestImpossibleUserCodesAreRefused(t *testing.T) {
	for _, typed := range []string{
		"", " ", "-", "ABCD", "ABCD-EFG", "ABCD-EFGHJ", "ABCD-EFGH-JKLM",
		"IBCD-EFGH", "OBCD-EFGH", "ZBCD-EFGH", "0BCD-EFGH", "1BCD-EFGH", "2BCD-EFGH", // look alike
		"ABCD.EFGH", "ABCD,EFGH", "ABCD+EFGH", "ABCD'EFGH", "ABCD\\EFGH", "ABCD/EFGH", "ABCD=EFGH",
		"АBCD-EFGH", // Cyrillic А
		"ÁBCD-EFGH", "ABCDÉFGH", "🄰BCDEFGH",
		"ABCD-EFG\xff", "\xffABCDEFGH", "ABCDEFG\xe2\x80",
		"<b>ABCDEFGH</b>", "%41BCDEFGH",
		strings.Repeat("ABCDEFGH", 1000),
	} {
		if c, err := device.ParseUserCode(typed); !errors.Is(err, device.ErrInvalidUserCode) || !c.IsZero() {
			t.Errorf("got %v, %v for %q, want %v", c, err, typed[:min(len(typed), 40)], device.ErrInvalidUserCode)
		}
	}
}

// decoration is what does not distinguish codes.
func decoration() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom([]rune("-_ \t\n·ーｰ➖⠀"), unicode.Pd, unicode.Zs, unicode.Cf, unicode.Dash), 0, 3, -1)
}

func TestNoDecorationChangesACode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOfN(rapid.RuneFrom([]rune(alphabet)), 8, 8, -1).Draw(t, "letters")
		want, err := device.ParseUserCode(letters)
		if err != nil || want.String() != letters[:4]+"-"+letters[4:] {
			t.Fatalf("got %v, %v for %q, want it with a hyphen", want, err, letters)
		}
		var typed strings.Builder
		for _, r := range letters {
			typed.WriteString(decoration().Draw(t, "decoration"))
			switch rapid.IntRange(0, 3).Draw(t, "spelling") {
			case 0:
				r = unicode.ToLower(r)
			case 1:
				r += '！' - '!'
			case 2:
				r = unicode.ToLower(r) + '！' - '!'
			}
			typed.WriteRune(r)
		}
		typed.WriteString(decoration().Draw(t, "decoration"))
		got, err := device.ParseUserCode(typed.String())
		if err != nil || got != want {
			t.Errorf("%+q: %v, %v, want %v", typed.String(), got, err, want)
		}
		if device.NormalizeUserCode(typed.String()) != device.NormalizeUserCode(letters) {
			t.Errorf("got another guess for %+q than for %q, want the same", typed.String(), letters)
		}
	})
}

func TestNormalizingAcceptsAnyBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "bytes"))
		folded := device.NormalizeUserCode(text)
		if len(folded) > 4*len(text) || !utf8.ValidString(folded) {
			t.Errorf("got %q for %q, want valid text at most four times as long", folded, text)
		}
		if again := device.NormalizeUserCode(folded); len(folded) < 200 && again != folded {
			t.Errorf("got %q, then %q for %q, want the same twice", folded, again, text)
		}
		if c, err := device.ParseUserCode(text); err == nil && device.NormalizeUserCode(c.String()) != folded {
			t.Errorf("got %v for %q, want a code that is counted as %q", c, text, folded)
		}
	})
}

func FuzzParseUserCode(f *testing.F) {
	for _, seed := range []string{"ABCD-EFGH", "ａｂｃｄ－ｅｆｇｈ", "\xff", "\u200b", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := device.ParseUserCode(text)
		if err != nil {
			return
		}
		if back, err := device.ParseUserCode(c.String()); err != nil || back != c {
			t.Errorf("got %v, then %v, %v for %q, want the same twice", c, back, err, text)
		}
	})
}

func TestFindUserCodeInPastedText(t *testing.T) {
	want, err := device.ParseUserCode("WDJB-M3HT")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"wdjbm3ht", " W D J B - M 3 H T ", "Code: WDJB-M3HT", "Your code is wdjb–m3ht.", "(WDJB-M3HT)", "WDJB-M3HT\nWDJB-M3HT",
		"https://gate.example/device?user_code=WDJB-M3HT", "http://localhost:8080/device?x=1&user_code=WDJB-M3HT#top",
	} {
		if got, err := device.FindUserCode(text); err != nil || got != want {
			t.Errorf("got %s, %v in %q, want %s", got, err, text, want)
		}
	}
	for _, text := range []string{
		"", "Code:", "WDJB-M3HT or WDJB-M3HX", "the password is WDJBM3HT", "https://gate.example/device", strings.Repeat("x", 10_000),
	} {
		if got, err := device.FindUserCode(text); err == nil {
			t.Errorf("got %s in %q, want none", got, text)
		}
	}
}

// A byte taken modulo the alphabet's length would favour its first letters by
// an eighth.
func TestAllLettersOfUserCodesAreEquallyLikely(t *testing.T) {
	const codes = 300_000
	counts := map[byte]int{}
	for range codes {
		code := device.NewUserCode().String()
		for i := range len(code) {
			if code[i] != '-' {
				counts[code[i]]++
			}
		}
	}
	letters := 0
	for _, n := range counts {
		letters += n
	}
	if len(counts) != 30 || letters != 8*codes {
		t.Fatalf("got %d letters of %d kinds, want %d of 30", letters, len(counts), 8*codes)
	}
	for letter, n := range counts {
		if want := letters / 30; n < want*98/100 || n > want*102/100 {
			t.Errorf("%c: got %d, want about %d", letter, n, want)
		}
	}
}
