package webui

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed languages
var languageFiles embed.FS

// locales are the languages of the pages. The first one is the default.
var locales = []locale{
	{tag: language.English, name: "English", direction: "ltr"},
	{tag: language.German, name: "Deutsch", direction: "ltr"},
	{tag: language.Spanish, name: "Español", direction: "ltr"},
	{tag: language.French, name: "Français", direction: "ltr"},
	{tag: language.Italian, name: "Italiano", direction: "ltr"},
	{tag: language.Dutch, name: "Nederlands", direction: "ltr"},
	{tag: language.Polish, name: "Polski", direction: "ltr"},
	{tag: language.BrazilianPortuguese, name: "Português (Brasil)", direction: "ltr"},
	{tag: language.Korean, name: "한국어", direction: "ltr"},
	{tag: language.Japanese, name: "日本語", direction: "ltr"},
	{tag: language.SimplifiedChinese, name: "简体中文", direction: "ltr"},
	{tag: language.TraditionalChinese, name: "繁體中文", direction: "ltr"},
	{tag: language.Arabic, name: "العربية", direction: "rtl"},
}

// locale is one language: its own name for itself, and its sentences.
type locale struct {
	tag       language.Tag
	name      string
	direction string
	sentences map[string]sentence
}

// sentence is one text by plural form; most have only "other".
type sentence map[plural.Form]string

var pluralForms = map[string]plural.Form{
	"other": plural.Other, "zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many,
}

func (s *sentence) UnmarshalJSON(raw []byte) error {
	var plain string
	if json.Unmarshal(raw, &plain) == nil {
		*s = sentence{plural.Other: plain}
		return nil
	}
	var forms map[string]string
	if err := json.Unmarshal(raw, &forms); err != nil {
		return err
	}
	*s = sentence{}
	for name, text := range forms {
		form, known := pluralForms[name]
		if !known {
			return fmt.Errorf("plural form %q", name)
		}
		(*s)[form] = text
	}
	return nil
}

// loadedLocales are [locales] with their sentences, which are read once in a
// process.
var loadedLocales = sync.OnceValue(func() []locale {
	var all []locale
	for _, l := range locales {
		all = append(all, l.load())
	}
	return all
})

// load reads the language's sentences.
func (l locale) load() locale {
	raw, err := languageFiles.ReadFile("languages/" + l.tag.String() + ".json")
	if err == nil {
		err = json.Unmarshal(raw, &l.sentences)
	}
	if err != nil {
		panic(fmt.Sprintf("webui: language %s: %v", l.tag, err)) // it is embedded
	}
	return l
}

// text is the sentence called key with its {names} filled in from pairs of name
// and value, as plain text. A number chooses the plural form.
func (l locale) text(key string, pairs ...any) string {
	return l.fill(key, pairs, func(text string) string { return text }, func(v any) string { return fmt.Sprint(v) })
}

// html is text for a template. A value is escaped and isolated in a bdi
// element, so that a name written from right to left cannot reorder the
// sentence around it.
func (l locale) html(key string, pairs ...any) template.HTML {
	return template.HTML(l.fill(key, pairs, template.HTMLEscapeString, func(v any) string {
		switch v := v.(type) {
		case template.HTML:
			return string(v)
		case int:
			return fmt.Sprint(v)
		}
		return "<bdi>" + template.HTMLEscapeString(fmt.Sprint(v)) + "</bdi>"
	}))
}

func (l locale) fill(key string, pairs []any, escape func(string) string, value func(any) string) string {
	form, replace := plural.Other, make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		if n, isNumber := pairs[i+1].(int); isNumber {
			form = plural.Cardinal.MatchPlural(l.tag, n, 0, 0, 0, 0)
		}
		replace = append(replace, fmt.Sprintf("{%v}", pairs[i]), value(pairs[i+1]))
	}
	s, known := l.sentences[key]
	if !known {
		return escape(key)
	}
	text, has := s[form]
	if !has {
		text = s[plural.Other]
	}
	return strings.NewReplacer(replace...).Replace(escape(text))
}

// has reports whether there is a sentence called key.
func (l locale) has(key string) bool {
	_, known := l.sentences[key]
	return known
}

const (
	languageCookie = "device_language"
	languageLife   = 365 * 24 * time.Hour
)

// localeOf is the language that the person chose, else one that the browser
// asks for.
func (p *base) localeOf(r *http.Request) int {
	if i, known := p.localeNamed(p.readCookie(r, languageCookie)); known {
		return i
	}
	_, i := language.MatchStrings(p.matcher, r.Header.Get("Accept-Language"))
	return i
}

func (p *base) localeNamed(tag string) (int, bool) {
	for i, l := range p.locales {
		if l.tag.String() == tag {
			return i, true
		}
	}
	return 0, false
}

func newMatcher(of []locale) language.Matcher {
	tags := make([]language.Tag, len(of))
	for i, l := range of {
		tags[i] = l.tag
	}
	return language.NewMatcher(tags)
}

// Tag is the language's BCP 47 tag.
func (l locale) Tag() string { return l.tag.String() }

// Base is the tag without region and script.
func (l locale) Base() string {
	base, _ := l.tag.Base()
	return base.String()
}

// Name is the language's name for itself.
func (l locale) Name() string { return l.name }

// Direction is ltr or rtl.
func (l locale) Direction() string { return l.direction }
