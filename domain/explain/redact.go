package explain

import (
	"fmt"
	"strings"
	"unicode"
)

// Redacted is the trace without what is personal: of each value only the length, of
// an e-mail address also the domain.
func (t Trace) Redacted() Trace {
	out := t
	out.Verified.NameID = redact(t.Verified.NameID)
	out.Verified.Attributes = make([]Attribute, len(t.Verified.Attributes))
	for i, a := range t.Verified.Attributes {
		out.Verified.Attributes[i] = Attribute{Name: a.Name, FriendlyName: a.FriendlyName, Values: make([]string, len(a.Values))}
		for j, v := range a.Values {
			out.Verified.Attributes[i].Values[j] = redact(v)
		}
	}
	return out
}

func redact(value string) string {
	if value == "" {
		return ""
	}
	if local, domain, ok := strings.Cut(value, "@"); ok && domain != "" && !strings.ContainsAny(value, " \t\r\n<>,;") && !strings.Contains(domain, "@") {
		return fmt.Sprintf("[%d characters]@%s", len([]rune(local)), domain)
	}
	return fmt.Sprintf("[%d characters]", len([]rune(value)))
}

const longestName = 200

// clean makes text from outside fit for a terminal.
func clean(text string) string {
	runes := []rune(text)
	cut := len(runes) > longestName
	if cut {
		runes = runes[:longestName]
	}
	for i, r := range runes {
		if !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) {
			runes[i] = '·'
		}
	}
	if cut {
		return string(runes) + "…"
	}
	return string(runes)
}
