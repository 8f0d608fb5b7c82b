package webui

import (
	"html/template"
	"net/netip"

	"github.com/devicegate/devicegate/domain/place"
)

// placeTags are the languages in which a reader is told of places, the best first,
// as databases of places name them.
func (l locale) placeTags() []string {
	tags := []string{l.Tag(), l.Base()}
	switch l.Tag() {
	case "zh-Hans":
		tags = append(tags, "zh-CN")
	case "zh-Hant":
		tags = append(tags, "zh-TW", "zh-CN")
	}
	return tags
}

// where is a place in words, with the network's operator.
func (l locale) where(p place.Place) template.HTML {
	city, country := p.City(l.placeTags()...), p.Country(l.placeTags()...)
	out := l.html("place.unknown")
	switch {
	case city != "" && country != "":
		out = l.html("place.city", "city", city, "country", country)
	case city != "" || country != "":
		out = isolated(city + country)
	case p.Operator() != "":
		return isolated(p.Operator())
	}
	if p.Operator() != "" {
		out += " · " + isolated(p.Operator())
	}
	return out
}

// whereText is where for plain text; empty: nothing is known.
func (l locale) whereText(p place.Place) string {
	city, country := p.City(l.placeTags()...), p.Country(l.placeTags()...)
	out := city + country
	if city != "" && country != "" {
		out = l.text("place.city", "city", city, "country", country)
	}
	if out != "" && p.Operator() != "" {
		out += " · "
	}
	return out + p.Operator()
}

func isolated(text string) template.HTML {
	return template.HTML("<bdi>" + template.HTMLEscapeString(text) + "</bdi>")
}

// origin is an address and where it is used.
type origin struct {
	Address netip.Addr // zero: not known
	Place   place.Place
}

func (p *base) originOf(addr netip.Addr) origin {
	addr = addr.Unmap()
	return origin{addr, p.deps.Places.Of(addr)}
}
