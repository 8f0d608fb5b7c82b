package place_test

import (
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/place"
)

func TestNamesAreThoseOfTheReader(t *testing.T) {
	cologne := place.New(place.Names{"en": "Cologne", "de": "Köln"}, place.Names{"en": "Germany", "zh-CN": "德国"}, "Example Net")
	for _, c := range []struct {
		languages     []string
		city, country string
	}{
		{[]string{"de"}, "Köln", "Germany"},
		{[]string{"zh-TW", "zh-CN"}, "Cologne", "德国"},
		{nil, "Cologne", "Germany"},
		{[]string{"xx"}, "Cologne", "Germany"},
	} {
		if city, country := cologne.City(c.languages...), cologne.Country(c.languages...); city != c.city || country != c.country {
			t.Errorf("%v: got %s, %s, want %s, %s", c.languages, city, country, c.city, c.country)
		}
	}
	if got := place.New(place.Names{"fr": "Paris", "de": "Paris-DE"}, nil, "").City("en"); got != "Paris-DE" {
		t.Errorf("got %q for a place without an English name, want any", got)
	}
}

func TestAPlaceLacksWhatIsNotKnown(t *testing.T) {
	var none place.Place
	if !none.IsZero() || !place.New(place.Names{"en": " "}, nil, "\u202e").IsZero() {
		t.Error("got something of nothing, want the zero place")
	}
	city := place.New(place.Names{"en": "Lyon"}, place.Names{"en": "France"}, "")
	operator := place.New(nil, place.Names{"en": "Spain"}, "Example Net")
	both := city.OrElse(operator)
	if both.City() != "Lyon" || both.Country() != "France" || both.Operator() != "Example Net" {
		t.Errorf("got %v, want Lyon, France, Example Net", both)
	}
	if got := operator.OrElse(city); got.City() != "" || got.Country() != "Spain" {
		t.Errorf("got %v, want no city of another country", got)
	}
}

func TestNamesAreCutAndVisible(t *testing.T) {
	got := place.New(place.Names{"en": "a\u202eb\n\x00c"}, nil, strings.Repeat("n", 500))
	if got.City() != "a b c" || len(got.Operator()) != 80 {
		t.Errorf("got %q and %d characters, want visible ones and 80", got.City(), len(got.Operator()))
	}
}
