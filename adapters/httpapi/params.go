package httpapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/fault"
)

const (
	bodyMax = 64 << 10
	acsMax  = 2 << 20 // an encrypted assertion of 600 kB, in a form
)

var (
	errTooLarge    = fault.New(fault.TooLarge, "request_too_large", "The request is larger than anything this route needs. Send less.")
	errNotJSON     = fault.InvalidRequest("The body is not one JSON object. Send valid JSON, or a form.")
	errNotUTF8     = fault.InvalidRequest("The request is not valid UTF-8. Encode its text as UTF-8.")
	errRepeated    = fault.InvalidRequest("A parameter is given more than once. Give each one once.")
	errContentType = fault.InvalidRequest("The content type is not one read here. Send application/json or application/x-www-form-urlencoded.")
	errNotForm     = fault.InvalidRequest("The content type is not one read here. Send application/x-www-form-urlencoded.")
	errForm        = fault.InvalidRequest("The form is not properly encoded. Percent-encode it as UTF-8.")
	errJSONAsForm  = fault.InvalidRequest("The body looks like JSON, but the content type says that it is a form. Send it as application/json.")
	errJSONForForm = fault.InvalidRequest("The body looks like JSON, and this route reads a form. Send application/x-www-form-urlencoded.")
	errFormAsJSON  = fault.InvalidRequest("The body looks like a form, but the content type says that it is JSON. Send it as application/x-www-form-urlencoded.")
)

// params are the parameters of a request, each given once. What is empty is
// absent (RFC 6749 §3.1), what is unknown is ignored.
type params map[string]param

// param is the value of a parameter; zero: there is none.
type param struct {
	text    string
	notText bool // a JSON value that no parameter may have
}

// given reports whether a parameter is there, if only empty.
func (p params) given(name string) bool {
	_, given := p[name]
	return given
}

// text returns a parameter, or "" if it is absent. It refuses one that is not
// text.
func (p params) text(name string) (string, error) {
	v := p[name]
	if v.notText {
		return "", fault.InvalidRequest(name + " has to be a string.")
	}
	return v.text, nil
}

// required returns a parameter that has to be there.
func (p params) required(name string) (string, error) {
	v, err := p.text(name)
	if err == nil && v == "" {
		err = fault.InvalidRequest(name + " is required.")
	}
	return v, err
}

// only refuses parameters other than the named ones.
func (p params) only(names ...string) error {
	known := 0
	for _, name := range names {
		if p.given(name) {
			known++
		}
	}
	if len(p) > known {
		return fault.New(application.ErrInvalidPage.Kind, application.ErrInvalidPage.Code, "Only "+strings.Join(names, " and ")+" can be given here.")
	}
	return nil
}

// query reads the parameters of the URL.
func query(r *http.Request) (params, error) { return parseForm(r.URL.RawQuery) }

// body reads JSON or a form, whichever the content type says; without one, the
// body is read as what it looks like.
func body(w http.ResponseWriter, r *http.Request) (params, error) {
	text, err := read(w, r, bodyMax)
	if err != nil {
		return nil, err
	}
	switch media := mediaType(r); {
	case media == "application/json", media == "" && strings.HasPrefix(strings.TrimSpace(text), "{"):
		return parseJSON(text)
	case media == "application/x-www-form-urlencoded" && looksLikeJSON(text):
		return nil, errJSONAsForm
	case media == "application/x-www-form-urlencoded":
		return parseForm(text)
	case media == "" && text == "":
		return params{}, nil
	}
	return nil, errContentType
}

// form reads a form and nothing else.
func form(w http.ResponseWriter, r *http.Request, limit int64) (params, error) {
	if mediaType(r) != "application/x-www-form-urlencoded" {
		return nil, errNotForm
	}
	text, err := read(w, r, limit)
	if err != nil {
		return nil, err
	}
	if looksLikeJSON(text) {
		return nil, errJSONForForm
	}
	return parseForm(text)
}

// looksLikeJSON knows the beginning of an object or list, also as shells leave
// it: Windows shells take the double quotes away and keep single ones. A form
// never begins like that: what encodes forms escapes braces and quotes.
func looksLikeJSON(text string) bool {
	text = strings.TrimLeft(text, "\ufeff'\""+jsonBlanks)
	return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
}

func mediaType(r *http.Request) string {
	given := r.Header.Get("Content-Type")
	if given == "application/json" || given == "application/x-www-form-urlencoded" || given == "" {
		return given
	}
	media, _, err := mime.ParseMediaType(given)
	if err != nil {
		return given
	}
	return media
}

// read sets memory aside for a small body only: a large one takes what has arrived,
// not what its header announces.
func read(w http.ResponseWriter, r *http.Request, limit int64) (text string, err error) {
	if 0 <= r.ContentLength && r.ContentLength <= min(limit, bodyMax) { // net/http reads no more than that
		octets := make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, octets)
		text = string(octets)
	} else {
		var b strings.Builder // which needs no copy in the end
		_, err = io.Copy(&b, http.MaxBytesReader(w, r.Body, limit))
		text = b.String()
	}
	if err == nil {
		return text, nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return "", errTooLarge
	}
	return "", fault.InvalidRequest("The body ended before it was complete. Send the request again.")
}

// parseForm reads a form (URL standard §5.1), or the query of a URL.
func parseForm(text string) (params, error) {
	p := params{}
	for text != "" {
		var pair string
		pair, text, _ = strings.Cut(text, "&")
		if pair == "" {
			continue
		}
		name, value, err := parsePair(pair)
		if err != nil {
			return nil, err
		}
		if p.given(name) {
			return nil, errRepeated
		}
		p[name] = param{text: value}
	}
	return p, nil
}

func parsePair(pair string) (name, value string, err error) {
	name, raw, _ := strings.Cut(pair, "=")
	if name, err = url.QueryUnescape(name); err != nil {
		return "", "", errForm
	}
	if name == labelParam {
		return name, decodeLabel(unescapeLabel(raw)), nil
	}
	value, err = url.QueryUnescape(raw)
	switch {
	case err != nil, strings.Contains(pair, ";"): // which older clients took for "&"
		return "", "", errForm
	case !utf8.ValidString(name), !utf8.ValidString(value):
		return "", "", errNotUTF8
	}
	return name, value, nil
}
