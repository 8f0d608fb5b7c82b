package client

import (
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/setting"
)

// The longest values, in characters.
const (
	idMax        = 64
	nameMax      = 64
	publisherMax = 64
	homePageMax  = 300
	labelMax     = 255
	textMax      = 200
	listMax      = 50 // scopes, connections, and languages of one sentence
)

// The bounds of a token's life.
const (
	LifeMin = time.Minute
	LifeMax = 365 * 24 * time.Hour
)

var (
	idForm       = regexp.MustCompile(`^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$`) // RFC 6749 appendix A.1
	slugForm     = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	languageForm = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

// New checks the settings and fills in defaults. Its error lists everything that
// is wrong; each [setting.Problem] names a field as configuration files do.
func New(s Settings) (Client, error) {
	var errs []error
	wrong := func(field, format string, args ...any) { errs = append(errs, setting.Wrong(field, format, args...)) }
	text := func(field, value string, most int) {
		if why := unreadable(value, most); why != "" {
			wrong(field, "%q: %s", shortened(value), why)
		}
	}
	if len(s.ID) > idMax || !idForm.MatchString(s.ID) {
		wrong("id", "%q: use 1 to %d printable ASCII characters", shortened(s.ID), idMax)
	} else if why := unreadable(s.ID, nameMax); s.Name == "" && why != "" {
		wrong("name", "there is none, and the id %q cannot be shown in its place, because it %s", shortened(s.ID), why)
	}
	text("name", s.Name, nameMax)
	text("publisher", s.Publisher, publisherMax)
	text("device_label", s.Label, labelMax)
	if s.HomePage != "" && !isHomePage(s.HomePage) {
		wrong("home_page", "%q: use an https address of at most %d characters, without a user", shortened(s.HomePage), homePageMax)
	}
	for _, g := range s.Grants {
		if !slices.Contains(Grants, g) {
			wrong("grants", "%q: use device_code", shortened(string(g)))
		}
	}
	errs = append(errs, checkScopes(s)...)
	if s.TokenLife != 0 && (s.TokenLife < LifeMin || s.TokenLife > LifeMax) {
		wrong("token_ttl", "%s: use 1m to 8760h", s.TokenLife)
	}
	if len(s.Connections) > listMax {
		wrong("connections", "%d; at most %d", len(s.Connections), listMax)
	}
	for _, slug := range s.Connections {
		if !slugForm.MatchString(slug) {
			wrong("connections", "%q is not the slug of a connection", shortened(slug))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Client{}, err
	}
	return Client{s.withDefaults()}, nil
}

// Must is New for settings that are known to be right.
func Must(s Settings) Client {
	c, err := New(s)
	if err != nil {
		panic(err)
	}
	return c
}

func (s Settings) withDefaults() Settings {
	if s.Name == "" {
		s.Name = s.ID
	}
	if s.Scopes.IsZero() {
		s.Scopes = scope.External
	}
	s.Grants = slices.Clone(s.Grants)
	if len(s.Grants) == 0 {
		s.Grants = slices.Clone(Grants)
	}
	s.Connections = slices.Clone(s.Connections)
	texts := ScopeTexts{}
	for name, of := range s.ScopeTexts {
		texts[name] = maps.Clone(of)
	}
	s.ScopeTexts = texts
	return s
}

func checkScopes(s Settings) (errs []error) {
	wrong := func(field, format string, args ...any) { errs = append(errs, setting.Wrong(field, format, args...)) }
	names := s.Scopes.Names()
	if len(names) > listMax {
		wrong("scopes", "%d; at most %d", len(names), listMax)
	}
	for _, name := range names {
		switch {
		case !scope.Valid(name):
			wrong("scopes", "%q: a scope has 1 to 64 printable ASCII characters, no blank, no quote and no backslash", shortened(name))
		case name == scope.Full:
			wrong("scopes", "full is for accounts only; take it out")
		}
	}
	for _, name := range sortedKeys(s.ScopeTexts) {
		if !s.Scopes.Contains(name) {
			wrong("scope_texts", "%q is none of the client's scopes", shortened(name))
		}
		if len(s.ScopeTexts[name]) > listMax {
			wrong("scope_texts", "%s: %d languages; at most %d", shortened(name), len(s.ScopeTexts[name]), listMax)
		}
		for _, language := range sortedKeys(s.ScopeTexts[name]) {
			text := s.ScopeTexts[name][language]
			if !languageForm.MatchString(language) {
				wrong("scope_texts", "%s: %q is not a language; write en or zh-Hans", shortened(name), shortened(language))
			}
			if why := unreadable(text, textMax); why != "" || text == "" {
				wrong("scope_texts", "%s in %s: %q: %s", shortened(name), shortened(language), shortened(text), orElse(why, "is empty"))
			}
		}
	}
	return errs
}

// unreadable says why a text cannot be shown to people as it is; "": it can.
func unreadable(text string, most int) string {
	switch {
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case utf8.RuneCountInString(text) > most:
		return "is too long"
	case strings.ContainsAny(text, "<>"):
		return "contains markup"
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }):
		return "contains a mark that changes the direction of text"
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || isFiller(r) }):
		return "contains an invisible character"
	case strings.TrimSpace(text) != text:
		return "begins or ends with a blank"
	}
	return ""
}

// isFiller reports whether r is one of the characters that Unicode counts as
// printable although nothing is seen of them: Hangul fillers and the Braille blank.
func isFiller(r rune) bool {
	return r == '\u115f' || r == '\u1160' || r == '\u2800' || r == '\u3164' || r == '\uffa0'
}

func isHomePage(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil &&
		utf8.RuneCountInString(text) <= homePageMax && unreadable(text, homePageMax) == "" && !strings.ContainsAny(text, " \\\"'`")
}

// shortened is enough of a value to find it.
func shortened(value string) string {
	if r := []rune(value); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return value
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func sortedKeys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }
