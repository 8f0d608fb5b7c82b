package adminapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/ports"
)

var (
	errNotJSON  = fault.InvalidRequest("The body is not one JSON object. Send one, as application/json.")
	errMedia    = fault.InvalidRequest("The content type says that the body is no JSON. Send it with Content-Type: application/json.")
	errBase64   = fault.InvalidRequest("A member of the body that has to be base64, such as icon, is not. Encode it.")
	errRepeated = fault.InvalidRequest("A parameter is given more than once. Give each one once.")
	errForm     = fault.InvalidRequest("The query is not properly encoded. Percent-encode it as UTF-8.")
	errTooLarge = fault.New(fault.TooLarge, "request_too_large", "The body is larger than this address reads. Send less at once.")
)

// allowBulkTime lets the answer of this request come as late as the store may take,
// and be written then.
func allowBulkTime(w http.ResponseWriter) {
	const writing = 10 * time.Second
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(ports.BulkTime + writing)) // else the server's own time holds
}

// bodyMax bounds the bodies of resources that say nothing else.
const bodyMax = 64 << 10

// readJSON reads the body into dst, a pointer to a struct. A member that dst does
// not have, and one that is given twice, is refused: left out of a filter, it
// would widen what an administrator asks for.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, dst any) error {
	if given := r.Header.Get("Content-Type"); given != "" {
		if media, _, err := mime.ParseMediaType(given); err != nil || media != "application/json" {
			return errMedia
		}
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return errTooLarge
	case err != nil:
		return fault.InvalidRequest("The body ended before it was complete. Send the request again.")
	case !utf8.Valid(text) || !strings.HasPrefix(strings.TrimLeft(string(text), " \t\r\n"), "{") || !json.Valid(text):
		return errNotJSON
	case hasRepeatedName(json.NewDecoder(bytes.NewReader(text))):
		return errRepeated
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(dst); err != nil {
		if errors.As(err, new(base64.CorruptInputError)) {
			return errBase64
		}
		return fault.InvalidRequest(worded(err))
	}
	return nil
}

// worded tells which member is wrong without repeating its value.
func worded(err error) string {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		return "The member " + mistyped.Field + " has to be of another type, not " + mistyped.Value + "."
	}
	if name, is := strings.CutPrefix(err.Error(), "json: unknown field "); is {
		return "The member " + name + " is not known here."
	}
	return "A member of the body cannot be read."
}

// hasRepeatedName reads valid JSON.
func hasRepeatedName(d *json.Decoder) bool {
	opening, err := d.Token()
	if err != nil {
		return false
	}
	names := map[string]bool{}
	for opening == json.Delim('{') && d.More() {
		name, _ := d.Token()
		text, _ := name.(string)
		if text = strings.ToLower(text); names[text] || hasRepeatedName(d) { // encoding/json matches names in any case
			return true
		}
		names[text] = true
	}
	for opening == json.Delim('[') && d.More() {
		if hasRepeatedName(d) {
			return true
		}
	}
	if _, opened := opening.(json.Delim); opened {
		_, _ = d.Token() // the closing one
	}
	return false
}

// checkQuery refuses parameters of the URL other than the known ones, and one that
// is given twice.
func checkQuery(r *http.Request, known ...string) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return errForm
	}
	for name, given := range values {
		switch {
		case len(known) == 0:
			return unknownParameter("No parameters can be given here.")
		case !slices.Contains(known, name):
			return unknownParameter("Only these parameters can be given here: " + strings.Join(known, ", ") + ".")
		case len(given) > 1:
			return errRepeated
		case !utf8.ValidString(given[0]):
			return errForm
		}
	}
	return nil
}

// flag reads a parameter that is true or false; without it, it is false.
func flag(r *http.Request, name string) (bool, error) {
	values := r.URL.Query()
	switch given := values.Get(name); {
	case given == "true":
		return true, nil
	case given == "false" || !values.Has(name):
		return false, nil
	}
	return false, unknownParameter(name + " has to be true or false.")
}

func unknownParameter(message string) error {
	return fault.New(fault.Unprocessable, application.ErrInvalidPage.Code, message)
}

// pageParameters are what [pageOf] reads.
var pageParameters = []string{"page", "limit"}

const defaultLimit = 100

// pageOf reads which page of a list is wanted. It returns
// [application.ErrInvalidPage].
func pageOf(values url.Values) (application.Page, error) {
	number, limit := 1, defaultLimit
	for name, into := range map[string]*int{"page": &number, "limit": &limit} {
		if values.Get(name) == "" {
			continue
		}
		var err error
		if *into, err = strconv.Atoi(values.Get(name)); err != nil {
			return application.Page{}, application.ErrInvalidPage
		}
	}
	return application.NewPage(number, limit)
}

// listBody is one page of a list.
type listBody[T any] struct {
	Page    int  `json:"page"`
	Limit   int  `json:"limit"`
	Total   int  `json:"total"`
	HasMore bool `json:"has_more"`
	Data    []T  `json:"data"`
}

// pageBody is the page of a list that has total entries in all.
func pageBody[T any](page application.Page, total int, data []T) listBody[T] {
	return listBody[T]{page.Number(), page.Limit(), total, (page.Number()-1)*page.Limit()+len(data) < total, data}
}

// listOf is the page of a list of which all entries are at hand.
func listOf[T, B any](page application.Page, all []T, bodyOf func(T) B) listBody[B] {
	return pageBody(page, len(all), bodiesOf(pageFrom(page, all), bodyOf))
}

// pageFrom is the part of all that is on a page.
func pageFrom[T any](page application.Page, all []T) []T {
	from := min((page.Number()-1)*page.Limit(), len(all))
	return all[from:min(from+page.Limit(), len(all))]
}

// bodiesOf is an empty list for none, not null.
func bodiesOf[T, B any](all []T, bodyOf func(T) B) []B {
	bodies := make([]B, len(all))
	for i, one := range all {
		bodies[i] = bodyOf(one)
	}
	return bodies
}
