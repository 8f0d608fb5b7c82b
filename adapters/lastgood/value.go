// Package lastgood serves configuration that changes while the process runs.
//
// A new value is checked by all that depend on it, and then taken up as a whole.
// While what was read cannot be right, or cannot be read, the last good value is
// served; the log and [Source.Current] say so.
package lastgood

import "sync/atomic"

// Value is a value that is replaced as a whole. The zero Value holds the zero T.
type Value[T any] struct{ now atomic.Pointer[T] }

// Get is the value now.
func (v *Value[T]) Get() (now T) {
	if p := v.now.Load(); p != nil {
		now = *p
	}
	return now
}

// Replace serves another value from now on.
func (v *Value[T]) Replace(next T) { v.now.Store(&next) }
