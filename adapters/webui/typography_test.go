package webui

import (
	"regexp"
	"slices"
	"testing"
)

// A rule of typography forbids what its pattern finds, in the languages it
// names or, if it names none, in all of them.
var typography = []struct {
	rule      string
	forbidden *regexp.Regexp
	in        []string
}{
	{"apostrophes and quotation marks are not straight", regexp.MustCompile(`['"]`), nil},
	{"a no-break space stands before : ; ? !", regexp.MustCompile(`(?:^|[^\x{00a0}\x{202f}?!])[:;?!]`), []string{"fr"}},
	{"a no-break space stands inside « »", regexp.MustCompile(`«[^\x{00a0}\x{202f}]|[^\x{00a0}\x{202f}]»`), []string{"fr"}},
	{"an inverted verb is not broken at its hyphens", regexp.MustCompile(`-t-`), []string{"fr"}},
	{"punctuation is as wide as the characters", regexp.MustCompile(`[:;?!,]`), []string{"ja", "zh-Hans", "zh-Hant"}},
	{"punctuation is that of the script", regexp.MustCompile(`[,;?]`), []string{"ar"}},
}

func TestEveryLanguageKeepsItsTypography(t *testing.T) {
	for _, o := range locales {
		for key, s := range o.load().sentences {
			for _, text := range s {
				for _, broken := range brokenRules(o.tag.String(), text) {
					t.Errorf("%s: %s: got %s in %q, want it kept", o.tag, key, broken, text)
				}
			}
		}
	}
}

// TestTypographyRulesFindWhatTheyForbid shows that the rules find what they forbid: in a
// catalogue the difference is invisible.
func TestTypographyRulesFindWhatTheyForbid(t *testing.T) {
	for _, c := range []struct {
		language, text string
		broken         int
	}{
		{"en", "That wasn't me", 1},
		{"en", "That wasn’t me", 0},
		{"en", `a "name"`, 1},
		{"en", "Time left: now?", 0},
		{"fr", "C’est vous ?", 1},
		{"fr", "C’est vous?", 1},
		{"fr", "C’est vous\u202f?", 0},
		{"fr", "C’est vous\u202f?!", 0},
		{"fr", "Temps restant\u00a0: une minute", 0},
		{"fr", "Dites « oui »", 1},
		{"fr", "Dites «\u202foui\u202f»", 0},
		{"fr", "Affiche-t-il le code", 1},
		{"fr", "Affiche\u2011t\u2011il le code", 0},
		{"ja", "残り時間: {time}", 1},
		{"ja", "残り時間：{time}", 0},
		{"zh-Hans", "不是您本人?", 1},
		{"zh-Hans", "不是您本人？", 0},
		{"zh-Hant", "不是您本人?", 1},
		{"ar", "لست أنت?", 1},
		{"ar", "لست أنت؟", 0},
	} {
		if broken := brokenRules(c.language, c.text); len(broken) != c.broken {
			t.Errorf("%s %q: got %q broken, want %d", c.language, c.text, broken, c.broken)
		}
	}
}

func brokenRules(language, text string) []string {
	var broken []string
	for _, r := range typography {
		if (r.in == nil || slices.Contains(r.in, language)) && r.forbidden.MatchString(text) {
			broken = append(broken, r.rule)
		}
	}
	return broken
}
