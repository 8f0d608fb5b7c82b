package deviceclient

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrDenied says that the person turned the device away.
	ErrDenied = errors.New("access was denied on the page; run the login again if that was a mistake")

	// ErrExpired says that the code ran out before it was approved.
	ErrExpired = errors.New("the code has expired; run the login again for a new one")

	// ErrNotSignedIn says that there is no token, or none that the server takes.
	ErrNotSignedIn = errors.New("not signed in")

	// ErrNoSession says that the session to end is unknown or belongs to another person.
	ErrNoSession = errors.New("no session of yours has this id; list them first")
)

// Refusal is an answer that the client cannot go on from.
type Refusal struct {
	Doing      string // what was tried, such as "start the login"
	Status     int
	Code       string // the server's error word, if it gave one
	Message    string // the server's sentence, if it gave one
	RetryAfter time.Duration
}

// Error says what was tried and what the server answered.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("%s: the server answered %d", r.Doing, r.Status)
	if r.Code != "" {
		text += " " + Printable(r.Code)
	}
	if r.Message != "" {
		text += " (" + Printable(r.Message) + ")"
	}
	switch {
	case r.RetryAfter > 0:
		text += "; try again in " + r.RetryAfter.Round(time.Second).String()
	case r.Code == "" && r.Status == 404:
		text += "; is this the address of a server with a device login?"
	}
	return text
}
