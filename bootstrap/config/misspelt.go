package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// families begin the names of settings that come in numbers. What begins so in an
// env file of ours is meant for us. Elsewhere it may be another program's.
var families = []string{
	"AUDIT_", "BRAND_", "DB_", "INCIDENT_", "INTROSPECTION_", "LEGACY_", "LICENSE_", "OAUTH_", "OPENAPI_", "OPS_", "REDIS_", "SAML_", "SMTP_", "TOKEN_",
}

// ownPrefix is sometimes put before the name of a setting.
const ownPrefix = "DEVICEGATE_"

// Load reads the configuration, as the function of that name. It warns of misspelt
// settings; where something else is wrong they are part of the error, because they
// are probably why.
func (v Variables) Load() (Config, error) {
	c, err := Load(v.Values)
	misspelt := v.Misspelt()
	c.Warnings = append(misspelt, c.Warnings...)
	if err == nil {
		return c, nil
	}
	for _, w := range misspelt {
		err = errors.Join(err, fmt.Errorf("%s: %s", w.Setting, w.Text))
	}
	return c, err
}

// Misspelt warns of variables that are no settings and look as if they were meant
// to be. Variables of other programs are not refused: an environment has many.
func (v Variables) Misspelt() []Warning {
	known := spelled()
	families := families
	if v.isOfDify() {
		families = nil // it has settings of its own that begin so
	}
	var all []Warning
	for _, name := range slices.Sorted(maps.Keys(v.Values)) {
		if known[name] || v.Values[name] == "" {
			continue
		}
		meant := nearest(name, known)
		if v.origin[name] != "" && meant == "" {
			meant = ofFamily(name, families, known)
		}
		if meant == "" {
			continue
		}
		all = append(all, Warning{name, fmt.Sprintf("is no setting and is ignored (%s); %s", v.source(name, name), meant)})
	}
	return all
}

// spelled are all names that are read, those of files with secrets, too.
func spelled() map[string]bool {
	known := map[string]bool{}
	for _, s := range variables() {
		known[s.name] = true
		if s.secret {
			known[s.name+"_FILE"] = true
		}
		if alias := aliases[s.name]; alias != "" {
			known[alias] = true
		}
	}
	return known
}

// isOfDify reports whether the env file is Dify's, which has an alias of ours.
func (v Variables) isOfDify() bool {
	for _, alias := range aliases {
		if v.origin[alias] != "" {
			return true
		}
	}
	return false
}

// nearest says which setting a name was probably meant to be, or "".
func nearest(name string, known map[string]bool) string {
	capital := strings.ToUpper(name)
	if own := strings.TrimPrefix(capital, ownPrefix); known[own] {
		return "write " + own
	}
	if setting, is := strings.CutSuffix(capital, "_FILE"); is && known[setting] {
		return "write " + setting + ", whose value no file can have"
	}
	best, least := "", 0
	for _, one := range slices.Sorted(maps.Keys(known)) {
		if longer := len(capital) - len(one); max(longer, -longer) > bearable(one) {
			continue // each letter more or less is an edit
		}
		if d := edits(capital, one); d <= bearable(one) && (best == "" || d < least) {
			best, least = one, d
		}
	}
	if best == "" {
		return ""
	}
	return "was " + best + " meant?"
}

// bearable is how many edits a name can have and still be recognised: in a short
// one, a single edit makes another word of it.
func bearable(name string) int {
	switch {
	case len(name) < 6:
		return 0
	case len(name) < 9:
		return 1
	}
	return 2
}

// ofFamily names the settings that begin as a name does, the most similar first.
func ofFamily(name string, families []string, known map[string]bool) string {
	capital := strings.ToUpper(name)
	i := slices.IndexFunc(families, func(family string) bool { return strings.HasPrefix(capital, family) })
	if i < 0 {
		return ""
	}
	var like []string
	for one := range known {
		if strings.HasPrefix(one, families[i]) && !strings.HasSuffix(one, "_FILE") {
			like = append(like, one)
		}
	}
	slices.SortFunc(like, func(a, b string) int {
		return cmp.Or(cmp.Compare(edits(capital, a), edits(capital, b)), cmp.Compare(a, b))
	})
	return "was one of these meant? " + strings.Join(like[:min(3, len(like))], ", ")
}

// edits is the number of letters that are to be replaced, added, left out or
// exchanged with their neighbour to make b of a.
func edits(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last = last, row
		row = make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(replaced, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
