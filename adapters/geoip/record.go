package geoip

import (
	"cmp"

	"github.com/devicegate/devicegate/domain/place"
)

// record is one entry of a database. Vendors name the same things differently.
type record map[string]any

// place reads what MaxMind, DB-IP (names by language) and IPinfo (one name)
// write.
func (r record) place() place.Place {
	return place.New(
		r.names("city"),
		firstOf(r.names("country_name"), r.names("country"), r.names("registered_country")),
		cmp.Or(r.text("autonomous_system_organization"), r.text("isp"), r.text("organization"), r.text("as_name")),
	)
}

func firstOf(all ...place.Names) place.Names {
	for _, names := range all {
		if len(names) > 0 {
			return names
		}
	}
	return nil
}

func (r record) text(field string) string {
	text, _ := r[field].(string)
	return text
}

// names are those of an entry with names by language, or its only name.
func (r record) names(field string) place.Names {
	switch value := r[field].(type) {
	case string:
		if value == "" {
			return nil
		}
		return place.Names{"en": value}
	case map[string]any:
		all, _ := value["names"].(map[string]any)
		out := place.Names{}
		for language, name := range all {
			if text, is := name.(string); is {
				out[language] = text
			}
		}
		return out
	}
	return nil
}
