// Package demo plays the two parts that devicegate serves: a [Device], which
// asks for access as a command-line tool would, and a [Person], who approves or
// denies as a person with a browser would. Both speak real HTTP and know
// nothing of the server but its address; `devicegate demo` and the end-to-end
// tests use them.
package demo
