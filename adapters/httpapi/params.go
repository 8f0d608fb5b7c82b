package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/fault"
)

const (
	bodyMax = 64 << 10
	acsMax  = 1 << 20
)

var (
	errTooLarge    = fault.New(fault.TooLarge, "request_too_large", "The request is larger than anything this route needs.")
	errNotJSON     = fault.InvalidRequest("The body is not one JSON object. Send valid JSON, or a form.")
	errNotUTF8     = fault.InvalidRequest("The request is not valid UTF-8.")
	errRepeated    = fault.InvalidRequest("A parameter is given more than once. Give each one once.")
	errContentType = fault.InvalidRequest("The content type is not one read here. Send application/json or application/x-www-form-urlencoded.")
	errNotForm     = fault.InvalidRequest("The content type is not one read here. Send application/x-www-form-urlencoded.")
	errForm        = fault.InvalidRequest("The form is not properly encoded.")
)

// params are the parameters of a request, each given once. What is empty is
// absent (RFC 6749 §3.1), what is unknown is ignored.
type params map[string]any

// text returns a parameter, or "" if it is absent. It refuses one that is not
// text.
func (p params) text(name string) (string, error) {
	switch v := p[name].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	return "", fault.InvalidRequest(name + " has to be a string.")
}

// required returns a parameter that has to be there.
func (p params) required(name string) (string, error) {
	v, err := p.text(name)
	if err == nil && v == "" {
		err = fault.InvalidRequest(name + " is required.")
	}
	return v, err
}

// query reads the parameters of the URL.
func query(r *http.Request) (params, error) { return parseForm(r.URL.RawQuery) }

// body reads JSON or a form, whichever the client says it is; a client that
// does not say is read as it looks.
func body(w http.ResponseWriter, r *http.Request) (params, error) {
	text, err := read(w, r, bodyMax)
	if err != nil {
		return nil, err
	}
	switch media := mediaType(r); {
	case media == "application/json", media == "" && bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")):
		return parseJSON(text)
	case media == "application/x-www-form-urlencoded":
		return parseForm(string(text))
	case media == "" && len(text) == 0:
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
	return parseForm(string(text))
}

func mediaType(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return r.Header.Get("Content-Type")
	}
	return media
}

func read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case err != nil:
		return nil, fault.InvalidRequest("The body ended before it was complete.")
	case !utf8.Valid(text):
		return nil, errNotUTF8
	}
	return text, nil
}

func parseForm(text string) (params, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, errForm
	}
	p := params{}
	for name, given := range values {
		if len(given) > 1 {
			return nil, errRepeated
		}
		if !utf8.ValidString(name) || !utf8.ValidString(given[0]) {
			return nil, errNotUTF8
		}
		p[name] = given[0]
	}
	return p, nil
}

// parseJSON reads one object. encoding/json would take the last of two members
// of one name, match names in any case, and overlook what follows the object.
func parseJSON(text []byte) (params, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotJSON
	}
	p := params{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errNotJSON
		}
		key, _ := name.(string)
		if _, twice := p[key]; twice {
			return nil, errRepeated
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, errNotJSON
		}
		p[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errNotJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return p, nil
}
