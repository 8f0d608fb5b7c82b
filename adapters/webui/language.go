package webui

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed languages
var languageFiles embed.FS

// The languages, the first of which is for everybody who speaks none of them.
var offered = []tongue{
	{tag: language.English, name: "English", direction: "ltr"},
	{tag: language.German, name: "Deutsch", direction: "ltr"},
	{tag: language.Spanish, name: "Español", direction: "ltr"},
	{tag: language.French, name: "Français", direction: "ltr"},
	{tag: language.Japanese, name: "日本語", direction: "ltr"},
	{tag: language.SimplifiedChinese, name: "简体中文", direction: "ltr"},
}

// tongue is one language: its own name for itself, and its sentences.
type tongue struct {
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

// load reads the language's sentences.
func (t tongue) load() tongue {
	raw, err := languageFiles.ReadFile("languages/" + t.tag.String() + ".json")
	if err == nil {
		err = json.Unmarshal(raw, &t.sentences)
	}
	if err != nil {
		panic(fmt.Sprintf("webui: language %s: %v", t.tag, err)) // it is embedded
	}
	return t
}

// say is the sentence called key with its {names} filled in from pairs of name
// and value. A number chooses the plural form. Text is isolated, so that a name
// written from right to left cannot turn the sentence around it.
func (t tongue) say(key string, pairs ...any) string {
	form, fill := plural.Other, make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		value := fmt.Sprint(pairs[i+1])
		if n, isNumber := pairs[i+1].(int); isNumber {
			form = plural.Cardinal.MatchPlural(t.tag, n, 0, 0, 0, 0)
		} else {
			value = "\u2068" + value + "\u2069"
		}
		fill = append(fill, fmt.Sprintf("{%v}", pairs[i]), value)
	}
	s, known := t.sentences[key]
	if !known {
		return key
	}
	text, has := s[form]
	if !has {
		text = s[plural.Other]
	}
	return strings.NewReplacer(fill...).Replace(text)
}

// has reports whether there is a sentence called key.
func (t tongue) has(key string) bool {
	_, known := t.sentences[key]
	return known
}

const (
	languageCookie = "device_language"
	languageLife   = 365 * 24 * time.Hour
)

// languageOf is what the person chose, else what the browser asks for.
func (p *Pages) languageOf(r *http.Request) int {
	if i, known := p.languageNamed(p.readCookie(r, languageCookie)); known {
		return i
	}
	_, i := language.MatchStrings(p.matcher, r.Header.Get("Accept-Language"))
	return i
}

func (p *Pages) languageNamed(tag string) (int, bool) {
	for i, t := range p.tongues {
		if t.tag.String() == tag {
			return i, true
		}
	}
	return 0, false
}

func newMatcher(of []tongue) language.Matcher {
	tags := make([]language.Tag, len(of))
	for i, t := range of {
		tags[i] = t.tag
	}
	return language.NewMatcher(tags)
}

// Tag is the language's BCP 47 tag.
func (t tongue) Tag() string { return t.tag.String() }

// Name is what the language calls itself.
func (t tongue) Name() string { return t.name }

// Direction is ltr or rtl.
func (t tongue) Direction() string { return t.direction }
