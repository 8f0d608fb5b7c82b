// Package place models where on earth a network address is used, and by which
// operator. Both come from a database of addresses and are estimates: they help
// a person to recognise a request, and decide nothing.
package place

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// longest is how many characters of a name are kept.
const longest = 80

// Place is where an address is used. The zero Place is not known; each part of
// another may be missing.
type Place struct {
	city, country Names
	operator      string
}

// Names are those of one place by language, as BCP 47 tags.
type Names map[string]string

// New makes a place. Names are cut to 80 characters, and what cannot be seen is
// dropped.
func New(city, country Names, operator string) Place {
	return Place{city.clean(), country.clean(), clean(operator)}
}

// IsZero reports whether nothing is known.
func (p Place) IsZero() bool { return len(p.city) == 0 && len(p.country) == 0 && p.operator == "" }

// City is the city's name in the first of the languages that has one, else in
// English, else in any; empty: not known.
func (p Place) City(languages ...string) string { return p.city.in(languages) }

// Country is the country's name, chosen as that of the city.
func (p Place) Country(languages ...string) string { return p.country.in(languages) }

// Operator is the name of the network's operator; empty: not known.
func (p Place) Operator() string { return p.operator }

// OrElse is the place with what it lacks taken from another. A city is never put
// into the country of another place.
func (p Place) OrElse(other Place) Place {
	if len(p.city) == 0 && len(p.country) == 0 {
		p.city, p.country = other.city, other.country
	}
	if p.operator == "" {
		p.operator = other.operator
	}
	return p
}

func (n Names) in(languages []string) string {
	for _, language := range append(slices.Clone(languages), "en") {
		if name := n[language]; name != "" {
			return name
		}
	}
	for _, language := range slices.Sorted(maps.Keys(n)) {
		return n[language]
	}
	return ""
}

func (n Names) clean() Names {
	out := Names{}
	for language, name := range n {
		if name = clean(name); name != "" {
			out[language] = name
		}
	}
	return out
}

func clean(name string) string {
	name = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(name, ""), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if runes := []rune(name); len(runes) > longest {
		name = strings.TrimSpace(string(runes[:longest]))
	}
	return name
}
