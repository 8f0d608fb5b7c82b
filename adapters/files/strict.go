package files

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// strict is a mapping in a file. What is wrong with it is kept, so that it does
// not hide what is wrong elsewhere.
type strict[T any] struct {
	of      T
	unread  []string // what is wrong with names and types in it
	mapping bool     // or else nothing of it was understood
}

// UnmarshalYAML lists all names that are not known: a mistyped setting would
// silently be none. The library stops at the first.
func (s *strict[T]) UnmarshalYAML(read func(any) error) error {
	fields := reflect.TypeFor[T]()
	err := read(&s.of)
	kind := new(yaml.TypeError)
	switch {
	case err == nil, errors.As(err, new(*yaml.UnknownFieldError)):
	case errors.As(err, &kind) && kind.StructFieldName != nil: // the library words it for programmers
		_, name, _ := strings.Cut(*kind.StructFieldName, ".")
		field, _ := fields.FieldByName(name)
		text := fmt.Sprintf("%s: a %s is wanted, not a %s", nameOf(field), kind.DstType, kind.SrcType)
		if kind.SrcType.Kind() == reflect.Map && kind.DstType.Kind() == reflect.String { // within {}, the library takes a:b for a mapping
			text = fmt.Sprintf("%s: a string is wanted, not a mapping; put a text with a colon in quotes, like \"apps:run\"", nameOf(field))
		}
		s.unread = append(s.unread, text)
	default:
		s.unread = append(s.unread, yaml.FormatError(err, false, false))
	}
	var found map[string]any
	if read(&found) != nil {
		return nil
	}
	s.mapping = true
	for field := range fields.Fields() {
		delete(found, nameOf(field))
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		s.unread = append(s.unread, fmt.Sprintf("unknown field %q", name))
	}
	return nil
}

// nameOf is the name of a field in the file.
func nameOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	return name
}
