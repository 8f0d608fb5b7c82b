package device

import (
	"crypto/rand"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/fault"
)

// userCodeAlphabet has no characters that look alike; the reference's page
// accepts no other. 30^8 codes are 39 bits.
const (
	userCodeAlphabet = "ABCDEFGHJKLMNPQRSTUVWXY3456789"
	userCodeLength   = 8
	// userCodeMaxInput is how many characters of an input are normalized at most.
	userCodeMaxInput = 64
)

// ErrInvalidUserCode says that a user code was never issued, is used up or has
// expired: all of it alike, so that a guess teaches nothing.
var ErrInvalidUserCode = fault.New(fault.Invalid, "invalid_user_code",
	"That code is not valid, or no longer. Check it on your device, or start again there.")

// UserCode is the short code that the person compares or types (RFC 8628 §6.1).
// The zero UserCode is no code.
type UserCode struct{ letters string }

// NewUserCode makes a random user code. Bytes beyond the last multiple of the
// alphabet's length are drawn again, so that all letters are equally likely.
func NewUserCode() UserCode {
	const usable = 256 - 256%len(userCodeAlphabet)
	var letters [userCodeLength]byte
	for made := 0; made < userCodeLength; {
		var random [2 * userCodeLength]byte
		_, _ = rand.Read(random[:]) // never fails
		for _, b := range random {
			if int(b) < usable && made < userCodeLength {
				letters[made] = userCodeAlphabet[int(b)%len(userCodeAlphabet)]
				made++
			}
		}
	}
	return UserCode{string(letters[:])}
}

// ParseUserCode reads a code however it was typed: any case, blanks, any dash
// or none, full-width letters, zero-width characters. It returns
// [ErrInvalidUserCode] for what cannot have been issued.
func ParseUserCode(text string) (UserCode, error) {
	if letters, ok := asShown(text); ok {
		return UserCode{letters}, nil
	}
	folded := NormalizeUserCode(text)
	if len(folded) != userCodeLength || !inAlphabet(folded) {
		return UserCode{}, ErrInvalidUserCode
	}
	return UserCode{folded}, nil
}

// asShown reads a code that is spelt as people see it, and as it is stored.
func asShown(text string) (letters string, ok bool) {
	if len(text) != userCodeLength+1 || text[4] != '-' {
		return "", false
	}
	letters = text[:4] + text[5:]
	return letters, inAlphabet(letters)
}

func inAlphabet(text string) bool {
	for i := range len(text) {
		if strings.IndexByte(userCodeAlphabet, text[i]) < 0 {
			return false
		}
	}
	return true
}

// FindUserCode reads a code as [ParseUserCode] does, or else the only one that
// stands in a longer text: people paste whole links and lines. It returns
// [ErrInvalidUserCode].
func FindUserCode(text string) (UserCode, error) {
	if code, err := ParseUserCode(text); err == nil {
		return code, nil
	}
	var found UserCode
	for _, word := range strings.FieldsFunc(text, isSeparator) {
		if code, err := ParseUserCode(word); err == nil && strings.ContainsFunc(word, func(r rune) bool { return unicode.In(r, dashes...) }) {
			if !found.IsZero() && found != code {
				return UserCode{}, ErrInvalidUserCode // which one is meant?
			}
			found = code
		}
	}
	if found.IsZero() {
		return UserCode{}, ErrInvalidUserCode
	}
	return found, nil
}

// isSeparator reports whether r ends a word: no spelling of a code has it inside.
func isSeparator(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("=&?#/:;,.<>()[]{}|\"'`", r)
}

// NormalizeUserCode removes what does not distinguish codes, so that two spellings
// of one guess are counted as one even if no such code can exist.
func NormalizeUserCode(text string) string {
	if letters, ok := asShown(text); ok {
		return letters
	}
	if len(text) > userCodeMaxInput*utf8.UTFMax {
		text = text[:userCodeMaxInput*utf8.UTFMax]
	}
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' { // full-width forms lie 0xFEE0 above ASCII
			r -= 0xFEE0
		}
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, dashes...) || unicode.In(r, invisible...) {
			return -1
		}
		return unicode.ToUpper(r)
	}, text)
}

// dashes are what Unicode calls so, and what people's keyboards produce for one
// although Unicode does not: the low line, dots, long marks and drawn lines.
var dashes = []*unicode.RangeTable{unicode.Pd, unicode.Dash, unicode.Hyphen, {R16: []unicode.Range16{
	{Lo: '_', Hi: '_', Stride: 1},
	{Lo: '·', Hi: '·', Stride: 1},
	{Lo: '˗', Hi: '˗', Stride: 1},
	{Lo: '⁃', Hi: '⁃', Stride: 1},
	{Lo: '─', Hi: '━', Stride: 1},
	{Lo: '➖', Hi: '➖', Stride: 1},
	{Lo: 'ー', Hi: 'ー', Stride: 1},
	{Lo: 'ｰ', Hi: 'ｰ', Stride: 1},
}, LatinOffset: 2}}

// invisible are characters of no width, and the Braille blank.
var invisible = []*unicode.RangeTable{
	unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point,
	{R16: []unicode.Range16{{Lo: '\u2800', Hi: '\u2800', Stride: 1}}},
}

// String is the code as people see it: XXXX-XXXX.
func (c UserCode) String() string {
	if c.letters == "" {
		return ""
	}
	return c.letters[:4] + "-" + c.letters[4:]
}

// IsZero reports whether there is no code.
func (c UserCode) IsZero() bool { return c.letters == "" }
