package device

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/scope"
)

// ErrUnsupportedClient says that a client_id is not known here.
var ErrUnsupportedClient = fault.New(fault.Invalid, "unsupported_client",
	"This client is not known here. Ask your administrator to add its client_id.")

// Client is an OAuth client that may start the device flow (a public client,
// RFC 6749 §2.1): a command-line tool, an agent, a television.
type Client struct {
	ID   string // 1 to 64 characters
	Name string // for people
	// Scopes are those that its tokens may have; zero: [scope.External].
	Scopes scope.Set
}

// Grant returns the scopes that the client gets if it asks for requested: those
// of requested that it may have or, if it asks for none, all that it may have.
// It returns [scope.ErrInvalid] if nothing is left of what it asks for.
func (c Client) Grant(requested scope.Set) (scope.Set, error) {
	limit := c.Scopes
	if limit.IsZero() {
		limit = scope.External
	}
	if requested.IsZero() {
		return limit, nil
	}
	granted := requested.Within(limit)
	if granted.IsZero() {
		return scope.Set{}, scope.ErrInvalid
	}
	return granted, nil
}

// Clients are those known here.
type Clients struct{ known []Client }

// NewClients knows the given ones; a client without a name is called by its id.
func NewClients(known ...Client) Clients {
	known = slices.Clone(known)
	for i := range known {
		if known[i].Name == "" {
			known[i].Name = known[i].ID
		}
	}
	return Clients{known}
}

// Find returns the client called id, or [ErrUnsupportedClient].
func (c Clients) Find(id string) (Client, error) {
	for _, k := range c.known {
		if k.ID == id {
			return k, nil
		}
	}
	return Client{}, ErrUnsupportedClient
}

// Name is what people call the client, or its id if it is no longer known.
func (c Clients) Name(id string) string {
	if k, err := c.Find(id); err == nil {
		return k.Name
	}
	return id
}

const labelMax = 255

var lineBreaks = regexp.MustCompile(`[\t\n\v\f\r\x{85}\x{2028}\x{2029}]+`)

// Label names a device for the person who approves it. It is at most 255
// characters, without control characters or any that reorder text; a line break
// is a blank.
type Label struct{ text string }

// ParseLabel cleans what a client calls its device; nothing left that can be
// seen means the client's own name.
func ParseLabel(text string, of Client) Label {
	text = lineBreaks.ReplaceAllString(text, " ")
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	if r := []rune(text); len(r) > labelMax {
		text = strings.TrimSpace(string(r[:labelMax]))
	}
	if !strings.ContainsFunc(text, isVisible) {
		text = of.Name
	}
	return Label{text}
}

func isVisible(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.In(r, invisible...)
}

func (l Label) String() string { return l.text }
