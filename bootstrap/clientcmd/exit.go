package clientcmd

import (
	"context"
	"errors"

	"github.com/devicegate/devicegate/adapters/deviceclient"
)

// Exit codes for scripts; docs/cli.md lists them.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitDenied      = 3
	exitExpired     = 4
	exitNotSignedIn = 5
	exitInterrupted = 130 // as shells report SIGINT
)

// exitError is an error that chooses the program's exit code.
type exitError struct {
	error
	code int
}

// ExitCode returns the code.
func (e exitError) ExitCode() int { return e.code }

// Unwrap returns the cause.
func (e exitError) Unwrap() error { return e.error }

func usage(err error) error { return exitError{err, exitUsage} }

// withCode gives err the exit code of its kind.
func withCode(err error) error {
	switch {
	case err == nil, errors.As(err, new(exitError)):
		return err
	case errors.Is(err, deviceclient.ErrDenied):
		return exitError{err, exitDenied}
	case errors.Is(err, deviceclient.ErrExpired):
		return exitError{err, exitExpired}
	case errors.Is(err, deviceclient.ErrNotSignedIn):
		return exitError{err, exitNotSignedIn}
	case errors.Is(err, context.Canceled):
		return exitError{errors.New("interrupted"), exitInterrupted}
	case errors.Is(err, deviceclient.ErrServer):
		return usage(err)
	}
	return exitError{err, exitFailure}
}

// word names the kind of an error for --json.
func word(code int) string {
	switch code {
	case exitUsage:
		return "usage"
	case exitDenied:
		return "denied"
	case exitExpired:
		return "expired"
	case exitNotSignedIn:
		return "not_signed_in"
	case exitInterrupted:
		return "interrupted"
	}
	return "failed"
}
