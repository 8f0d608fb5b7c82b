package application

import (
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
)

// SignInError is an error in a sign-in that is known: through which connection,
// for the log, and for which user code, so that the person can begin again.
type SignInError struct {
	Connection string          // slug
	Unverified bool            // the connection is what a response claims, no more
	UserCode   device.UserCode // zero for a browser that did not begin the sign-in
	Purpose    approval.Purpose
	cause      error
}

func (e *SignInError) Error() string { return e.cause.Error() }

// Unwrap returns the error itself.
func (e *SignInError) Unwrap() error { return e.cause }
