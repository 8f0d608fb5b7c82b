// Package scope models OAuth scopes (RFC 6749 §3.3): the names that are known here,
// and a [Set] of them, which is what a client asks for, an authorization has and a
// token may do. Which scopes a client may have is said by package client, and by
// package policy.
package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/devicegate/devicegate/domain/fault"
)

// ErrInvalid says that a scope is not known here or not for this client
// (RFC 6749 §5.2).
var ErrInvalid = fault.New(fault.Invalid, "invalid_scope",
	"One of the scopes is not known here. Leave scope out, or ask for apps:run.")

// validForm is a scope-token (RFC 6749 §3.3) of bounded length.
var validForm = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,64}$`)

// The scopes that devicegate itself knows. A client may have others.
const (
	Full                  = "full"
	AppsRun               = "apps:run"
	AppsReadPermittedOnly = "apps:read:permitted-external"
)

var known = []string{Full, AppsRun, AppsReadPermittedOnly}

// Set is a set of scopes in the order in which they were asked for. Two sets of
// the same scopes in the same order are equal. The zero Set is empty.
type Set struct{ text string }

// Account is what a token of an account of the platform may do.
var Account = Set{Full}

// External is what a token of a person who signed in through SSO may do.
var External = Set{AppsRun + " " + AppsReadPermittedOnly}

// Known reports whether devicegate itself knows the scope.
func Known(name string) bool { return slices.Contains(known, name) }

// Valid reports whether name can be a scope.
func Valid(name string) bool { return validForm.MatchString(name) }

// Parse reads a scope parameter: words separated by blanks, repeated ones once.
// It returns [ErrInvalid] if one of them cannot be a scope. Which scopes exist
// depends on the client.
func Parse(text string) (Set, error) {
	words := strings.Fields(text)
	for _, word := range words {
		if !Valid(word) {
			return Set{}, ErrInvalid
		}
	}
	return of(words), nil
}

// Restore brings a set back from storage, or from a list of names.
func Restore(text string) Set {
	switch text { // what most rows hold costs nothing
	case "", External.text, Account.text:
		return Set{text}
	}
	return of(strings.Fields(text))
}

func of(words []string) Set {
	var kept []string
	for _, word := range words {
		if !slices.Contains(kept, word) {
			kept = append(kept, word)
		}
	}
	return Set{strings.Join(kept, " ")}
}

// Names are the scopes one by one; nil if there are none.
func (s Set) Names() []string {
	if s.text == "" {
		return nil
	}
	return strings.Split(s.text, " ")
}

// String is the scope parameter.
func (s Set) String() string { return s.text }

// IsZero reports whether the set is empty.
func (s Set) IsZero() bool { return s.text == "" }

// Contains reports whether the set has the scope.
func (s Set) Contains(name string) bool { return slices.Contains(s.Names(), name) }

// Within is the part of s that is also in limit, in the order of s.
func (s Set) Within(limit Set) Set {
	return of(slices.DeleteFunc(s.Names(), func(name string) bool { return !limit.Contains(name) }))
}
