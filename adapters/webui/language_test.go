package webui

import (
	"encoding/json"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// placeholders are those of a sentence's forms: the most that any of them has.
func placeholders(s sentence) []string {
	var all []string
	for _, text := range s {
		if names := placeholder.FindAllString(text, -1); len(names) > len(all) {
			all = names
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestEveryLanguageHasEverySentence(t *testing.T) {
	reference := locales[0].load()
	for _, o := range locales[1:] {
		t.Run(o.tag.String(), func(t *testing.T) {
			l := o.load()
			for key, original := range reference.sentences {
				said, has := l.sentences[key]
				if !has {
					t.Errorf("got no %s, want it", key)
					continue
				}
				if got, want := placeholders(said), placeholders(original); !slices.Equal(got, want) {
					t.Errorf("%s names %v, and in %s %v", key, got, reference.tag, want)
				}
			}
			for key := range l.sentences {
				if !reference.has(key) {
					t.Errorf("got %s in no other language, want it in all", key)
				}
			}
		})
	}
}

// The limit of an address counts the attempts of a whole office.
func TestOnlyALimitOfOnePersonIsCalledTheirAttempts(t *testing.T) {
	for _, o := range locales {
		said := o.load().sentences
		own, shared := said["problem.too_many_codes.title"], said["problem.rate_limited.title"]
		if got := shared[plural.Other]; got == own[plural.Other] {
			t.Errorf("%s: got %q for both limits, want another title for that of an address", o.tag, got)
		}
	}
}

func TestEveryLanguageHasThePluralFormsItNeeds(t *testing.T) {
	counted := map[string]bool{}
	for key, s := range locales[0].load().sentences {
		if len(s) > 1 {
			counted[key] = true
		}
	}
	for _, o := range locales {
		l := o.load()
		needed := map[plural.Form]int{}
		for n := range 200 {
			needed[plural.Cardinal.MatchPlural(l.tag, n, 0, 0, 0, 0)] = n
		}
		for key := range counted {
			for form, n := range needed {
				if l.sentences[key][form] == "" {
					t.Errorf("%s: %s: got no form for %d, want one", l.tag, key, n)
				}
			}
		}
	}
}

func TestNoSentenceIsEmptyOrMarkup(t *testing.T) {
	for _, o := range locales {
		for key, s := range o.load().sentences {
			for _, text := range s {
				if strings.TrimSpace(text) != text || text == "" || strings.ContainsAny(text, "<>&") {
					t.Errorf("%s: %s: got %q, want text without blanks around it", o.tag, key, text)
				}
			}
		}
	}
}

var keyInTemplate = regexp.MustCompile(`\bt "([a-z_.]+)"`)

// TestEverySentenceIsUsed finds the keys in the templates, and those that the
// code makes. An unused key is a sentence that no page shows.
func TestEverySentenceIsUsed(t *testing.T) {
	said := map[string]bool{}
	err := fs.WalkDir(templateFiles, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := templateFiles.ReadFile(path)
		for _, match := range keyInTemplate.FindAllStringSubmatch(string(text), -1) {
			said[match[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keysInCode() {
		said[key] = true
	}
	reference := locales[0].load()
	for _, key := range slices.Sorted(maps.Keys(said)) {
		if !reference.has(key) {
			t.Errorf("got no %s in the catalogue, want it", key)
		}
	}
	for key := range reference.sentences {
		if !said[key] {
			t.Errorf("got %s, which nothing uses, want it left out", key)
		}
	}
}

func TestAcceptLanguageChoosesTheLanguage(t *testing.T) {
	p := &base{matcher: newMatcher(locales)}
	for accept, want := range map[string]string{
		"":                         "en",
		"*":                        "en",
		"tlh":                      "en",
		"en-GB,en;q=0.9":           "en",
		"de-AT,de;q=0.9,en;q=0.5":  "de",
		"fr-CA":                    "fr",
		"es-419,en;q=0.1":          "es",
		"ja-JP":                    "ja",
		"zh-CN,zh;q=0.9":           "zh-Hans",
		"zh":                       "zh-Hans",
		"zh-TW,zh;q=0.9,en;q=0.8":  "zh-Hant",
		"zh-HK":                    "zh-Hant",
		"zh-MO":                    "zh-Hant",
		"zh-Hant-CN":               "zh-Hant",
		"zh-SG":                    "zh-Hans",
		"pt":                       "pt-BR",
		"pt-BR,pt;q=0.9,en;q=0.8":  "pt-BR",
		"pt-PT,en;q=0.8":           "pt-BR",
		"ko-KR":                    "ko",
		"it-CH,de;q=0.5":           "it",
		"nl-BE,fr;q=0.8":           "nl",
		"pl,en;q=0.7":              "pl",
		"ar-EG,en;q=0.5":           "ar",
		"fi,de;q=0.8,en;q=0.2":     "de",
		"de;q=0,fr":                "fr",
		strings.Repeat("x,", 3000): "en",
		"\x00<script>":             "en",
	} {
		_, i := language.MatchStrings(p.matcher, accept)
		if got := locales[i].tag.String(); got != want {
			t.Errorf("%.40q gets %s, want %s", accept, got, want)
		}
	}
}

func TestValuesAreIsolatedAndEscaped(t *testing.T) { // F75: with elements, which are not copied along
	got := string(locales[0].load().html("decide.lead", "client", "<b>שלום"))
	if want := "<bdi>&lt;b&gt;שלום</bdi> wants to act for you."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNumbersChooseThePluralForm(t *testing.T) {
	en := locales[0].load()
	for n, want := range map[int]string{1: "1 minute ago", 2: "2 minutes ago", 0: "0 minutes ago"} {
		if got := en.text("ago.minutes", "n", n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestSentencesAreOneTextOrOnePerPluralForm(t *testing.T) {
	var s sentence
	if err := json.Unmarshal([]byte(`"plain"`), &s); err != nil || s[plural.Other] != "plain" {
		t.Errorf("got %v, %v, want one form", s, err)
	}
	if err := json.Unmarshal([]byte(`{"one":"a","other":"b"}`), &s); err != nil || s[plural.One] != "a" || s[plural.Other] != "b" {
		t.Errorf("got %v, %v, want two forms", s, err)
	}
	if err := json.Unmarshal([]byte(`{"several":"a"}`), &s); err == nil {
		t.Error("got no error for an unknown form, want one")
	}
}

// keysInCode are the keys that no template spells out.
func keysInCode() []string {
	keys := []string{
		"place.city", "place.unknown", "decide.before_none", "decide.before_app", "left.title",
		"error.title", "ago.now", "ago.minutes", "sessions.confirm_title",
		"enter.title", "choose.title", "redirect.title", "decide.title",
		"approved.title", "denied.title", "undone.title", "sessions.title",
		"action.enter_code", "action.sign_in_again", "action.look_again", "action.try_again", "action.other_account",
		"scope.apps:run", "scope.apps:read:permitted-external",
		"problem.sso_unavailable.title", "problem.sso_unavailable.text",
		"problem.no_connection.title", "problem.no_connection.text",
	}
	for _, mail := range []string{"subject", "connected.title", "connected.lead", "ended.title", "ended.lead"} {
		keys = append(keys, "mail."+mail)
	}
	for _, where := range []string{"same", "other", "unknown"} {
		keys = append(keys, "verdict."+where)
	}
	for _, ends := range []string{endOfCode, endOfSignIn} {
		keys = append(keys, "countdown."+ends, "countdown."+ends+"_minutes", "countdown."+ends+"_over")
	}
	for code := range problems {
		keys = append(keys, "problem."+code+".title", "problem."+code+".text")
	}
	return keys
}
