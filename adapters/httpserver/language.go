package httpserver

import (
	"net/http"

	"golang.org/x/text/language"
)

// Language is the first language that a browser asks for (RFC 9110 §12.5.4), as a
// BCP 47 tag; empty if it asks for none that can be read.
func Language(r *http.Request) string {
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(tags) == 0 || tags[0] == language.Und {
		return ""
	}
	return tags[0].String()
}
