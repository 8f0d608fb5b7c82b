package saml

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/xmltree"
)

// CaptureMax bounds what is read of a capture: a recording of a browser's network
// traffic has megabytes.
const CaptureMax = 64 << 20

// Capture is a response as an administrator came by it.
type Capture struct {
	Response string    // the SAMLResponse field
	PostedTo string    // empty: not known
	At       time.Time // zero: not known
}

// ReadCapture finds a SAML response in what administrators have: the base64 of the
// form field, the XML, the form's body, the identity provider's page with the form,
// or a recording of a browser (HAR), of which the last response counts. It judges
// nothing of the response.
func ReadCapture(text []byte) (Capture, error) {
	if len(text) > CaptureMax {
		return Capture{}, fmt.Errorf("it has more than %d MiB", CaptureMax>>20)
	}
	text = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(text), []byte("\xef\xbb\xbf")))
	switch {
	case len(text) == 0:
		return Capture{}, errors.New("it is empty")
	case text[0] == '{':
		return readHAR(text)
	case isPage(text):
		return readPage(string(text))
	case text[0] == '<' || text[0] == 0xFE || text[0] == 0xFF: // also XML in UTF-16
		return Capture{Response: base64.StdEncoding.EncodeToString(text)}, nil
	case bytes.Contains(text, []byte("SAMLResponse=")):
		return readForm(string(text))
	}
	return Capture{Response: unescaped(string(text))}, nil
}

var errNoField = errors.New("there is no SAMLResponse in it: record the request by which the browser posts to the callback, with its body")

// unescaped undoes the escapes of a form, where base64 was copied with them.
func unescaped(field string) string {
	if strings.Contains(field, "%") {
		if plain, err := url.QueryUnescape(strings.ReplaceAll(field, "+", "%2B")); err == nil {
			return plain
		}
	}
	return field
}

func readForm(body string) (Capture, error) {
	from := strings.Index(body, "SAMLResponse=") // also after the lines of an HTTP request
	values, err := url.ParseQuery(strings.TrimSpace(body[from:]))
	if err != nil || values.Get("SAMLResponse") == "" {
		return Capture{}, errNoField
	}
	return Capture{Response: values.Get("SAMLResponse")}, nil
}

// har is what is read of a recording (HAR 1.2).
type har struct {
	Log struct {
		Entries []struct {
			Started string `json:"startedDateTime"`
			Request struct {
				Method   string `json:"method"`
				URL      string `json:"url"`
				PostData struct {
					Text   string `json:"text"`
					Params []struct {
						Name  string `json:"name"`
						Value string `json:"value"`
					} `json:"params"`
				} `json:"postData"`
			} `json:"request"`
		} `json:"entries"`
	} `json:"log"`
}

func readHAR(text []byte) (Capture, error) {
	var recorded har
	if err := json.Unmarshal(text, &recorded); err != nil {
		return Capture{}, errors.New("it begins like JSON, but is no recording of a browser (HAR)")
	}
	entries := recorded.Log.Entries
	for i := len(entries) - 1; i >= 0; i-- {
		request := entries[i].Request
		found := Capture{PostedTo: withoutQuery(request.URL)}
		for _, p := range request.PostData.Params {
			if p.Name == "SAMLResponse" {
				found.Response = unescaped(p.Value)
			}
		}
		if found.Response == "" && strings.Contains(request.PostData.Text, "SAMLResponse=") {
			if form, err := readForm(request.PostData.Text); err == nil {
				found.Response = form.Response
			}
		}
		if found.Response != "" {
			found.At, _ = time.Parse(time.RFC3339Nano, entries[i].Started)
			return found, nil
		}
	}
	return Capture{}, errNoField
}

func withoutQuery(address string) string {
	plain, _, _ := strings.Cut(address, "?")
	return plain
}

// isPage reports whether text is a page of HTML, with a form.
func isPage(text []byte) bool {
	start := strings.ToLower(string(text[:min(len(text), 1024)]))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html") || strings.HasPrefix(start, "<form") || strings.HasPrefix(start, "<input")
}

// readPage finds the value of the form field in the page by which an identity
// provider lets the browser post.
func readPage(page string) (Capture, error) {
	for rest := page; ; {
		from := strings.Index(rest, "SAMLResponse")
		if from < 0 {
			return Capture{}, errNoField
		}
		open, end := strings.LastIndexByte(rest[:from], '<'), strings.IndexByte(rest[from:], '>')
		if open >= 0 && end >= 0 {
			if value := attributeOf(rest[open:from+end], "value"); value != "" {
				return Capture{Response: value}, nil
			}
		}
		rest = rest[from+len("SAMLResponse"):]
	}
}

// attributeOf is the value of an attribute in a tag of HTML.
func attributeOf(tag, name string) string {
	_, rest, found := strings.Cut(tag, name+"=")
	if !found || rest == "" {
		return ""
	}
	quote := rest[:1]
	if quote != `"` && quote != "'" {
		return ""
	}
	value, _, found := strings.Cut(rest[1:], quote)
	if !found {
		return ""
	}
	return strings.Trim(strings.NewReplacer("&#x2B;", "+", "&#43;", "+", "&#x3D;", "=", "&#61;", "=", "&#x2F;", "/", "&#47;", "/", "&#13;", "", "&#10;", "").Replace(value), xmltree.White)
}
