// Package acsui shows the move of callbacks (package acsmove) to people: the page
// that a test link opens, on the public listener, and the table of all connections
// for operators, on the operations listener.
//
// Both are for administrators and in English, and need no script.
package acsui
