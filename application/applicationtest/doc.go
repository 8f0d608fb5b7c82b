// Package applicationtest builds a fixture for tests: all use cases on a real
// store in memory, at a time that the test sets, with an identity provider that
// says what it is told to say.
package applicationtest
