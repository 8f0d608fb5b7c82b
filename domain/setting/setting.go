// Package setting names what is wrong with a configuration.
//
// Each adapter checks its own Config and names the field. The reader of the
// configuration translates the field into the setting that operators write.
package setting

import "fmt"

// Problem is the value of one field that cannot be right.
type Problem struct{ Field, Reason string }

func (p Problem) Error() string { return p.Field + ": " + p.Reason }

// Wrong makes a [Problem]. Its text must not repeat what may be a secret.
func Wrong(field, format string, args ...any) error {
	return Problem{field, fmt.Sprintf(format, args...)}
}

// Split lists the errors that [errors.Join] put into err.
func Split(err error) (all []error) {
	joined, is := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
	case !is:
		all = append(all, err)
	default:
		for _, one := range joined.Unwrap() {
			all = append(all, Split(one)...)
		}
	}
	return all
}
