// Package client describes the OAuth clients that this installation knows: what
// people read about them, and what their tokens may do.
//
// All of them are public clients (RFC 6749 §2.1): a client_id proves nothing, and
// any program can send it. What an operator says of a client narrows what its
// tokens can be used for; it is no evidence of which program asked.
package client

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/token"
)

// The refusals of clients. API clients read one code for all of them.
var (
	// ErrUnsupported says that a client_id is not known here.
	ErrUnsupported = fault.New(fault.Invalid, "unsupported_client",
		"This client is not known here. Ask your administrator to add its client_id.")
	// ErrSuspended says that an administrator has suspended the client.
	ErrSuspended = fault.New(fault.Invalid, "unsupported_client",
		"This client is suspended here. Ask your administrator.").OnPage("client_suspended")
	// ErrNoDeviceGrant says that the client may not use the device flow.
	ErrNoDeviceGrant = fault.New(fault.Invalid, "unsupported_client",
		"This client may not use the device flow here. Ask your administrator to add the grant device_code.").OnPage("client_suspended")
	// ErrConnection says that the client's tokens are not for people of this
	// identity provider.
	ErrConnection = fault.New(fault.Forbidden, "connection_not_allowed",
		"This client cannot be used with this identity provider. Choose another way of signing in, or ask your administrator.")
)

// Grant is a way of getting a token.
type Grant string

// DeviceCode is the device authorization grant (RFC 8628).
const DeviceCode Grant = "device_code"

// Grants are all that exist.
var Grants = []Grant{DeviceCode}

// Source is where a client is configured.
type Source string

// The sources.
const (
	Environment Source = "environment" // OPENAPI_KNOWN_CLIENT_IDS
	File        Source = "file"        // CLIENTS_FILE
	Database    Source = "database"    // devicegate clients
)

// Settings are a client's facts, as configuration states them. All but ID may be
// left out.
type Settings struct {
	ID        string // 1 to 64 characters, as on the wire
	Name      string // for people; empty: the ID
	Publisher string
	Icon      Icon
	HomePage  string // https
	Grants    []Grant
	// Scopes are those that its tokens may have; zero: [scope.External].
	Scopes scope.Set
	// ScopeTexts are the client's own sentences for scopes.
	ScopeTexts  ScopeTexts
	TokenLife   time.Duration // 0: that of the installation
	Label       string        // of a device that sends no name; empty: the Name
	Connections []string      // slugs of those that people may come through; empty: all
	Suspended   bool
	Source      Source
}

// ScopeTexts are sentences for people, by scope and then by language.
type ScopeTexts map[string]map[string]string

// Client is one client as configured here. It does not change.
type Client struct{ s Settings }

// Unreadable stands for a client of the database of which nothing can be read but
// its id. It is suspended, so that no other source speaks for it.
func Unreadable(id string) Client {
	name := strings.Trim(strconv.QuoteToASCII(id), `"`) // it may hold what cannot be shown
	return Client{Settings{ID: id, Name: name, Grants: []Grant{}, Suspended: true, Source: Database}}
}

// ID is the client_id.
func (c Client) ID() string { return c.s.ID }

// Name is what people call the client.
func (c Client) Name() string { return c.s.Name }

// Settings are the client's facts, defaults filled in.
func (c Client) Settings() Settings { return c.s }

// DefaultLabel names a device that does not name itself.
func (c Client) DefaultLabel() string {
	if c.s.Label != "" {
		return c.s.Label
	}
	return c.s.Name
}

// IsZero reports whether there is no client.
func (c Client) IsZero() bool { return c.s.ID == "" }

// CheckUsable returns [ErrSuspended] or [ErrNoDeviceGrant] if the client gets no
// tokens.
func (c Client) CheckUsable() error {
	switch {
	case c.s.Suspended:
		return ErrSuspended
	case !slices.Contains(c.s.Grants, DeviceCode):
		return ErrNoDeviceGrant
	}
	return nil
}

// MayConnect reports whether people may come through the connection.
func (c Client) MayConnect(slug string) bool {
	return len(c.s.Connections) == 0 || slices.Contains(c.s.Connections, slug)
}

// CheckConnection returns [ErrConnection] unless people may come through the
// connection.
func (c Client) CheckConnection(slug string) error {
	if !c.MayConnect(slug) {
		return ErrConnection
	}
	return nil
}

// TokenLife is how long the client's tokens live: its own setting, else otherwise,
// which is the installation's.
func (c Client) TokenLife(otherwise token.Lifetime) token.Lifetime {
	if c.s.TokenLife != 0 {
		return token.Lifetime(c.s.TokenLife)
	}
	return otherwise
}

// Grant returns the scopes that the client gets if it asks for requested: those
// of requested that it may have or, if it asks for none, all that it may have.
// It returns [scope.ErrInvalid] for a scope that exists nowhere, and if nothing
// is left of what it asks for.
func (c Client) Grant(requested scope.Set) (scope.Set, error) {
	if requested.IsZero() {
		return c.s.Scopes, nil
	}
	granted := requested.Within(c.s.Scopes)
	if granted.IsZero() {
		return scope.Set{}, scope.ErrInvalid
	}
	for _, name := range requested.Names() {
		if !scope.Known(name) && !c.s.Scopes.Contains(name) {
			return scope.Set{}, scope.ErrInvalid
		}
	}
	return granted, nil
}

// ScopeText is the client's own sentence for a scope in the first of the given
// languages that it has; in English, else in any, if it has none of them. It is
// empty if the client has no sentence.
func (c Client) ScopeText(name string, languages ...string) string {
	texts := c.s.ScopeTexts[name]
	for _, language := range append(languages, "en") {
		if text := texts[language]; text != "" {
			return text
		}
	}
	for _, language := range sortedKeys(texts) {
		return texts[language]
	}
	return ""
}
