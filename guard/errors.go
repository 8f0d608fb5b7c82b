package guard

import (
	"errors"
	"time"
)

var (
	// ErrInvalidToken refuses a token that is malformed, unknown, expired,
	// revoked or meant for another audience.
	ErrInvalidToken = errors.New("guard: the token is not valid, or no longer")

	// ErrUnavailable says that the server could not be asked, so that nothing
	// is known of the token. Errors that match it say why.
	ErrUnavailable = errors.New("guard: the token could not be checked")
)

// unavailable is an [ErrUnavailable] with its reason.
type unavailable struct {
	reason     string
	outage     bool          // a matter of time, not of settings
	retryAfter time.Duration // as the server says, or zero
}

func (e *unavailable) Error() string        { return ErrUnavailable.Error() + ": " + e.reason }
func (e *unavailable) Is(target error) bool { return target == ErrUnavailable }

func isOutage(err error) bool {
	var e *unavailable
	return errors.As(err, &e) && e.outage
}

// retryAfter is when a request refused with err may be repeated.
func retryAfter(err error) time.Duration {
	var e *unavailable
	if errors.As(err, &e) && e.retryAfter > 0 {
		return min(e.retryAfter, time.Minute)
	}
	return time.Second
}
